"""What a run finds in its directory, what it leaves there, and that the next run finds none of it."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionpipe.runner import Layout, Placed, RunDirectories, RunDirectory

MakePlaced = Callable[..., Placed]

EMPTY = {
    **dict.fromkeys(("code", "data", "reports", "parents", "inputs", "libs", "tmp")),
    ".observed": None,
    "params.json": "{}\n",
}


def content(directory: Path) -> dict[str, str | None]:
    """Every name below a directory: a file's text, a link's target, None for a directory."""
    found: dict[str, str | None] = {}
    for path in sorted(directory.rglob("*")):
        at = str(path.relative_to(directory))
        if path.is_symlink():
            found[at] = f"-> {os.readlink(path)}"
        else:
            found[at] = None if path.is_dir() else path.read_text()
    return found


def test_everything_is_laid_out_in_its_place(rundirs: RunDirectories, placed: MakePlaced) -> None:
    rundir = rundirs.acquire()
    rundir.lay(
        Layout(
            code=(
                placed("main.py", "main"),
                placed("pkg/über uns/x.py", "x"),
                Placed("pkg/link", Path(), link="über uns/x.py"),
            ),
            code_directories=("empty/inner",),
            inputs={"config": Path("/t/config")},
            libs={"ourlib": Path("/t/ourlib")},
            parents={"raw": Path("/t/1"), "all": {"a/b": Path("/t/2"), "c": Path("/t/3")}},
            params=b'{"lr": 1}\n',
        )
    )
    assert content(rundir.path) == {
        **EMPTY,
        "code/main.py": "main",
        "code/empty": None,
        "code/empty/inner": None,
        "code/pkg": None,
        "code/pkg/link": "-> über uns/x.py",
        "code/pkg/über uns": None,
        "code/pkg/über uns/x.py": "x",
        "inputs/config": "-> /t/config",
        "libs/ourlib": "-> /t/ourlib",
        "parents/raw": "-> /t/1",
        "parents/all": None,
        "parents/all/a": None,
        "parents/all/a/b": "-> /t/2",
        "parents/all/c": "-> /t/3",
        "params.json": '{"lr": 1}\n',
    }
    assert rundir.strays() == ()
    assert not rundir.has_output()


def test_code_is_hard_links_in_a_real_directory(
    rundirs: RunDirectories, placed: MakePlaced
) -> None:
    main = placed("main", "x", mode=0o555)
    rundir = rundirs.acquire()
    rundir.lay(Layout(code=(main,)))
    assert os.path.samefile(main.path, rundir.code / "main")
    assert not rundir.code.is_symlink()


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second file system")
def test_code_on_another_file_system_is_copied(rundirs: RunDirectories) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        path = Path(elsewhere, "object")
        path.write_text("x")
        rundir = rundirs.acquire()
        rundir.lay(Layout(code=(Placed("main", path, is_executable=True), Placed("a", path))))
    assert (rundir.code / "main").read_text() == "x"
    assert stat.S_IMODE((rundir.code / "main").stat().st_mode) == 0o555
    assert stat.S_IMODE((rundir.code / "a").stat().st_mode) == 0o444


def test_strays_are_named_and_caches_are_not(rundirs: RunDirectories, placed: MakePlaced) -> None:
    rundir = rundirs.acquire()
    layout = Layout(
        code=(placed("main.py", "x"), placed("pkg/y.py", "y")), parents={"raw": Path("/t/1")}
    )
    rundir.lay(layout)
    for name in ("model.bin", "code/out.csv", "code/pkg/z", "parents/extra", "tmp/x", "data/fine"):
        (rundir.path / name).write_text("x")
    for name in ("results", "code/__pycache__", "code/pkg/__pycache__", "libs/new"):
        (rundir.path / name).mkdir()
    wanted = ("code/out.csv", "code/pkg/z", "libs/new/", "model.bin", "parents/extra", "results/")
    assert rundir.strays() == wanted
    assert rundir.has_output()


def test_code_that_the_run_replaced_or_wrote_to_is_a_stray(
    rundirs: RunDirectories, placed: MakePlaced
) -> None:
    rundir = rundirs.acquire()
    rundir.lay(Layout(code=(placed("a", "x"), placed("b", "x"), placed("c", "x"))))
    later = rundir.path.stat().st_mtime_ns + 10**10
    for name in ("code/a", "params.json"):
        (rundir.path / name).unlink()
        (rundir.path / name).write_text("mine")
        os.utime(rundir.path / name, ns=(later, later))
    os.utime(rundir.code / "b", ns=(later, later))
    assert rundir.strays() == ("code/a", "code/b", "params.json")


@pytest.mark.parametrize("name", ["data", "reports"])
def test_anything_in_an_output_directory_is_output(name: str, rundirs: RunDirectories) -> None:
    rundir = rundirs.acquire()
    assert not rundir.has_output()
    (rundir.path / name / ".hidden").mkdir()
    assert rundir.has_output()


def test_outputs_that_the_run_removed_are_made_again(rundirs: RunDirectories) -> None:
    rundir = rundirs.acquire()
    rundir.data.rmdir()
    assert not rundir.has_output()
    rundir.settle_outputs()
    assert rundir.data.is_dir()


def spoil_with_files(rundir: RunDirectory) -> None:
    for name in ("stray", "code/x", "data/x", "reports/x", "tmp/x", ".observed/x", "inputs/x"):
        (rundir.path / name).write_text("x")


def spoil_with_directories(rundir: RunDirectory) -> None:
    for name in ("stray/a", "code/pkg/a", "data/a/b", "tmp/a", ".observed/a", "parents/all/new"):
        (rundir.path / name).mkdir(parents=True, exist_ok=True)


def spoil_by_taking_away(rundir: RunDirectory) -> None:
    rundir.data.rename(rundir.path.parent / "published")
    rundir.reports.rmdir()
    (rundir.code / "main").unlink()
    (rundir.path / "params.json").unlink()


def spoil_by_other_kinds(rundir: RunDirectory) -> None:
    rundir.data.rmdir()
    rundir.data.symlink_to("/")
    rundir.reports.rmdir()
    rundir.reports.write_text("x")
    (rundir.code / "main").unlink()
    (rundir.code / "main").mkdir()
    (rundir.path / "params.json").unlink()
    (rundir.path / "params.json").mkdir()
    rundir.log.unlink()
    rundir.log.mkdir()


def spoil_modes(rundir: RunDirectory) -> None:
    (rundir.data / "x").write_text("x")
    for name in ("data", "code", "tmp", "inputs"):
        (rundir.path / name).chmod(0o000)


def spoil_params(rundir: RunDirectory) -> None:
    os.link(rundir.path / "params.json", rundir.data / "params.json")
    rundir.data.rename(rundir.path.parent / "published")


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_with_files,
        spoil_with_directories,
        spoil_by_taking_away,
        spoil_by_other_kinds,
        spoil_modes,
        spoil_params,
    ],
)
def test_whatever_a_run_does_the_next_one_finds_nothing_of_it(
    spoil: Callable[[RunDirectory], None], rundirs: RunDirectories, placed: MakePlaced
) -> None:
    rundir = rundirs.acquire()
    rundir.lay(
        Layout(
            code=(placed("main", "x"), placed("pkg/y", "y")),
            parents={"raw": Path("/t"), "all": {"a": Path("/t"), "b/c": Path("/t")}},
            params=b'{"a long": "parameter"}\n',
        )
    )
    rundir.log.touch()
    spoil(rundir)
    rundirs.recycle(rundir)
    again = rundirs.acquire()
    again.lay(Layout())
    assert content(again.path) == EMPTY
    assert again.strays() == ()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in again.path.iterdir() if path.is_dir()}
    assert modes == {stat.S_IMODE(again.path.stat().st_mode)}


def test_a_published_copy_of_the_params_is_not_written_to(rundirs: RunDirectories) -> None:
    rundir = rundirs.acquire()
    rundir.lay(Layout(params=b"first\n"))
    spoil_params(rundir)
    rundirs.recycle(rundir)
    rundirs.acquire().lay(Layout(params=b"later\n"))
    assert (rundirs.scratch / "published/params.json").read_text() == "first\n"


def test_params_that_a_run_altered_and_hid_it_are_not_the_next_ones(
    rundirs: RunDirectories,
) -> None:
    rundir = rundirs.acquire()
    for _ in range(3):  # the first may happen within one tick of the clock
        rundir.lay(Layout(params=b"first\n"))
        path = rundir.path / "params.json"
        before = path.stat()
        path.write_text("other\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        rundirs.recycle(rundir)
        assert rundirs.acquire() is rundir
        rundir.lay(Layout(params=b"first\n"))
        assert path.read_text() == "first\n"
        rundirs.recycle(rundir)
        assert rundirs.acquire() is rundir


def test_equal_params_are_not_written_again(rundirs: RunDirectories) -> None:
    rundir = rundirs.acquire()
    rundir.lay(Layout(params=b"same\n"))
    before = (rundir.path / "params.json").stat()
    rundirs.recycle(rundir)
    rundirs.acquire().lay(Layout(params=b"same\n"))
    assert before == (rundir.path / "params.json").stat()


def test_links_that_say_the_same_are_one_inode_whichever_run_has_them(
    rundirs: RunDirectories,
) -> None:
    layout = Layout(parents={"raw": Path("/t/1")})
    first, second = rundirs.acquire(), rundirs.acquire()
    first.lay(layout)
    second.lay(layout)
    inodes = {os.lstat(one.path / "parents/raw").st_ino for one in (first, second)}
    assert len(inodes) == 1
    rundirs.recycle(first)
    rundirs.acquire().lay(Layout(parents={"raw": Path("/t/2")}))
    assert os.readlink(first.path / "parents/raw") == "/t/2"
    assert os.readlink(second.path / "parents/raw") == "/t/1"


def test_a_clean_directory_is_used_again_with_the_same_inodes(
    rundirs: RunDirectories, placed: MakePlaced
) -> None:
    first = rundirs.acquire()
    first.lay(Layout(code=(placed("main", "x"),)))
    before = {path.name: path.stat().st_ino for path in first.path.iterdir()}
    rundirs.recycle(first)
    assert rundirs.acquire() is first
    assert before == {path.name: path.stat().st_ino for path in first.path.iterdir()}
    assert list((rundirs.scratch / "trash").iterdir()) == []


def test_a_log_that_became_an_object_is_not_written_to_again(rundirs: RunDirectories) -> None:
    rundir = rundirs.acquire()
    rundir.log.write_text("first")
    os.link(rundir.log, rundirs.scratch / "object")
    rundirs.recycle(rundir)
    assert not rundir.log.exists()
    assert (rundirs.scratch / "object").read_text() == "first"


def test_a_long_path_gets_a_short_tmpdir(tmp_path: Path) -> None:
    scratch = tmp_path / ("long" * 20)
    scratch.mkdir()
    pool = RunDirectories(scratch)
    rundir = pool.acquire()
    assert len(str(rundir.tmp)) < 70
    (rundir.tmp / "x").write_text("x")
    assert (rundir.path / "tmp/x").exists()
    pool.close()
    assert not rundir.tmp.parent.exists()
