"""The stopwatch: whole processes, their children too, in turn, medians; a failure is never a figure."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from benchmarks.measure import CommandFailed, Cost, TookTooLong, figure, interleave, run_once
from benchmarks.places import environment, real_python

PYTHON = real_python()


def python(text: str, place: Path) -> Cost:
    return run_once([PYTHON, "-I", "-S", "-c", text], place, environment())


def test_cpu_of_children_counts_but_is_not_the_process_own(tmp_path: Path) -> None:
    spin = "import time\nwhile time.process_time() < 0.2: pass"
    cost = python(f"import subprocess; subprocess.run([{PYTHON!r}, '-c', {spin!r}])", tmp_path)
    assert cost.cpu >= 0.2
    assert cost.own < 0.2


def test_the_process_own_cpu_is_told_apart(tmp_path: Path) -> None:
    cost = python("import time\nwhile time.process_time() < 0.2: pass", tmp_path)
    assert cost.own == -1 or 0.15 <= cost.own <= cost.cpu + 0.02


def test_wall_time_holds_the_time_a_process_waits(tmp_path: Path) -> None:
    cost = python("import select; select.select([], [], [], 0.2)", tmp_path)
    assert cost.wall >= 0.2 > cost.cpu


def test_the_peak_is_the_command_and_not_ours(tmp_path: Path) -> None:
    ballast = bytearray(120_000_000)
    small = python("pass", tmp_path)
    large = python("bytearray(60_000_000)", tmp_path)
    assert small.peak < 50_000_000 < 60_000_000 <= large.peak < len(ballast)


def test_a_command_that_fails_is_an_error_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"ended with 3:\nno such thing") as caught:
        python("print('no such thing'); raise SystemExit(3)", tmp_path)
    assert 3 == caught.value.code


def test_a_command_killed_by_a_signal_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as caught:
        python("import os; os.kill(os.getpid(), 9)", tmp_path)
    assert -9 == caught.value.code


def test_python_settings_of_the_caller_do_not_reach_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    seen = tmp_path / "seen"
    python(f"import os; open({str(seen)!r}, 'w').write(' '.join(os.environ))", tmp_path)
    assert [] == [name for name in seen.read_text().split() if name.startswith("PYTHON")]


def test_the_command_gets_no_descriptor_of_ours(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    text = f"import os; open({str(seen)!r}, 'w').write(' '.join(os.listdir('/proc/self/fd')))"
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("there is no /proc")
    python(text, tmp_path)
    # 0, 1, 2, the file it writes and the directory it reads
    assert 5 >= len(seen.read_text().split())


def cost(wall: float) -> Cost:
    return Cost(wall, wall / 2, wall / 4, int(wall * 1000))


def test_a_figure_is_the_medians_and_the_extremes() -> None:
    found = figure([cost(3.0), cost(1.0), cost(8.0)])
    assert (3, 3.0, 1.5, 0.75, 3000) == (
        found.runs,
        found.wall,
        found.cpu,
        found.own,
        found.peak,
    )
    assert (1.0, 8.0) == (found.best, found.worst)


def test_runs_are_taken_in_turn() -> None:
    order: list[str] = []

    def run(name: str) -> Cost:
        order.append(name)
        return cost(1.0)

    found = interleave({"a": lambda _: run("a"), "b": lambda _: run("b")}, rounds=3)
    assert ["a", "b", "a", "b", "a", "b"] == order
    assert {"a": 3, "b": 3} == {name: each.runs for name, each in found.items()}


def test_who_has_fewer_rounds_joins_the_last_ones() -> None:
    order: list[str] = []

    def run(name: str) -> Cost:
        order.append(name)
        return cost(1.0)

    runs = {"slow": lambda _: run("slow"), "fast": lambda _: run("fast")}
    found = interleave(runs, rounds={"slow": 1, "fast": 3})
    assert ["fast", "fast", "slow", "fast"] == order
    assert {"slow": 1, "fast": 3} == {name: each.runs for name, each in found.items()}


def test_every_run_is_heard_of_at_once() -> None:
    heard: list[tuple[str, int]] = []
    interleave(
        {"a": cost},
        rounds=2,
        heard=lambda key, found: heard.append((key, found.runs)),
    )
    assert [("a", 1), ("a", 2)] == heard


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    # the reader of the pipe sees its end only when the last process that holds it has gone
    text = f"""
import os, subprocess
pipe = os.open({str(started)!r}, os.O_WRONLY)
os.set_inheritable(pipe, True)
subprocess.run(['/bin/sh', '-c', 'while :; do read -r x < {tmp_path}/never; done'], close_fds=False)
"""
    os.mkfifo(tmp_path / "never")
    reader = os.open(started, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(TookTooLong, match="ended after 1 s"):
            run_once([PYTHON, "-I", "-S", "-c", text], tmp_path, environment(), limit=1.0)
        ended = select.poll()
        ended.register(reader, select.POLLHUP)
        # killed is not yet gone: this waits for it, and for nothing that will never come
        assert [(reader, select.POLLHUP)] == ended.poll(20_000)
    finally:
        os.close(reader)


def test_a_command_that_is_ended_may_clear_up_first(tmp_path: Path) -> None:
    cleared = tmp_path / "cleared"
    os.mkfifo(tmp_path / "never")  # a shell: it minds the signal long before the limit
    text = (
        f"trap 'echo > \"{cleared}\"; exit 1' TERM; while :; do read -r x < {tmp_path}/never; done"
    )
    with pytest.raises(TookTooLong):
        run_once(["/bin/sh", "-c", text], tmp_path, environment(), limit=0.5)
    assert cleared.exists()


def test_one_that_drops_out_keeps_what_it_had() -> None:
    found = interleave({"a": lambda number: cost(1.0) if number < 2 else None}, rounds=5)
    assert 2 == found["a"].runs


def test_one_that_never_ran_has_no_figure() -> None:
    assert {} == interleave({"a": lambda _: None}, rounds=2)
