"""Killed at any step, damaged in any place: the store never lies, and no node ever reads wrong bytes (L6, L8)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from fusionpipe.events import Outcome
from fusionpipe.testing import PLENTY, Hall, Project
from fusionstore.publish import STEPS

KILLED = """
import sys
from pathlib import Path
from fusionpipe.testing import Project
from fusionstore.faults import KillAt
project = Project(Path(sys.argv[1]))
project.build(session=project.session(step=KillAt(sys.argv[2], int(sys.argv[3]))), jobs=2)
"""

FIRST = """mkdir -p ../data/sub/deep
echo "value of first" > ../data/value
echo "far below" > ../data/sub/deep/file
printf '#!/bin/sh\\necho tool\\n' > ../data/sub/tool && chmod +x ../data/sub/tool
ln -s sub/deep/file ../data/link
echo "a report" > ../reports/text
"""
FIRST_DATA = {
    "link": "far below\n",
    "sub/deep/file": "far below\n",
    "sub/tool": "#!/bin/sh\necho tool\n",
    "value": "value of first\n",
}
COPY = "cp -R ../parents/*/. ../data\n"


def chain(project: Project) -> Project:
    """Three nodes, each handing on all that the one before has."""
    project.node("first", FIRST)
    project.node("second", COPY, parents=["first"])
    return project.node("third", COPY, parents=["second"])


# -- an independent look at a store, written from FORMAT.md alone -------------------------------
def records(store: Path) -> dict[Path, dict[str, object]]:
    """Every record on disk, whole or not at all."""
    found = {}
    for path in (store / "actions").rglob("*"):
        if path.is_file() and path.suffix != ".gone":
            data = path.read_bytes()
            assert data[-72:] == b"blake3 %s\n" % blake3(data[:-72]).hexdigest().encode(), path
            title, line, frames = data[:-72].split(b"\n", 2)
            assert title == b"fusionstore record 1"
            record = json.loads(line)
            record["directories"] = dict(framed(frames[:-1]))
            found[path] = record
    return found


def framed(frames: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(frames):
        digest, length = struct.unpack_from(">32sI", frames, at)
        yield digest.hex(), frames[at + 36 : at + 36 + length]
        at += 36 + length


def entries(encoded: bytes) -> Iterator[tuple[str, str, str]]:
    """(kind, name, digest or target) of a directory."""
    at = len(b"fusionstore tree 1\n")
    while at < len(encoded):
        kind, length = struct.unpack_from(">cI", encoded, at)
        name = os.fsdecode(encoded[at + 5 : at + 5 + length])
        at += 5 + length
        if kind == b"l":
            (length,) = struct.unpack_from(">I", encoded, at)
            yield "l", name, os.fsdecode(encoded[at + 4 : at + 4 + length])
            at += 4 + length
        else:
            yield kind.decode(), name, encoded[at : at + 32].hex()
            at += 40


def blob_is_there(store: Path, digest: str) -> bool:
    paths = [store / "objects" / digest[:2] / (digest + end) for end in ("", "x")]
    there = [path for path in paths if path.exists()]
    return bool(there) and all(blake3(path.read_bytes()).hexdigest() == digest for path in there)


def missing(store: Path) -> list[tuple[str, str]]:
    """What records name and is not there as named: (record, what)."""
    lacking = []
    for path, record in records(store).items():
        directories = record["directories"]
        slots, keeps = record["slots"], record["keeps"]
        assert isinstance(directories, dict)
        assert isinstance(slots, dict)
        assert isinstance(keeps, dict)
        todo = [("d", name, digest) for name, digest in (slots | keeps).items()]
        while todo:
            kind, name, digest = todo.pop()
            if kind == "d" and blake3(directories.get(digest, b"")).hexdigest() == digest:
                todo += [(k, f"{name}/{n}", d) for k, n, d in entries(directories[digest])]
            elif kind == "d" or (kind != "l" and not blob_is_there(store, digest)):
                lacking.append((path.name, name))
        if not blob_is_there(store, str(record["log"])):
            lacking.append((path.name, "log"))
    return lacking


def store_of(project: Project) -> Path:
    return project.root / ".fusionpipe" / "store"


# -- killed while publishing --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "nth"),
    [(step, 1) for step in STEPS]
    + [("object linked", 7), ("tree in place", 2), ("record linked", 2), ("indexed", 3)]
    + [pytest.param(step, 3, marks=pytest.mark.slow) for step in STEPS[2:-1]],
)
def test_killed_at_any_step_the_store_is_whole_and_the_next_build_right(
    project: Project, step: str, nth: int
) -> None:
    chain(project)
    words = [sys.executable, "-c", KILLED, str(project.root), step, str(nth)]
    died = subprocess.run(words, check=False, timeout=PLENTY, capture_output=True, text=True)
    assert (-signal.SIGKILL, "") == (died.returncode, died.stderr)
    assert [] == missing(store_of(project))
    done = len(records(store_of(project)))
    built = project.build()
    assert 3 - done == built.finished.ran
    assert done == built.finished.restored + built.finished.kept
    assert [FIRST_DATA] * 3 == [project.data(node) for node in ("first", "second", "third")]
    assert [] == missing(store_of(project))
    assert {Outcome.KEPT} == set(project.build().outcomes.values())


@pytest.mark.parametrize(
    "lines", [1, 4, *(pytest.param(n, marks=pytest.mark.slow) for n in range(6, 26, 2))]
)
def test_a_build_killed_at_any_moment_is_gone_on_with(
    project: Project, hall: Hall, lines: int
) -> None:
    """The whole process, after so many lines of its report, twice in a row."""
    names = [f"n{number}" for number in range(12)]
    for number, name in enumerate(names):
        above = [f"n{number - step}" for step in (1, 3) if number >= step and number % 4]
        code = f"{hall.note(name)}{{ echo {name}; cat ../parents/*/value 2>/dev/null; :; }} > ../data/value"
        project.node(name, code, parents=above, toml=hall.toml)
    done = 0
    for _ in range(2):
        build = project.start("build", "--json", "-j2")
        assert build.stdout is not None
        told = [json.loads(line) for _, line in zip(range(lines), build.stdout, strict=False)]
        build.kill()
        build.communicate()
        done = max(done, sum(event.get("outcome") in ("ran", "kept", "restored") for event in told))
        assert [] == missing(store_of(project))
        assert done <= len(records(store_of(project)))  # what was told as done is durable
    built = project.build(jobs=2)
    assert set(names) == set(built.outcomes)
    assert 0 == built.finished.failed + built.finished.skipped
    assert [] == missing(store_of(project))
    expected: dict[str, str] = {}
    for number, name in enumerate(names):
        above = sorted(f"n{number - step}" for step in (1, 3) if number >= step and number % 4)
        expected[name] = f"{name}\n" + "".join(expected[parent] for parent in above)
    assert expected == {name: project.data(name)["value"] for name in names}


# -- damaged ------------------------------------------------------------------------------------
class Damaged:
    """A built chain, and ways to hurt what it stored of the first node."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.store = store_of(project)
        self.data = project.root / "first" / "data"
        self.tree = self.data.resolve()

    def object(self, file: str, end: str = "") -> Path:
        digest = blake3((self.tree / file).read_bytes()).hexdigest()
        return self.store / "objects" / digest[:2] / (digest + end)

    def record(self) -> Path:
        (path,) = (
            p for p, r in records(self.store).items() if '"node": "first"' in json.dumps(r["body"])
        )
        return path

    def overwrite(self, path: Path, data: bytes) -> None:
        """Writes in place, as only the superuser may (or an owner who made it writable)."""
        path.chmod(0o644)
        with open(path, "r+b") as file:
            file.write(data)
            file.truncate()
        path.chmod(0o444)


def truncate_an_object(it: Damaged) -> None:
    it.overwrite(it.object("value"), b"val")


def empty_an_object(it: Damaged) -> None:
    it.overwrite(it.object("sub/deep/file"), b"")


def flip_a_bit_of_an_object(it: Damaged) -> None:
    it.overwrite(it.object("value"), b"valud of first\n")


def remove_an_object(it: Damaged) -> None:
    it.object("value").unlink()


def remove_all_objects(it: Damaged) -> None:
    shutil.rmtree(it.store / "objects")
    (it.store / "objects").mkdir()


def edit_a_linked_file(it: Damaged) -> None:
    it.overwrite(it.data / "value", b"edited by hand\n")


def edit_a_linked_file_and_restore_its_time(it: Damaged) -> None:
    before = (it.data / "value").stat()
    it.overwrite(it.data / "value", b"edited by hand, longer than it was\n")
    os.utime(it.data / "value", ns=(before.st_atime_ns, before.st_mtime_ns))


def edit_a_file_far_below(it: Damaged) -> None:
    it.overwrite(it.data / "sub" / "deep" / "file", b"FAR BELOW\n")


def replace_a_linked_file(it: Damaged) -> None:
    (it.data / "new").write_text("value of FIRST\n")
    (it.data / "new").rename(it.data / "value")


def replace_a_file_far_below(it: Damaged) -> None:
    (it.data / "sub/deep/new").write_text("another\n")
    (it.data / "sub/deep/new").rename(it.data / "sub/deep/file")


def add_a_file(it: Damaged) -> None:
    (it.data / "added").write_text("added")


def add_a_file_far_below(it: Damaged) -> None:
    (it.data / "sub" / "deep" / "added").write_text("added")


def add_an_empty_directory_far_below(it: Damaged) -> None:
    (it.data / "sub" / "deep" / "added").mkdir()


def remove_a_file(it: Damaged) -> None:
    (it.data / "value").unlink()


def remove_a_file_far_below(it: Damaged) -> None:
    (it.data / "sub" / "deep" / "file").unlink()


def remove_a_file_and_its_object(it: Damaged) -> None:
    it.object("value").unlink()
    (it.data / "value").unlink()


def make_a_directory_of_a_file(it: Damaged) -> None:
    (it.data / "value").unlink()
    (it.data / "value").mkdir()


def point_a_link_elsewhere(it: Damaged) -> None:
    (it.data / "link").unlink()
    (it.data / "link").symlink_to("value")


def take_the_executable_bit(it: Damaged) -> None:
    (it.data / "sub" / "tool").chmod(0o444)


def rm_rf_data_through_the_link(it: Damaged) -> None:
    subprocess.run(["sh", "-c", "rm -rf first/data/*"], cwd=it.project.root, check=True)


def rm_rf_data_itself(it: Damaged) -> None:
    subprocess.run(["rm", "-rf", "first/data/", "first/data"], cwd=it.project.root, check=False)


def remove_the_tree(it: Damaged) -> None:
    shutil.rmtree(it.tree)


def remove_all_trees(it: Damaged) -> None:
    shutil.rmtree(it.store / "trees")


def make_a_file_of_the_tree(it: Damaged) -> None:
    shutil.rmtree(it.tree)
    it.tree.write_text("not a directory")


def tear_the_action_file(it: Damaged) -> None:
    path = it.record()
    it.overwrite(path, path.read_bytes()[:-100])


def flip_a_bit_of_the_action_file(it: Damaged) -> None:
    data = bytearray(it.record().read_bytes())
    data[len(data) // 2] ^= 1
    it.overwrite(it.record(), bytes(data))


def empty_the_action_file(it: Damaged) -> None:
    it.overwrite(it.record(), b"")


def remove_the_action_file(it: Damaged) -> None:
    it.record().unlink()


def remove_trees_and_objects(it: Damaged) -> None:
    remove_all_trees(it)
    remove_all_objects(it)


def remove_the_private_state(it: Damaged) -> None:
    shutil.rmtree(it.project.root / ".fusionpipe" / "state")


def nothing_at_all(it: Damaged) -> None:
    pass


KEPT, RESTORED, RAN = Outcome.KEPT, Outcome.RESTORED, Outcome.RAN
DAMAGES: dict[Callable[[Damaged], None], tuple[set[Outcome], set[Outcome]]] = {
    # how the first node may end: with the index as it was, and with the index deleted too
    nothing_at_all: ({KEPT}, {KEPT}),
    truncate_an_object: ({KEPT, RAN}, {RAN}),
    empty_an_object: ({KEPT, RAN}, {RAN}),
    flip_a_bit_of_an_object: ({KEPT, RAN}, {RAN}),
    remove_an_object: ({KEPT}, {KEPT}),
    remove_all_objects: ({KEPT}, {KEPT}),
    edit_a_linked_file: ({KEPT, RAN}, {RAN}),
    edit_a_linked_file_and_restore_its_time: ({KEPT, RAN}, {RAN}),
    edit_a_file_far_below: ({KEPT, RAN}, {RAN}),
    replace_a_linked_file: ({RESTORED}, {RESTORED}),
    replace_a_file_far_below: ({KEPT}, {KEPT}),
    add_a_file: ({RESTORED}, {RESTORED}),
    add_a_file_far_below: ({KEPT}, {KEPT}),
    add_an_empty_directory_far_below: ({KEPT}, {KEPT}),
    remove_a_file: ({RESTORED}, {RESTORED}),
    remove_a_file_far_below: ({KEPT}, {KEPT}),
    remove_a_file_and_its_object: ({RAN}, {RAN}),
    make_a_directory_of_a_file: ({RESTORED}, {RESTORED}),
    point_a_link_elsewhere: ({RESTORED}, {RESTORED}),
    take_the_executable_bit: ({KEPT}, {KEPT}),
    rm_rf_data_through_the_link: ({RESTORED}, {RESTORED}),
    rm_rf_data_itself: ({RESTORED}, {RESTORED}),
    remove_the_tree: ({RESTORED}, {RESTORED}),
    remove_all_trees: ({RESTORED}, {RESTORED}),
    make_a_file_of_the_tree: ({RESTORED}, {RESTORED}),
    tear_the_action_file: ({KEPT}, {RAN}),
    flip_a_bit_of_the_action_file: ({KEPT}, {RAN}),
    empty_the_action_file: ({KEPT}, {RAN}),
    remove_the_action_file: ({KEPT}, {RAN}),
    remove_trees_and_objects: ({RAN}, {RAN}),
    remove_the_private_state: ({RESTORED}, {RESTORED}),
}


@pytest.mark.parametrize(
    "index", ["with its index", pytest.param("without its index", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: str(damage.__name__))
def test_no_damage_brings_wrong_bytes_to_a_node(
    project: Project, damage: Callable[[Damaged], None], index: str
) -> None:
    chain(project).build()
    damage(Damaged(project))
    if index == "without its index":
        shutil.rmtree(store_of(project) / "index")
    project.node(
        "second", "# edited: it has to run, and reads the first\n" + COPY, parents=["first"]
    )
    built = project.build()
    assert built.outcomes["first"] in DAMAGES[damage][index == "without its index"]
    assert RAN is built.outcomes["second"]
    assert FIRST_DATA == project.data("second")
    assert FIRST_DATA == project.data("first")
    assert os.access(project.root / "second/data/sub/tool", os.X_OK)
    assert [] == list((project.root / "second" / "data").rglob("added"))
    again = project.build()
    assert {KEPT} == set(again.outcomes.values()), again.nodes


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: str(damage.__name__))
def test_every_damage_is_mended_by_a_forced_build(
    project: Project, damage: Callable[[Damaged], None]
) -> None:
    chain(project).build()
    damage(Damaged(project))
    shutil.rmtree(store_of(project) / "index")
    built = project.build(force=True)
    assert {RAN} == set(built.outcomes.values())
    assert [FIRST_DATA] * 3 == [project.data(node) for node in ("first", "second", "third")]


@pytest.mark.parametrize("what", ["data.mdb", "lock.mdb"])
def test_a_damaged_index_is_made_anew(project: Project, what: str) -> None:
    chain(project).build()
    (store_of(project) / "index" / what).write_bytes(b"this is no index" * 1000)
    project.node("second", "# edited\n" + COPY, parents=["first"])
    built = project.build()
    assert (KEPT, RAN) == (built.outcomes["first"], built.outcomes["second"])
    assert FIRST_DATA == project.data("second")


def test_damaged_code_in_the_store_never_runs(project: Project) -> None:
    """The node's code and inputs are frozen in the store: an altered copy there is not what was hashed."""
    project.write("setting.txt", "a setting")
    toml = '[inputs]\nsetting = "../setting.txt"\n[params]\nx = {}\n'
    code = 'cat ../inputs/setting > ../data/value\n[ "$(cat ../params.json)" ]\n'
    project.node("it", code, toml=toml.format(1)).build()
    it = Damaged(project)
    objects = [path for path in (it.store / "objects").rglob("*") if path.is_file()]
    for path in objects:
        text = path.read_bytes()
        if text in (code.encode() + b"\n", b"a setting"):
            it.overwrite(path, b"exit 1 # damaged" if b"cat" in text else b"A setting")
    project.node("it", code, toml=toml.format(2))
    built = project.build()
    assert {"it": RAN} == built.outcomes
    assert {"value": "a setting"} == project.data("it")


def test_what_was_added_to_a_linked_tree_is_set_aside_and_named(project: Project) -> None:
    chain(project).build()
    (project.root / "first/data/sub/mine.txt").write_text("my own")
    project.node("second", "# edited\n" + COPY, parents=["first"])
    told = project.build().notices
    assert "mine.txt is not part of the stored tree" in told
    (kept,) = (store_of(project) / "quarantine").rglob("mine.txt")
    assert "my own" == kept.read_text()
    assert str(kept) in told


def test_a_store_removed_as_a_whole_is_made_anew(project: Project, hall: Hall) -> None:
    chain(project).build()
    shutil.rmtree(store_of(project))
    assert {RAN} == set(project.build().outcomes.values())
    assert FIRST_DATA == project.data("third")


def test_what_is_linked_back_is_whole(project: Project) -> None:
    """`rm -rf data/` empties the tree through the link; then the link goes too."""
    project.node("first", FIRST).build()
    rm_rf_data_through_the_link(Damaged(project))
    (project.root / "first" / "reports" / "text").unlink()
    (project.root / "first" / "data").unlink()
    assert {"first": RESTORED} == project.build().outcomes
    assert FIRST_DATA == project.data("first")
    assert "a report\n" == (project.root / "first" / "reports" / "text").read_text()


def test_a_lost_log_loses_no_result(project: Project) -> None:
    project.node("first", FIRST).build()
    (project.root / "first" / "logs.txt").resolve().unlink()
    (project.root / "first" / "data").unlink()
    assert {"first": RESTORED} == project.build().outcomes
    assert FIRST_DATA == project.data("first")
    assert not os.path.lexists(project.root / "first" / "logs.txt")


def test_a_lost_parent_runs_again_even_when_nothing_else_does(project: Project) -> None:
    """The loss is found when the child is about to start, with nothing else under way."""
    chain(project).build()
    it = Damaged(project)
    edit_a_file_far_below(it)
    project.node("second", "# edited\n" + COPY, parents=["first"])
    built = project.build("second")
    assert ["first", "second"] == built.started[-2:]
    assert {"first": RAN, "second": RAN} == built.outcomes
    assert "it runs again" in built.notices
