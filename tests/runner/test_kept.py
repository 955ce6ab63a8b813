"""A failed run's directory is kept with a `./rerun` that repeats the run there."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.model import NodeName
from fusionpipe.runner import Exited, Layout, Placed, ProcessRunner, Run, RunDirectories, keep
from fusionpipe.runner.kept import rerun_script

Finish = Callable[[Run], Exited]
MakeRun = Callable[..., Run]

ODD = {
    "QUOTES": 'it\'s "odd" $HOME `id` \\',
    "LINES": "one\ntwo\n",
    "EMPTY": "",
    "BYTES": b"\xff\xfe".decode("utf-8", "surrogateescape"),
    "odd-name.x": "dots",
    "UMLAUT": "größe 1",
    "LEADING": "-n",
}


def environment_in(output: bytes) -> Mapping[str, str]:
    """What `env -0` printed."""
    text = output.decode("utf-8", "surrogateescape")
    return dict(pair.split("=", 1) for pair in text.split("\0") if pair)


def rerun(kept: Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "SURPLUS": "x", **more}
    return subprocess.run(
        [str(kept / "rerun")], cwd=cwd, env=environment, capture_output=True, check=False
    )


def test_a_rerun_has_exactly_the_environment_of_the_run_in_the_new_place(
    runner: ProcessRunner, placed: Callable[..., Placed], tmp_path: Path
) -> None:
    layout = Layout(code=(placed("main", "x"),), libs={"ours": tmp_path}, parents={"raw": tmp_path})
    run = Run(
        NodeName("n"),
        ("env", "-0"),
        {"PATH": os.environ["PATH"], **ODD},
        layout,
        "env",
        extra={"SEEN": "{run}/.observed", "PYTHONPATH": "/nodeside"},
    )
    runner.start(run)
    (exited,) = runner.wait(60)
    lines = exited.rundir.log.read_bytes().split(b"\n", 2)[2].rpartition(b"\n# exit")[0]
    before = dict(environment_in(lines))
    assert ODD.items() <= before.items()
    del before["FP_RUN"]
    old, kept = str(exited.rundir.path), tmp_path / "kept ü"
    keep(exited.rundir, kept, run)
    wanted = {name: value.replace(old, str(kept)) for name, value in before.items()}
    after = dict(environment_in(rerun(kept, tmp_path).stdout))
    after["TMPDIR"] = (
        wanted["TMPDIR"] if after["TMPDIR"].startswith("/tmp/fp-") else after["TMPDIR"]
    )
    assert wanted == after


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Co"]), max_size=30)
)
def test_any_value_survives_the_quoting(value: str) -> None:
    run = Run(NodeName("n"), ("x",), {"VALUE": value}, Layout(), "x")
    script = rerun_script(run, Path("/kept"))
    words = script.partition("env -i")[2].replace("\\\n    ", " ")
    assert f"VALUE={value}" in shlex.split(words.replace('"$here"', "/kept"))


def test_a_rerun_repeats_the_failure_from_wherever_it_is_called(
    sh: MakeRun, finish: Finish, tmp_path: Path
) -> None:
    run = sh('ls ../data; echo "in $PWD"; cat ../params.json; echo > ../data/half; exit 3')
    exited = finish(run)
    kept = tmp_path / "failed" / "prep" / "clean"
    keep(exited.rundir, kept, run)
    for cwd in (tmp_path, kept, kept / "data", Path("/")):
        done = rerun(kept, cwd)
        assert (3, f"in {kept}/code\n{{}}\n".encode()) == (done.returncode, done.stdout)


def test_a_rerun_works_after_the_directory_moved(
    sh: MakeRun, finish: Finish, tmp_path: Path
) -> None:
    run = sh('echo "$FP_DATA"; exit 3')
    keep(finish(run).rundir, tmp_path / "kept", run)
    moved = tmp_path / "moved on"
    (tmp_path / "kept").rename(moved)
    assert rerun(moved, tmp_path).stdout == f"{moved}/data\n".encode()


def test_a_rerun_takes_secrets_from_its_caller_and_asks_when_they_are_not_there(
    sh: MakeRun, finish: Finish, tmp_path: Path
) -> None:
    run = sh('echo "<$TOKEN>"; exit 3', secrets={"TOKEN": "p4ssw0rd"})
    run = run._replace(environment={**run.environment, "TOKEN": "p4ssw0rd"})
    script = keep(finish(run).rundir, tmp_path / "kept", run)
    assert "p4ssw0rd" not in script.read_text()
    assert stat.S_IMODE(script.stat().st_mode) == 0o700
    asked = rerun(tmp_path / "kept", tmp_path)
    assert (2, b"rerun: set TOKEN first: the run had it as a secret\n") == (
        asked.returncode,
        asked.stderr,
    )
    assert rerun(tmp_path / "kept", tmp_path, TOKEN="new 'one'").stdout == b"<new 'one'>\n"


def test_a_command_with_an_equals_sign_can_be_repeated(
    placed: Callable[..., Placed], finish: Finish, tmp_path: Path
) -> None:
    layout = Layout(code=(placed("a=b", "#!/bin/sh\necho it is $1\nexit 3\n", mode=0o555),))
    run = Run(NodeName("n"), ("./a=b", "me"), {"PATH": "/usr/bin:/bin"}, layout, "./a=b me")
    keep(finish(run).rundir, tmp_path / "kept", run)
    assert rerun(tmp_path / "kept", tmp_path).stdout == b"it is me\n"


def test_the_latest_failure_takes_the_place_of_the_earlier(
    sh: MakeRun, finish: Finish, rundirs: RunDirectories, tmp_path: Path
) -> None:
    for text in ("first", "second"):
        run = sh(f"echo {text} > ../data/x; exit 1")
        exited = finish(run)
        keep(exited.rundir, tmp_path / "kept", run)
        rundirs.recycle(exited.rundir)
    assert (tmp_path / "kept/data/x").read_text() == "second\n"
    assert rundirs.acquire().path != exited.rundir.path


def test_kept_code_is_the_users_to_edit(
    placed: Callable[..., Placed], finish: Finish, tmp_path: Path
) -> None:
    main = placed("main", "#!/bin/sh\nexit 1\n", mode=0o555)
    run = Run(NodeName("n"), ("./main",), {}, Layout(code=(main,)), "./main")
    keep(finish(run).rundir, tmp_path / "kept", run)
    assert stat.S_IMODE((tmp_path / "kept/code/main").stat().st_mode) == 0o755
    (tmp_path / "kept/code/main").write_text("#!/bin/sh\necho mended\n")
    assert main.path.read_text() == "#!/bin/sh\nexit 1\n"
    assert rerun(tmp_path / "kept", tmp_path).stdout == b"mended\n"


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second file system")
def test_a_run_can_be_kept_on_another_file_system(sh: MakeRun, finish: Finish) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        kept = Path(elsewhere, "kept")
        for text in ("first", "second"):
            run = sh(f"echo {text} > ../data/x; mkfifo ../data/fifo; exit 1")
            exited = finish(run)
            keep(exited.rundir, kept, run)
            assert not exited.rundir.path.exists()
        assert (kept / "data/x").read_text() == "second\n"
        assert rerun(kept, kept).returncode == 1
        assert [path.name for path in Path(elsewhere).iterdir()] == ["kept"]
