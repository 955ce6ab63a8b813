"""Sources are read in place: hashed as a reader sees them, and watched while they are read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionpipe.build.sources import Read, read_source
from fusionpipe.freeze import CannotFreeze
from fusionpipe.memory import Memory
from fusionpipe.model import Node, NodeName, Source
from fusionpipe.testing import Project
from fusionpipe.workspace import Workspace
from fusionstore.tree import Kind


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "raw/data/deep").mkdir(parents=True)
    (tmp_path / "raw/data/x.csv").write_text("x\n")
    (tmp_path / "raw/data/deep/y.csv").write_text("yy\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "far/z.csv").write_text("z\n")
    return tmp_path


def read(
    root: Path, path: str = "raw/data", memory: Memory | None = None
) -> tuple[Read, list[tuple[int, int]]]:
    """What a source holds, and the progress told meanwhile."""
    told: list[tuple[int, int]] = []
    disk = Workspace(root, Memory() if memory is None else memory, lambda seen: True)
    node = Node(NodeName("raw"), source=Source(path))
    found = read_source(node, disk, lambda done, total: told.append((done, total)))
    return found, told


def names(found: Read) -> dict[str, Kind]:
    return {path: entry.kind for path, entry in found.tree.walk()}


def test_a_source_is_the_tree_of_what_lies_there(root: Path) -> None:
    expected = {"deep": Kind.DIRECTORY, "deep/y.csv": Kind.FILE, "x.csv": Kind.FILE}
    assert expected == names(read(root)[0])


def test_a_source_has_the_same_digest_wherever_it_lies(root: Path) -> None:
    before = read(root)[0].tree.root
    (root / "raw/data").rename(root / "moved")
    assert before == read(root, "moved")[0].tree.root
    assert before == read(root, str(root / "moved"))[0].tree.root


def test_symlinks_in_a_source_are_what_they_lead_to(root: Path) -> None:
    plain = read(root)[0].tree.root
    (root / "raw/data/x.csv").rename(root / "elsewhere.csv")
    (root / "raw/data/x.csv").symlink_to("../../elsewhere.csv")
    (root / "raw/data/deep").rename(root / "deep")
    (root / "raw/data/deep").symlink_to(root / "deep")
    assert plain == read(root)[0].tree.root


def test_an_empty_directory_and_an_executable_bit_are_part_of_it(root: Path) -> None:
    before = read(root)[0].tree.root
    (root / "raw/data/empty").mkdir()
    with_directory = read(root)[0].tree.root
    (root / "raw/data/x.csv").chmod(0o755)
    assert 3 == len({before, with_directory, read(root)[0].tree.root})


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a loop": (
        lambda data: (data / "deep/loop").symlink_to(".."),
        "raw/data/deep/loop: the symlink leads back to a directory it lies in",
    ),
    "a dangling link": (
        lambda data: (data / "gone").symlink_to("nowhere"),
        "raw/data/gone: a symlink that leads nowhere",
    ),
    "a fifo": (
        lambda data: os.mkfifo(data / "fifo"),
        "raw/data/fifo: not a file: a socket, a fifo or a device",
    ),
    "a fifo behind a link": (
        lambda data: (os.mkfifo(data.parent / "fifo"), (data / "it").symlink_to("../fifo")),
        "raw/data/it: not a file: a socket, a fifo or a device",
    ),
    "nothing": (
        lambda data: data.rename(data.with_name("gone")),
        "raw/data: a source is a directory, and there is none",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_named(what: str, root: Path) -> None:
    spoil, why = REFUSED[what]
    spoil(root / "raw/data")
    with pytest.raises(CannotFreeze) as caught:
        read(root)
    assert f"cannot read {why}" == str(caught.value)


def test_a_directory_linked_twice_is_no_loop(root: Path) -> None:
    for name in ("one", "two"):
        (root / "raw/data" / name).symlink_to(root / "far")
    assert {"one/z.csv", "two/z.csv"} <= set(names(read(root)[0]))


# -- progress ---------------------------------------------------------------------------------
def test_progress_is_told_up_to_all_of_the_bytes(root: Path) -> None:
    _, told = read(root)
    assert [(2, 5), (5, 5)] == sorted(told) or [(3, 5), (5, 5)] == sorted(told)


def test_a_source_that_is_known_is_not_read_again(root: Path) -> None:
    memory = Memory()
    first, _ = read(root, memory=memory)
    again, told = read(root, memory=memory)
    assert (first.tree.root, []) == (again.tree.root, told)


def test_only_what_changed_is_read_again(root: Path) -> None:
    memory = Memory()
    read(root, memory=memory)
    (root / "raw/data/x.csv").write_text("longer\n")
    found, told = read(root, memory=memory)
    assert [7] == [done for done, _ in told]
    assert 10 == found.tree.size()


# -- while it is read -------------------------------------------------------------------------
CHANGES: dict[str, Callable[[Path], object]] = {
    "x.csv": lambda data: (data / "x.csv").write_text("z\n"),
    "deep/y.csv": lambda data: (data / "deep/y.csv").unlink(),
    "deep": lambda data: (data / "deep/new.csv").write_text("new\n"),
    "": lambda data: (data / "new").mkdir(),
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_below_a_source_is_seen_in_its_footprint(path: str, root: Path) -> None:
    footprint = read(root)[0].footprint
    assert footprint.first_change() is None
    CHANGES[path](root / "raw/data")
    assert str(root / "raw/data" / path).rstrip("/") == footprint.first_change()


def test_a_change_behind_a_symlink_is_seen_in_the_footprint(root: Path) -> None:
    (root / "raw/data/far").symlink_to(root / "far")
    footprint = read(root)[0].footprint
    (root / "far/z.csv").write_text("other\n")
    assert str(root / "raw/data/far/z.csv") == footprint.first_change()


# -- in a build -------------------------------------------------------------------------------
def test_a_kept_source_is_brought_back_from_the_store(tmp_path: Path) -> None:
    project = Project(tmp_path).write("raw/node.toml", 'source = "keep"\n')
    project.write("raw/data/x.csv", "precious\n")
    project.node("below", "cp ../parents/raw/x.csv ../data/", parents=["raw"])
    project.build()
    stored = (tmp_path / ".fusionpipe/store/objects").rglob("*")
    assert "precious\n" in [path.read_text() for path in stored if path.is_file()]


def test_a_source_is_not_copied_into_the_store(tmp_path: Path) -> None:
    project = Project(tmp_path).write("raw/node.toml", "source = true\n")
    project.write("raw/data/x.csv", "mine alone\n")
    project.node("below", "wc -c < ../parents/raw/x.csv > ../data/n", parents=["raw"])
    assert {"raw": "kept", "below": "ran"} == project.build().outcomes
    stored = [
        path for path in (tmp_path / ".fusionpipe/store/objects").rglob("*") if path.is_file()
    ]
    assert stored
    assert "mine alone\n" not in [path.read_text() for path in stored]
