"""Two texts as a unified diff: what `diff` and `patch` would agree with, bounded in time and length."""

from __future__ import annotations

import difflib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.compare.difference import TextChange
from fusionpipe.compare.lines import common_blocks
from fusionpipe.compare.text import compare_texts, text_of

ENDLESS = 1 << 60
LINES = st.lists(st.sampled_from(["a", "b", "c", "", "long line"]), max_size=30)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))


def test_a_changed_line_is_shown_in_its_place() -> None:
    change = compare_texts("a\nb\nc\nd\ne\n", "a\nb\nX\nd\ne\n", ENDLESS)
    assert ("@@ -1,5 +1,5 @@", " a", " b", "-c", "+X", " d", " e") == change.lines
    assert (1, 1, 0) == (change.added, change.removed, change.left_out)


def test_far_changes_are_hunks_of_their_own() -> None:
    old = "".join(f"{at}\n" for at in range(40))
    change = compare_texts(old, old.replace("5\n", "five\n", 1).replace("39\n", ""), ENDLESS)
    assert ["@@ -3,7 +3,7 @@", "@@ -37,4 +37,3 @@"] == [
        line for line in change.lines if line.startswith("@@")
    ]


def test_a_missing_last_newline_is_told() -> None:
    change = compare_texts("a\n", "a", ENDLESS)
    assert ("@@ -1 +1 @@", "-a", "+a", "\\ No newline at end of file") == change.lines


def test_texts_that_differ_in_their_line_ends_alone_say_so() -> None:
    assert compare_texts("a\nb\n", "a\r\nb\r\n", ENDLESS).is_only_line_ends
    assert not compare_texts("a\nb\n", "a\r\nc\r\n", ENDLESS).is_only_line_ends


def test_a_long_diff_is_cut_and_says_by_how_much() -> None:
    change = compare_texts("", "x\n" * 500, 10)
    assert (10, 491, 500) == (len(change.lines), change.left_out, change.added)


def test_a_long_line_is_cut_around_what_differs() -> None:
    old, new = "x" * 5000 + "OLD" + "y" * 5000, "x" * 5000 + "NEW" + "y" * 5000
    change = compare_texts(old, new, ENDLESS)
    told = [line for line in change.lines if "OLD" in line or "NEW" in line]
    assert ["-", "+"] == [line[0] for line in told]
    assert all(len(line) < 500 for line in change.lines)


@pytest.mark.parametrize("data", [b"a\0b", b"\xff\xfe", "ä".encode("latin-1")])
def test_what_is_not_utf8_is_no_text(data: bytes) -> None:
    assert text_of(data) is None


def test_a_mark_at_the_beginning_is_a_difference() -> None:
    assert 1 == compare_texts("\ufeffa\n", "a\n", ENDLESS).added


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert TextChange(0, 0) == compare_texts(text, text, ENDLESS)


@given(TEXTS, TEXTS)
def test_common_lines_are_common_and_nothing_is_told_twice(old: str, new: str) -> None:
    a, b = old.split("\n"), new.split("\n")
    blocks = common_blocks(a, b)
    at_old = at_new = 0
    for number, block in enumerate(blocks):
        assert block.old >= at_old
        assert block.new >= at_new
        assert number == 0 or (block.old, block.new) != (at_old, at_new), "something between"
        at_old, at_new = block.old + block.length, block.new + block.length
        assert a[block.old : at_old] == b[block.new : at_new]
    assert (len(a), len(b)) == (at_old, at_new)


@given(TEXTS, TEXTS)
def test_it_is_nearly_as_close_as_difflib(old: str, new: str) -> None:
    matcher = difflib.SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False)
    theirs = sum(block.size for block in matcher.get_matching_blocks())
    ours = sum(block.length for block in common_blocks(old.split("\n"), new.split("\n")))
    assert ours >= theirs / 2  # neither is the longest common part; both come near


def test_between_lines_that_occur_once_all_that_is_common_is_found() -> None:
    """Long texts: an edit in every hundredth line, none of them lost in what lies between."""
    old = [f"{at} is unlike the others" if at % 3 else "}" for at in range(6000)]
    new = [line + "!" if at % 100 == 1 else line for at, line in enumerate(old)]
    new[4000:4000] = ["}"] * 5
    assert 6000 - 60 == sum(block.length for block in common_blocks(old, new))


@given(TEXTS, TEXTS)
def test_the_counts_add_up(old: str, new: str) -> None:
    change = compare_texts(old, new, ENDLESS)
    signs = [line[0] for line in change.lines]
    assert (change.added, change.removed) == (signs.count("+"), signs.count("-"))
    assert len(new.splitlines()) - len(old.splitlines()) == change.added - change.removed


@pytest.mark.parametrize("seed", range(12))
def test_patch_makes_the_new_text_of_the_old(seed: int, tmp_path: Path) -> None:
    old = "".join(f"{(at * 7 + seed) % 13}\n" for at in range(60))
    lines = old.splitlines(keepends=True)
    lines[seed : seed + 2] = ["new\n"] * seed
    new = "".join(lines[: 60 - seed]).removesuffix("\n" * (seed % 2))
    (tmp_path / "it").write_text(old)
    diff = "\n".join(("--- it", "+++ it", *compare_texts(old, new, ENDLESS).lines)) + "\n"
    subprocess.run(["patch", "-s", "it"], cwd=tmp_path, input=diff, text=True, check=True)
    assert new == (tmp_path / "it").read_text()


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        (100_000, 50),
        *(pytest.param(*long, marks=pytest.mark.slow) for long in [(2_000, 2), (20_000, 97)]),
    ],
)
def test_the_work_on_long_texts_is_bounded(
    lines: int, kinds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    class Counting(difflib.SequenceMatcher[str]):
        def find_longest_match(
            self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
        ) -> difflib.Match:
            looked.append(sum(len(self.b2j.get(line, ())) for line in self.a[alo:ahi]))
            return super().find_longest_match(alo, ahi, blo, bhi)

    monkeypatch.setattr("fusionpipe.compare.lines.SequenceMatcher", Counting)
    old = "".join(f"{at % kinds}\n" for at in range(lines))
    new = "".join(f"{at // 2 % (kinds + 1)}\n" for at in range(lines))
    change = compare_texts(old, new, 10)
    assert change.added == change.removed > 0
    assert sum(looked) <= 10_000_000


def test_edits_among_lines_that_repeat_are_found() -> None:
    """A log in which no line occurs once, with every tenth changed."""
    old = [f"step, loss {at * at % 97}" for at in range(5000)]
    new = [line + "!" if at % 10 == 3 else line for at, line in enumerate(old)]
    assert 4500 == sum(block.length for block in common_blocks(old, new))
