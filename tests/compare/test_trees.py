"""Which files differ between two trees, and how closely each is looked into."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import BinaryIO

from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.compare import (
    Difference,
    How,
    JsonChange,
    Looks,
    NotCompared,
    TableChange,
    TextChange,
    compare_trees,
)
from fusionstore.digest import Digest, digest_bytes
from fusionstore.tree import Entry, Kind, Tree, build

BLOBS: dict[Digest, bytes] = {}

Content = bytes | str | None
"""Bytes or text of a file; "-> x" is a link, "#!…" is executable, None is an empty directory."""


def tree(files: Mapping[str, Content]) -> Tree:
    return build({path: entry(content) for path, content in files.items()})


def entry(content: Content) -> Entry:
    if content is None:
        return Entry("", Kind.DIRECTORY)
    if isinstance(content, str) and content.startswith("-> "):
        return Entry("", Kind.SYMLINK, target=content[3:])
    data = content.encode() if isinstance(content, str) else content
    kind = Kind.EXECUTABLE if data.startswith(b"#!") else Kind.FILE
    data = data.removeprefix(b"#!")
    digest = digest_bytes(data)
    BLOBS[digest] = data
    return Entry("", kind, digest, len(data))


def read_blob(one: Entry) -> BinaryIO:
    return io.BytesIO(BLOBS[one.digest])


def told(difference: Difference) -> list[tuple[str, ...]]:
    return [
        (file.how.value, file.path, file.was) if file.was else (file.how.value, file.path)
        for file in difference.files
    ]


def between(old: Mapping[str, Content], new: Mapping[str, Content]) -> list[tuple[str, ...]]:
    return told(compare_trees(tree(old), tree(new)))


def test_files_are_added_removed_and_changed() -> None:
    expected = [("changed", "a"), ("removed", "deep/er/b"), ("added", "new/c")]
    old = {"a": "1", "deep/er/b": "2", "same": "s"}
    assert expected == between(old, {"a": "3", "new/c": "4", "same": "s"})


def test_equal_bytes_under_another_path_were_renamed() -> None:
    assert [("renamed", "b/x", "a/x")] == between({"a/x": "1"}, {"b/x": "1"})


def test_of_several_with_equal_bytes_those_with_equal_names_belong_together() -> None:
    expected = [("renamed", "b/x", "a/x"), ("renamed", "b/y", "a/y"), ("added", "b/z")]
    assert expected == between({"a/x": "1", "a/y": "1"}, {"b/y": "1", "b/x": "1", "b/z": "1"})


def test_empty_files_are_no_renaming() -> None:
    assert [("removed", "a"), ("added", "b")] == between({"a": ""}, {"b": ""})


def test_an_executable_bit_is_a_difference_of_its_own() -> None:
    assert [("mode", "run")] == between({"run": "x"}, {"run": "#!x"})


def test_a_file_may_become_a_directory_or_a_link() -> None:
    expected = [("changed", "l"), ("removed", "x"), ("added", "x/y")]
    assert expected == between({"x": "1", "l": "2"}, {"x/y": "3", "l": "-> 2"})


def test_empty_directories_are_told() -> None:
    expected = [("removed", "gone/"), ("added", "new/")]
    assert expected == between({"gone": None, "a": "1"}, {"new": None, "a": "1"})


def test_a_path_may_be_deeper_than_calls_can_be() -> None:
    path = "/".join(["d"] * 2000)
    # built by hand: the tool that nests dictionaries calls itself
    one, two = _deep(path, "1"), _deep(path, "2")
    assert [("changed", f"{path}/x")] == told(compare_trees(one, two))


def _deep(path: str, content: str) -> Tree:
    made = tree({"x": content})
    directories = dict(made.directories)
    root = made.root
    for name in reversed(path.split("/")):
        above = build({name: Entry(name, Kind.FILE, root, 1)})
        data = above.directories[above.root].replace(b"\nf\x00", b"\nd\x00")
        root = digest_bytes(data)
        directories[root] = data
    return Tree(root, directories)


def test_paths_limit_what_counts() -> None:
    old, new = tree({"a/x": "1", "b/x": "1"}), tree({"a/x": "2", "b/x": "2", "c": "3"})
    seen = compare_trees(old, new, wanted=lambda path: path.startswith("b/"))
    assert [("changed", "b/x")] == told(seen)


def test_only_so_many_files_are_looked_into() -> None:
    old = tree({f"f{at}": f"{at}\n" for at in range(9)})
    new = tree({f"f{at}": f"{at}!\n" for at in range(9)})
    seen = compare_trees(old, new, read_blob, Looks(files=4))
    assert 4 == sum(file.content is not None for file in seen.files)
    assert 9 == len(seen.files)


def test_a_file_is_looked_into_by_its_name_and_its_bytes() -> None:
    kinds = {
        "t.csv": ("a,b\n1,2\n", "a,b\n1,3\n", TableChange),
        "t.tsv": ("a\tb\n1\t2\n", "a\tb\n1\t3\n", TableChange),
        "d.json": ('{"a": 1}', '{"a": 2}', JsonChange),
        "d.jsonl": ('{"a": 1}\n', '{"a": 2}\n', JsonChange),
        "n.txt": ("one\n", "two\n", TextChange),
        "torn.json": ('{"a": 1', '{"a": 2', TextChange),
        "zero.csv": (b"a\0b", b"a\0c", NotCompared),
        "p.pickle": (b"\x80\x04K\x01.", b"\x80\x04K\x02.", NotCompared),
        "link": ("-> a", "-> b", type(None)),
    }
    for name, (old, new, kind) in kinds.items():
        seen = compare_trees(tree({name: old}), tree({name: new}), read_blob)
        assert isinstance(seen.files[0].content, kind), name


def test_bytes_that_are_gone_are_said_to_be() -> None:
    def gone(one: Entry) -> BinaryIO:
        raise KeyError(one.digest)

    seen = compare_trees(tree({"a.csv": "1"}), tree({"a.csv": "2"}), gone)
    assert NotCompared("its bytes are gone") == seen.files[0].content


NAMES = st.sampled_from(["a", "b", "c", "d"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENTS = st.sampled_from(["1", "2", "3", "", "#!1", "-> a", None])


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    files: dict[str, Content] = {}
    for path in draw(st.lists(PATHS, max_size=8)):
        above = ["/".join(path.split("/")[:at]) for at in range(1, path.count("/") + 1)]
        if any(one in files for one in above) or any(one.startswith(path + "/") for one in files):
            continue
        files[path] = draw(CONTENTS)
    return tree(files)


def leaves(of: Tree) -> dict[str, Entry]:
    """All files, links and empty directories."""
    return {
        path + "/" * (one.kind is Kind.DIRECTORY): one
        for path, one in of.walk()
        if one.kind is not Kind.DIRECTORY or not of.entries(one.digest)
    }


@given(trees(), trees())
def test_nothing_differs_exactly_when_the_digests_are_equal(old: Tree, new: Tree) -> None:
    assert (old.root == new.root) == compare_trees(old, new).is_equal
    assert compare_trees(old, old).is_equal


@given(trees(), trees())
def test_the_differences_turn_one_tree_into_the_other(old: Tree, new: Tree) -> None:
    files = leaves(old)
    changes = compare_trees(old, new).files
    for change in changes:
        if change.old is not None:
            assert change.old == files.pop(change.was or change.path)
    for change in changes:
        if change.new is not None:
            assert change.path not in files
            files[change.path] = change.new
    # a directory that lost its last file is empty now; one that got its first is not
    emptied = {path: one for path, one in leaves(new).items() if path.endswith("/")}
    kept = {path: one for path, one in files.items() if not path.endswith("/")}
    assert leaves(new) == kept | emptied


@given(trees(), trees())
def test_it_is_the_same_both_ways(old: Tree, new: Tree) -> None:
    forth, back = compare_trees(old, new), compare_trees(new, old)
    turned = {How.ADDED: How.REMOVED, How.REMOVED: How.ADDED}
    expected = sorted(
        (turned.get(one.how, one.how), one.was or one.path, one.path if one.was else "")
        for one in forth.files
    )
    assert expected == sorted((one.how, one.path, one.was) for one in back.files)


@given(
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.sampled_from(["a.csv", "a.tsv", "a.json", "a.jsonl", "a.txt", "a.bin"]),
)
def test_no_bytes_are_too_strange(old: bytes, new: bytes, name: str) -> None:
    seen = compare_trees(tree({name: old}), tree({name: new}), read_blob)
    assert all(file.content is not None for file in seen.files if file.how is How.CHANGED)
