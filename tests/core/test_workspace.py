"""What is remembered of the user's files, and when it is trusted (git's racy rule)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusionpipe.disk import FileKind, Listed
from fusionpipe.events import Event, NodeStarted
from fusionpipe.memory import Memory
from fusionpipe.prints import Print, fingerprint_of, packed, print_of
from fusionpipe.testing import PlainDisk, Project
from fusionpipe.workspace import Workspace
from fusionstore.digest import Digest, digest_bytes

WRONG = Digest("0" * 64)


class Clock:
    """Says of every fingerprint that it is old enough, or that none is."""

    def __init__(self, *, settled: bool) -> None:
        self.settled = settled

    def __call__(self, seen: Print) -> bool:
        return self.settled


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text("one")
    (tmp_path / "node.toml").write_text("seed = 1")
    (tmp_path / "run").write_text("#!/bin/bash -e\ntwo\n")
    (tmp_path / "link").symlink_to("code")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def workspace(root: Path, memory: Memory | None = None, *, settled: bool = True) -> Workspace:
    return Workspace(root, Memory() if memory is None else memory, Clock(settled=settled))


def now(root: Path, path: str) -> Print:
    return print_of(os.stat(root / path))


# -- the same answers as the plain file system ----------------------------------------------------
PATHS = [
    "", "code", "code/main.py", "run", "link", "link/main.py", "dangling", "loop", "fifo", "nowhere",
    "node.toml/below", "code/nowhere",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_workspace_answers_as_the_file_system_does(root: Path, path: str) -> None:
    plain = PlainDisk(root)
    memory = Memory()
    for disk in (
        workspace(root, memory, settled=False),
        workspace(root, memory),
        workspace(root, memory),
    ):
        assert plain.kind(path) == disk.kind(path)
        assert plain.is_executable(path) == disk.is_executable(path)
        assert plain.read_link(path) == disk.read_link(path)
        assert plain.real_path(path) == disk.real_path(path)
        assert plain.scan(path) == disk.scan(path)
        if plain.kind(path) in (FileKind.FILE, None):
            assert plain.read(path) == disk.read(path)
            assert plain.shebang(path) == disk.shebang(path)


def test_an_absolute_path_is_looked_at_as_it_is(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("elsewhere") / "x"
    place.write_text("far")
    assert b"far" == workspace(root).read(str(place))
    assert str(place) == workspace(root).real_path(str(place))


# -- memory -----------------------------------------------------------------------------------
def test_a_settled_file_is_not_read_again(root: Path) -> None:
    memory = Memory(
        files={"code/main.py": (now(root, "code/main.py"), WRONG)},
        texts={"node.toml": (now(root, "node.toml"), b"from memory")},
        scans={"code": (now(root, "code"), (("remembered.py", "f", False),))},
    )
    disk = workspace(root, memory)
    assert WRONG == disk.digest("code/main.py")
    assert b"from memory" == disk.read("node.toml")
    assert (Listed("remembered.py", FileKind.FILE),) == disk.scan("code")


@pytest.mark.parametrize("field", range(5))
def test_a_fingerprint_that_differs_anywhere_is_not_trusted(root: Path, field: int) -> None:
    def other(path: str) -> Print:
        seen = [*fingerprint_of(now(root, path))]
        seen[field] += 1
        return packed(seen[1], seen[2], seen[0], seen[3], seen[4])

    memory = Memory(
        files={"code/main.py": (other("code/main.py"), WRONG)},
        texts={"node.toml": (other("node.toml"), b"from memory")},
        scans={"code": (other("code"), ())},
    )
    disk = workspace(root, memory)
    assert digest_bytes(b"one") == disk.digest("code/main.py")
    assert b"seed = 1" == disk.read("node.toml")
    assert (Listed("main.py", FileKind.FILE),) == disk.scan("code")


def test_what_is_too_young_is_not_remembered(root: Path) -> None:
    memory = Memory()
    disk = workspace(root, memory, settled=False)
    disk.digest("code/main.py")
    disk.read("node.toml")
    disk.scan("code")
    assert Memory() == memory
    assert {"code/main.py", "node.toml", "code"} == set(disk.racy)


def test_what_was_too_young_is_read_again_and_remembered_when_it_has_settled(root: Path) -> None:
    clock, memory = Clock(settled=False), Memory()
    disk = Workspace(root, memory, clock)
    disk.digest("code/main.py")
    clock.settled = True
    assert disk.settle()
    assert (now(root, "code/main.py"), digest_bytes(b"one")) == memory.files["code/main.py"]


def test_a_file_that_was_read_and_hashed_too_young_is_remembered_as_both(root: Path) -> None:
    clock, memory = Clock(settled=False), Memory()
    disk = Workspace(root, memory, clock)
    disk.read("code/main.py")  # to find its `#!`, say
    disk.digest("code/main.py")
    clock.settled = True
    assert disk.settle()
    assert (now(root, "code/main.py"), b"one") == memory.texts["code/main.py"]
    assert (now(root, "code/main.py"), digest_bytes(b"one")) == memory.files["code/main.py"]


@pytest.mark.parametrize("path", ["code/main.py", "node.toml", "code"])
def test_an_edit_of_what_was_too_young_is_noticed_when_it_settles(root: Path, path: str) -> None:
    clock = Clock(settled=False)
    disk = Workspace(root, Memory(), clock)
    disk.digest("code/main.py")
    disk.read("node.toml")
    disk.scan("code")
    if path == "code":
        (root / "code/more.py").write_text("")
    else:
        (root / path).write_text("seed = 2" if path == "node.toml" else "two")
    clock.settled = True
    assert not disk.settle()


def test_what_goes_away_before_it_settles_is_noticed(root: Path) -> None:
    disk = workspace(root, settled=False)
    disk.digest("code/main.py")
    (root / "code/main.py").unlink()
    assert not disk.settle()


def test_what_does_not_settle_is_not_taken_for_settled(root: Path) -> None:
    disk = workspace(root, settled=False)
    disk.digest("code/main.py")
    assert not disk.settle()


def test_names_that_a_build_makes_do_not_unsettle_a_directory(root: Path) -> None:
    clock = Clock(settled=False)
    disk = Workspace(root, Memory(), clock)
    disk.scan("")
    (root / "data").symlink_to("code")
    (root / "logs.txt").symlink_to("node.toml")
    clock.settled = True
    assert disk.settle()


def test_a_file_that_changes_while_it_is_hashed_is_not_remembered(root: Path) -> None:
    memory = Memory()
    disk = workspace(root, memory)

    def read_and_edit(place: str) -> Digest:
        (root / "code/main.py").write_text("longer than before")
        return digest_bytes(b"a mixture")

    disk.digest_seen("code/main.py", read_and_edit)
    assert {} == memory.files
    assert digest_bytes(b"longer than before") == disk.digest("code/main.py")


def test_a_chmod_of_an_entry_is_seen_though_its_directory_did_not_change(root: Path) -> None:
    (root / "code" / "main").write_text("#!/bin/sh")
    memory = Memory()
    assert Listed("main", FileKind.FILE, is_executable=False) in (
        workspace(root, memory).scan("code") or ()
    )
    (root / "code" / "main").chmod(0o755)
    assert Listed("main", FileKind.FILE, is_executable=True) in (
        workspace(root, memory).scan("code") or ()
    )


def test_a_memory_survives_being_written_down(root: Path) -> None:
    memory = Memory()
    disk = workspace(root, memory)
    disk.digest("code/main.py")
    disk.read("node.toml")
    disk.scan("code")
    assert memory == Memory.from_plain(memory.to_plain())
    assert Memory() == Memory.from_plain(())


# -- sightings --------------------------------------------------------------------------------
def test_every_question_leaves_what_was_seen(root: Path) -> None:
    disk = workspace(root)
    disk.digest("code/main.py")
    disk.kind("code")
    disk.kind("fifo")
    disk.kind("nowhere")
    disk.read("no.toml")
    disk.read_link("link")
    disk.real_path("link")
    expected = {
        "code/main.py": now(root, "code/main.py"),
        "code": "d",
        "fifo": "o",
        "nowhere": None,
        "no.toml": None,
    }
    assert expected == disk.sightings
    assert {"link": "code"} == disk.links
    assert {"link": str((root / "code").resolve())} == disk.real_paths


def test_asking_for_a_kind_does_not_forget_a_fingerprint(root: Path) -> None:
    disk = workspace(root)
    disk.scan("code")
    disk.kind("code")
    assert now(root, "code") == disk.sightings["code"]


# -- with a real clock ------------------------------------------------------------------------
def test_edits_of_equal_size_right_after_a_build_are_always_noticed(tmp_path: Path) -> None:
    project = Project(tmp_path).node("n", "echo 00 > ../data/it")
    project.build()
    for number in range(1, 12):
        project.write("n/code/main.sh", f"echo {number:02} > ../data/it\n")
        assert ["n"] == project.build().started
        assert {"it": f"{number:02}\n"} == project.data("n")


def test_an_edit_of_equal_size_during_a_build_is_seen_by_the_next(tmp_path: Path) -> None:
    project = Project(tmp_path).node("n", "echo 00 > ../data/it")

    def edit_once_it_runs(event: Event) -> None:
        if isinstance(event, NodeStarted):
            project.write("n/code/main.sh", "echo 99 > ../data/it\n")

    project.build(on_event=edit_once_it_runs)
    assert {"it": "00\n"} == project.data("n")
    assert {"n": "ran"} == project.outcomes()
    assert {"it": "99\n"} == project.data("n")
