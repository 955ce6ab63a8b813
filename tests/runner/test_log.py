"""What a log says of its run, and how its end is shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fusionpipe.model import NodeName
from fusionpipe.runner import Exited, ProcessRunner, Run, RunDirectories
from fusionpipe.runner.layout import Layout
from fusionpipe.runner.log import foot, head, tail, user_paths

Finish = Callable[[Run], Exited]
MakeRun = Callable[..., Run]


def test_the_head_names_node_time_host_and_command() -> None:
    run = Run(NodeName("prep/clean"), ("x",), {}, Layout(), "python main.py\n--fast")
    first, second = head(run, 1_763_683_141.5).decode().splitlines()
    assert first.startswith("# fusionpipe: prep/clean started 2025-11-20T23:59:01Z on ")
    assert second == "# command: python main.py --fast"


def test_a_log_has_the_runs_own_output_between_head_and_foot(sh: MakeRun, finish: Finish) -> None:
    exited = finish(sh("echo out; echo err >&2; printf unfinished"))
    lines = exited.rundir.log.read_text().splitlines()
    assert lines[2:-1] == ["out", "err", "unfinished"]
    assert lines[-1].startswith("# exit 0 after 0.")


def test_a_run_that_deletes_its_log_still_has_one(sh: MakeRun, finish: Finish) -> None:
    exited = finish(sh("echo before; rm ../logs.txt; mkdir ../logs.txt; echo after"))
    text = exited.rundir.log.read_text()
    assert "before\nafter\n# exit 0" in text


def test_the_foot_names_a_signal_and_what_was_left_behind(sh: MakeRun, finish: Finish) -> None:
    exited = finish(sh("kill -9 $$"))
    assert (None, 9) == (exited.code, exited.signal)
    assert foot(exited).decode().startswith("# killed by signal 9 (SIGKILL) after 0.")


def test_the_log_can_be_followed_while_the_run_goes_on(
    sh: MakeRun, runner: ProcessRunner, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    rundir = runner.start(sh(f"echo first; read x < '{gate}'; echo second"))
    with open(gate, "w") as go:  # opens when the run reads: "first" is out by then
        assert "first\n" in rundir.log.read_text()
        assert "second" not in rundir.log.read_text()
        go.write("on\n")
    (exited,) = runner.wait(60)
    assert exited.code == 0
    assert "first\nsecond\n# exit" in rundir.log.read_text()


def test_the_tail_shows_the_users_own_paths(rundirs: RunDirectories, tmp_path: Path) -> None:
    rundir = rundirs.acquire()
    rundir.lay(Layout(parents={"raw": Path("/trees/ab12"), "all": {"x/y": Path("/trees/cd")}}))
    rundir.log.write_text(
        "# fusionpipe: prep/clean started\n# command: x\n"
        f'File "{rundir.code}/x.py", line 3\n'
        f"not {rundir.path}0/code\n"
        "/trees/ab12/a.csv and /trees/cd\n"
        "# exit 1 after 0.1 s, 10 MB\n"
    )
    assert tail(rundir.log, shown=user_paths(rundir, "prep/clean")) == (
        'File "prep/clean/code/x.py", line 3',
        f"not {rundir.path}0/code",
        "prep/clean/parents/raw/a.csv and prep/clean/parents/all/x/y",
    )


def test_the_tail_is_fit_for_a_terminal(tmp_path: Path) -> None:
    log = tmp_path / "logs.txt"
    log.write_bytes(
        b"10%\r50%\r100%\n\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07\n\xff\xfe\n"
        + b"x" * 5000
        + b"\n\n"
    )
    shown = tail(log, shown={})
    assert shown[:3] == (
        "100%",
        "red bell\N{REPLACEMENT CHARACTER}",
        "\N{REPLACEMENT CHARACTER}" * 2,
    )
    assert shown[3] == "x" * 400 + "… (4,600 more characters)"


def test_the_tail_of_a_huge_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "logs.txt"
    log.write_text("".join(f"line {n}\n" for n in range(200_000)))
    assert tail(log, 2, shown={}) == ("line 199998", "line 199999")


def test_a_log_that_is_not_there_has_no_tail(tmp_path: Path) -> None:
    assert tail(tmp_path / "none", shown={}) == ()
