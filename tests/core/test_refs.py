"""What a ref stands for: earlier results, pins, hashes, builds; and what is said of those that stand for nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from fusionpipe.build.archive import Archive, open_archive
from fusionpipe.build.pins import pin, pins, unpin
from fusionpipe.build.refs import resolve, resolve_build
from fusionpipe.errors import UsageError
from fusionpipe.history import builds
from fusionpipe.testing import Project
from fusionstore.contract import Draft, JsonObject
from fusionstore.digest import ActionKey, digest_bytes
from fusionstore.tree import EMPTY_TREE

DAY = 86400


def built(root: Path) -> Project:
    """`load` was built as one, two, one and three, a day apart; today is the day of three."""
    root.mkdir()
    project = Project(root).node("raw")
    for word in ("one", "two", "one", "three"):
        project.node("load", f"echo {word} > ../data/x").build()
    _a_day_apart(project)
    return project


def _a_day_apart(project: Project) -> None:
    """Tells the journal that each build took place a day before the next."""
    journal = project.root / ".fusionpipe/builds.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for age, line in enumerate(reversed(lines)):
        line["started"] -= age * DAY
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return built(tmp_path / "project")


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """As `archive`, built once: for tests that only ask."""
    project = built(tmp_path_factory.mktemp("past") / "project")
    with open_archive(project.root, project.environment) as opened:
        yield opened


@pytest.fixture
def archive(project: Project) -> Iterator[Archive]:
    with open_archive(project.root, project.environment) as opened:
        yield opened


def word(archive: Archive, ref: str) -> str:
    """The text that the result of a ref holds."""
    data = resolve(archive, ref).full.record.slots["data"]
    return (archive.store.tree_path(data) / "x").read_text().strip()


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("0", "three"),
        ("1", "one"),
        ("2", "two"),
        ("3", "one"),
        ("now", "three"),
        ("today", "three"),
        ("2 hours ago", "one"),
        ("yesterday", "one"),
        ("2 days ago", "two"),
        ("47h", "two"),
    ],
)
def test_a_node_has_earlier_results_by_number_and_by_time(
    past: Archive, which: str, expected: str
) -> None:
    assert expected == word(past, f"load@{{{which}}}")


def test_a_node_as_a_build_left_it(past: Archive) -> None:
    told = [word(past, f"load@{{{build.build}}}") for build in builds(past.root)]
    assert ["three", "one", "two", "one"] == told


def test_the_past_is_known_without_a_journal_and_without_a_state(project: Project) -> None:
    state, journal = (project.root / ".fusionpipe" / name for name in ("state", "builds.jsonl"))
    kept = journal.read_text()
    journal.write_text("")
    with open_archive(project.root, project.environment) as archive:
        assert ["three", "one", "two"] == [word(archive, f"load@{{{n}}}") for n in range(3)]
    journal.write_text(kept)
    (state / "rows").unlink()
    with open_archive(project.root, project.environment) as archive:
        with pytest.raises(UsageError, match="load has no result yet"):
            resolve(archive, "load")


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("load@{4}", "no result 4 before its present one: 4 known"),
        ("load@{2001-01-01}", "no result yet then: its first is of 20"),
        ("load@{soon}", "that is no number, time or build"),
        ("laod@{1}", 'did you mean "load"'),
        ("laod", 'did you mean "load"'),
        ("raw@{1}", "no result 1 before its present one: 1 known"),
        ("", "nothing is called"),
        ("../load", "nothing is called"),
        ("20010101-000000-0000", "no build is called"),
    ],
)
def test_what_there_never_was_is_explained(past: Archive, ref: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        resolve(past, ref)


def test_a_node_that_never_ran_is_known_by_its_directory(project: Project) -> None:
    project.node("new")
    with open_archive(project.root, project.environment) as archive:
        with pytest.raises(UsageError, match="new has no result yet\n  fp build new"):
            resolve(archive, "new")


def test_a_source_made_nothing(project: Project) -> None:
    project.write("src/node.toml", "source = true").write("src/data/x", "1").build()
    with open_archive(project.root, project.environment) as archive:
        with pytest.raises(UsageError, match="src is a source"):
            resolve(archive, "src")


@pytest.mark.parametrize("ref", ["load", "./load", "load/", "/load"])
def test_a_node_may_be_written_as_a_path(past: Archive, ref: str) -> None:
    assert "load" == resolve(past, ref).node


def test_a_node_is_where_one_stands(past: Archive) -> None:
    assert "load" == resolve(past, ".", "load").node
    assert "load" == resolve(past, "../load", "raw").node


def test_a_build_is_no_result_and_says_what_it_made(past: Archive) -> None:
    latest = next(builds(past.root)).build
    with pytest.raises(UsageError, match=f"is a build, not a result: it ran or restored load\n.*load@{{{latest}}}"):  # fmt: skip
        resolve(past, latest)


def test_builds_are_found_by_the_beginning_of_their_id(past: Archive) -> None:
    *_, first = builds(past.root)
    assert first == resolve_build(past, first.build)
    assert first == resolve_build(past, first.build[:-1])
    with pytest.raises(UsageError, match="begins 4 builds"):
        resolve_build(past, first.build[:8])
    with pytest.raises(UsageError, match="no build is called load\n  the latest: 20"):
        resolve_build(past, "load")


def test_a_hash_that_fits_several_results_lists_them(project: Project) -> None:
    keys = _keys_that_begin_alike()
    with open_archive(project.root, project.environment) as archive:
        archive.store.adopt(EMPTY_TREE)
        bodies: list[JsonObject] = [{"node": "this", "made": 1e9}, {"node": "that", "made": 1e9}]
        for key, body in zip(keys, bodies, strict=True):
            archive.store.commit([Draft(key, {"data": EMPTY_TREE}, body=body)])
        with pytest.raises(UsageError) as told:
            resolve(archive, keys[0][:4])
        for key, node in zip(keys, ("this", "that"), strict=True):
            assert re.search(rf"\n    {key[:12]}  a key of {node}, 2001-09-\d\d", str(told.value))
        assert str(told.value).endswith("\n  write more of the hash")
        assert "that" == resolve(archive, keys[1]).node


def _keys_that_begin_alike() -> tuple[ActionKey, ActionKey]:
    seen: dict[str, ActionKey] = {}
    for number in count():
        key = ActionKey(digest_bytes(str(number).encode()))
        if key[:4] in seen:
            return seen[key[:4]], key
        seen[key[:4]] = key
    raise AssertionError


def test_equal_data_of_two_nodes_are_said_to_be(project: Project) -> None:
    project.node("twin", "echo other >/dev/null; echo three > ../data/x").build()
    with open_archive(project.root, project.environment) as archive:
        tree = resolve(archive, "twin").full.record.slots["data"]
        found = resolve(archive, tree)
        assert (f"2 results fit {tree}: this is the first", "load") == (found.note, found.node)


# -- pins --------------------------------------------------------------------------------------
def pinned(archive: Archive, ref: str, name: str, *, is_forced: bool = False) -> None:
    found = resolve(archive, ref)
    pin(archive, name, found.full, found.node, "", is_forced=is_forced)


def test_a_pin_names_a_result_whatever_the_node_shows_now(archive: Archive) -> None:
    pinned(archive, "load@{2}", "paper")
    assert ("two", "load") == (word(archive, "paper"), resolve(archive, "paper").node)
    archive.store.reindex()  # a pin is a file
    assert "two" == word(archive, "paper")
    assert [("paper", "load")] == [(one.name, one.node) for one in pins(archive)]
    unpin(archive, "paper")
    with pytest.raises(UsageError, match="nothing is called paper"):
        resolve(archive, "paper")


def test_a_pin_is_moved_only_when_asked(archive: Archive) -> None:
    pinned(archive, "load", "paper")
    pinned(archive, "load", "paper")
    with pytest.raises(UsageError, match=r"paper is pinned already: \w+, of load"):
        pinned(archive, "load@{1}", "paper")
    pinned(archive, "load@{1}", "paper", is_forced=True)
    assert "one" == word(archive, "paper")


def test_the_note_of_a_pin_outlives_its_renewal(archive: Archive) -> None:
    found = resolve(archive, "load")
    pin(archive, "paper", found.full, found.node, "table 2", is_forced=False)
    pin(archive, "paper", found.full, found.node, "", is_forced=False)
    assert ["table 2"] == [one.note for one in pins(archive)]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "a b", "a@{1}", "ü", "x" * 101])
def test_what_cannot_be_a_pins_name_is_refused(past: Archive, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a pin's name"):
        pinned(past, "load", name)
    with pytest.raises(UsageError, match="nothing is pinned as"):
        unpin(past, name)


def test_a_nodes_name_wins_over_a_pins_and_that_is_said(archive: Archive) -> None:
    pinned(archive, "load", "raw")
    found = resolve(archive, "raw")
    assert ("raw", "raw is a pin too: the node is meant") == (found.node, found.note)


def test_a_pins_name_wins_over_a_hash_and_that_is_said(archive: Archive) -> None:
    hash = resolve(archive, "raw").id[:8]
    pinned(archive, "load", hash)
    found = resolve(archive, hash)
    assert ("load", f"{hash} begins a hash too: the pin is meant") == (found.node, found.note)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("load", "load is a node"),
        ("raw", "raw is a node"),
        ("fits", "fits is a group"),
        ("cafe", "it reads as the beginning of a hash"),
        ("20261121-093000-ab12", "it reads as the id of a build"),
        ("2026", "it reads as the id of a build"),
        ("import-abcdef", "imports are called so"),
    ],
)
def test_a_pin_is_not_named_as_another_ref_is(project: Project, name: str, why: str) -> None:
    project.node("fits/one").node("fits/two")
    told = project.call("pin", "load", name)
    assert (2, "") == (told.code, told.out)
    assert f"{name} cannot be a pin's name: {why}" in told.err
    assert 0 == project.call("pin", "load", "paper-v1").code


def test_a_pin_is_not_named_as_a_node_of_the_past_or_beside(project: Project) -> None:
    shutil.rmtree(project.root / "load")
    project.node("fits/one")
    assert "load was a node" in project.call("pin", "raw", "load").err
    assert "fits/one is a node" in project.call("pin", "/raw", "one", at="fits").err
    assert 0 == project.call("pin", "raw", "one").code


@pytest.mark.parametrize(
    "words", [("show", "fits"), ("history", "fits"), ("diff", "fits@{1}", "raw")]
)
def test_a_group_is_no_result_and_names_its_nodes(project: Project, words: tuple[str, ...]) -> None:
    project.node("fits/one").node("fits/two")
    told = project.call(*words)
    assert (2, "") == (told.code, told.out)
    assert "fits is a group, which has no result of its own" in told.err
    assert "name one of its nodes: fits/one, fits/two" in told.err


def test_a_key_is_known_when_all_its_results_are_gone(project: Project) -> None:
    full = project.call("show", "load@{2}", "--json").out
    record, key = (json.loads(full)[name] for name in ("record", "key"))
    store = project.root / ".fusionpipe/store"
    place = store / "actions" / key[:2] / key
    place.rename(f"{place}.{record}.gone")
    shutil.rmtree(store / "index")
    told = project.call("show", key[:12])
    assert (0, "") == (told.code, told.err)
    assert "bytes gone" in told.out
    assert project.call("history", key[:12]).out == project.call("history", "load").out
    assert 2 == project.call("show", "0" * 12).code
