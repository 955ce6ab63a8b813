"""What a node may leave behind, and where a store may lie: stored right, or refused in a sentence, never lost."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionpipe.events import Outcome
from fusionpipe.testing import Project

RAN, FAILED = Outcome.RAN, Outcome.FAILED
IS_ROOT = os.geteuid() == 0


def names_below(top: Path) -> list[bytes]:
    base = os.fsencode(top)
    found = [os.path.join(at, name) for at, below, names in os.walk(base) for name in below + names]
    return sorted(os.path.relpath(path, base) for path in found)


def stored(project: Project) -> list[Path]:
    """The records on disk."""
    actions = project.root / ".fusionpipe" / "store" / "actions"
    return [path for path in actions.rglob("*") if path.is_file()]


# -- what is written ----------------------------------------------------------------------------
REFUSED = {
    "a fifo": ("mkfifo ../data/sub/x", "named pipe"),
    "a link out of the tree": ("ln -s /etc/hostname ../data/sub/x", "symbolic link"),
    "a link up and out": ("ln -s ../../../params.json ../data/sub/x", "symbolic link"),
    "a socket": (
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"../data/sub/x\")'",
        "socket",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_stored_fails_the_node_and_is_named(project: Project, what: str) -> None:
    code, word = REFUSED[what]
    project.node("it", f"mkdir ../data/sub; echo 1 > ../data/value; {code}")
    built = project.build()
    assert {"it": FAILED} == built.outcomes
    failure = built.nodes["it"]
    assert word in failure.reason
    assert "sub/x" in failure.reason
    assert [] == stored(project)
    assert "1\n" == (project.root / failure.rerun / "data" / "value").read_text()
    project.node("it", "echo 2 > ../data/value")
    assert {"it": RAN} == project.build().outcomes


def test_names_that_are_hard_to_write_reach_the_child(project: Project) -> None:
    code = r"""mkdir -p ../data/empty "../data/a b/ü"
printf 1 > '../data/
'
printf 2 > "$(printf '../data/\377name')"
printf 3 > '../data/-rf'
printf 4 > '../data/a b/ü/"quoted"\'
: > ../data/nothing
ln -s nothing ../data/link
ln -s missing ../data/dangling
"""
    project.node("it", code)
    project.node("child", "cp -R ../parents/it/. ../data", parents=["it"])
    assert {RAN} == set(project.build(jobs=2).outcomes.values())
    expected = [
        b"\n", b"-rf", b"a b", "a b/ü".encode(), 'a b/ü/"quoted"\\'.encode(), b"dangling", b"empty",
        b"link", b"nothing", b"\xffname",
    ]  # fmt: skip
    assert sorted(expected) == names_below(project.root / "it" / "data")
    assert sorted(expected) == names_below(project.root / "child" / "data")
    assert (
        b"2" == Path(os.fsdecode(os.fsencode(project.root) + b"/child/data/\xffname")).read_bytes()
    )
    (project.root / "it" / "data").unlink()
    assert {"it": Outcome.RESTORED, "child": Outcome.KEPT} == project.build().outcomes
    shown = project.fp("build", "--json", "-f")
    assert (0, "") == (shown.code, shown.err)


def test_a_node_that_writes_nothing_has_an_empty_result(project: Project) -> None:
    project.node("it", "true").node("child", "ls ../parents/it > ../data/list", parents=["it"])
    assert {RAN} == set(project.build().outcomes.values())
    assert ({}, {"list": ""}) == (project.data("it"), project.data("child"))


def test_a_node_that_writes_reports_alone_has_an_empty_result(project: Project) -> None:
    project.node("it", "echo picture > ../reports/it.txt")
    assert {"it": RAN} == project.build().outcomes
    assert "picture\n" == (project.root / "it" / "reports" / "it.txt").read_text()


def test_output_that_went_into_the_code_directory_only_fails_the_node(project: Project) -> None:
    project.node("it", "echo 1 > result.csv; mkdir plots; echo 2 > plots/a.png")
    built = project.build()
    assert {"it": FAILED} == built.outcomes
    assert "wrote nothing into data/ or reports/, but into" in built.nodes["it"].reason
    assert "code/result.csv" in built.nodes["it"].reason
    assert [] == stored(project)


def test_files_left_beside_real_output_are_named(project: Project) -> None:
    project.node("it", "echo 1 > ../data/value; echo 2 > result.csv; echo 3 > ../more")
    built = project.build()
    assert {"it": RAN} == built.outcomes
    assert "wrote outside data/ and reports/" in built.notices
    assert "code/result.csv" in built.notices
    assert "more" in built.notices


def test_what_one_run_leaves_is_not_there_for_the_next(project: Project) -> None:
    project.node("a", "echo 1 > ../data/value; echo 2 > left; mkdir ../left; echo 3 > ../data2")
    project.node("b", "echo 1 > ../data/value; ls . .. > ../data/seen", parents=["a"])
    project.build(jobs=1)
    seen = project.data("b")["seen"].split()
    assert {"left", "data2"} & set(seen) == set()


def test_output_in_directories_without_permission_is_stored(project: Project) -> None:
    project.node(
        "it", "mkdir ../data/d; echo 1 > ../data/d/f; chmod 000 ../data/d/f; chmod 500 ../data/d"
    )
    assert {"it": RAN} == project.build().outcomes
    assert {"d/f": "1\n"} == project.data("it")


@pytest.mark.slow
def test_a_hundred_thousand_files_are_one_result(project: Project) -> None:
    code = """import pathlib
for directory in range(100):
    place = pathlib.Path("../data") / str(directory)
    place.mkdir()
    for file in range(1000):
        (place / str(file)).write_text(f"{directory} {file}")
"""
    project.node("it", code, entry="main.py")
    project.node("child", "find ../parents/it/ -type f | wc -l > ../data/count", parents=["it"])
    assert {RAN} == set(project.build(jobs=2).outcomes.values())
    assert {"count": "100000\n"} == project.data("child")
    (project.root / "it" / "data").unlink()
    assert Outcome.RESTORED is project.build().outcomes["it"]
    assert "42 17" == (project.root / "it/data/42/17").read_text()


@pytest.mark.slow
def test_a_file_of_three_gibibytes_is_stored(project: Project) -> None:
    project.node("it", "truncate -s 3G ../data/large; echo end >> ../data/large")
    project.node("child", "tail -c 4 ../parents/it/large > ../data/value", parents=["it"])
    assert {RAN} == set(project.build(jobs=2).outcomes.values())
    assert {"value": "end\n"} == project.data("child")


# -- where the store lies -----------------------------------------------------------------------
@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "small disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if not IS_ROOT or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("needs the superuser, and leave to mount")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system than the project's."""
    place = Path("/dev/shm")
    if not os.access(place, os.W_OK) or place.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    with tempfile.TemporaryDirectory(dir=place) as name:
        yield Path(name)


def test_a_store_on_another_file_system_serves_as_well(project: Project, other_disk: Path) -> None:
    project.environment["FUSIONPIPE_STORE"] = str(other_disk / "store")
    project.write("setting.txt", "a setting")
    project.node(
        "it", "cat ../inputs/s > ../data/value", toml='inputs = { s = "../setting.txt" }\n'
    )
    project.node("child", "cp ../parents/it/value ../data; echo r > ../reports/r", parents=["it"])
    project.node("bad", "cat ../parents/it/value; exit 3", parents=["it"])
    built = project.build(keeps_going=True)
    assert ({"it", "child"}, {"bad"}) == (built.named(RAN), built.named(FAILED))
    rerun = subprocess.run(
        [project.root / built.nodes["bad"].rerun / "rerun"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (3, True) == (rerun.returncode, "a setting" in rerun.stdout)
    (project.root / "child" / "data").unlink()
    (project.root / "child" / "data").mkdir()
    (project.root / "child" / "data" / "mine.txt").write_text("mine")
    assert Outcome.RESTORED is project.build(keeps_going=True).outcomes["child"]
    assert {"value": "a setting"} == project.data("child")
    kept = list((other_disk / "store" / "trees").rglob("mine.txt"))
    assert ["mine"] == [path.read_text() for path in kept]


@pytest.mark.root
@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_a_full_disk_loses_nothing_and_is_told(
    project: Project, small_disk: Path, jobs: str
) -> None:
    project.environment["FUSIONPIPE_STORE"] = str(small_disk / "store")
    project.node("small", "echo 1 > ../data/value")
    project.node("large", "head -c 6000000 /dev/urandom > ../data/value", parents=["small"])
    project.node("larger", "head -c 6000000 /dev/urandom > ../data/value", parents=["large"])
    full = project.fp("build", jobs)
    assert full.code in (
        1,
        4,
    )  # 4 when the disk stayed full: then the end of the build had no room either
    assert "Traceback" not in full.out + full.err
    assert "failed    larger" in full.out
    assert "o space left" in full.out + full.err or "full" in full.out + full.err
    assert {"value": "1\n"} == project.data("small")
    remount(small_disk, "size=64m")
    again = project.fp("build", "--json", jobs)
    assert 0 == again.code, again
    (end,) = [event for event in again.events if event["event"] == "build_finished"]
    assert 0 == end["failed"]
    assert 1 == end["ran"]  # what was published before is not run again
    assert 6000000 == (project.root / "larger" / "data" / "value").stat().st_size


@pytest.mark.root
def test_a_disk_that_is_full_from_the_start_is_told(project: Project, small_disk: Path) -> None:
    project.environment["FUSIONPIPE_STORE"] = str(small_disk / "store")
    with open(small_disk / "filler", "wb") as filler:
        filler.write(b"x" * (8 << 20))
    project.node("it", "echo 1 > ../data/value")
    told = project.fp("build")
    assert told.code in (1, 4)
    assert "Traceback" not in told.err
    assert "full" in told.out + told.err or "o space left" in told.out + told.err
    (small_disk / "filler").unlink()
    assert 0 == project.fp("build").code
    assert {"value": "1\n"} == project.data("it")


@pytest.mark.root
def test_a_read_only_store_is_told_in_a_sentence(project: Project, small_disk: Path) -> None:
    project.environment["FUSIONPIPE_STORE"] = str(small_disk / "store")
    project.node("it", "echo 1 > ../data/value")
    assert 0 == project.fp("build").code
    project.node("it", "echo 2 > ../data/value")
    remount(small_disk, "ro")
    told = project.fp("build")
    remount(small_disk, "rw")
    assert 4 == told.code
    assert "read-only file system" in told.err
    assert "Traceback" not in told.err
    assert 0 == project.fp("build").code


def test_a_store_of_another_user_is_refused(project: Project) -> None:
    project.node("it", "echo 1 > ../data/value").build()
    about = project.root / ".fusionpipe" / "store" / "store.json"
    about.chmod(0o644)
    about.write_text(json.dumps(json.loads(about.read_text()) | {"owner": os.geteuid() + 1}))
    project.node("it", "echo 2 > ../data/value")
    told = project.fp("build")
    assert 4 == told.code
    assert f"it belongs to user {os.geteuid() + 1}, and this is user {os.geteuid()}" in told.err


def test_a_store_that_is_a_file_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a store")
    project.environment["FUSIONPIPE_STORE"] = str(tmp_path / "file")
    project.node("it", "echo 1 > ../data/value")
    told = project.fp("build")
    assert (4, True) == (told.code, "it is not a directory" in told.err)
    assert "not a store" == (tmp_path / "file").read_text()


def test_a_directory_of_other_things_is_not_taken_for_a_store(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    project.environment["FUSIONPIPE_STORE"] = str(tmp_path / "home")
    project.node("it", "echo 1 > ../data/value")
    told = project.fp("build")
    assert (4, True) == (told.code, "letter.txt" in told.err)
    assert ["letter.txt"] == os.listdir(tmp_path / "home")


@pytest.mark.root
def test_a_project_that_may_not_be_written_is_told_in_a_sentence() -> None:
    """As another user, in a process that gives the superuser's rights away once all is imported."""
    if not IS_ROOT:
        pytest.skip("needs the superuser")
    with tempfile.TemporaryDirectory() as place:  # the tests' own directories are shut to others
        os.chmod(place, 0o755)
        code, err = build_as_nobody(Project(Path(place) / "project"))
    assert (2, "make the project writable") == (
        code,
        err.partition("make the project writable")[1],
    ), err


def build_as_nobody(project: Project) -> tuple[int, str]:
    project.node("it", "echo 1 > ../data/value").call("build")
    project.node("it", "echo 2 > ../data/value").call("build", "it", "-n")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # what it needs is imported: the interpreter may be out of that user's reach
        try:
            os.setuid(65534)
            told = project.call("build", "it")
            os.write(write, json.dumps([told.code, told.err]).encode())
        except BaseException as error:
            os.write(write, json.dumps([-1, repr(error)]).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read) as pipe:
        code, err = json.load(pipe)
    os.waitpid(child, 0)
    return code, err
