"""Ctrl-C and TERM: children are stopped, what is finished is kept, and the next build goes on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fusionpipe.testing import PLENTY, Hall, Project, until
from fusionstore.contract import JsonObject

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


def rest_of(build: subprocess.Popen[str]) -> tuple[dict[str, JsonObject], list[JsonObject]]:
    """How each node ended, and all events, of a `--json` build that runs to its end."""
    out, err = build.communicate(timeout=PLENTY)
    assert "" == err
    events: list[JsonObject] = [json.loads(line) for line in out.splitlines()]
    return {str(e["node"]): e for e in events if e["event"] == "node_finished"}, events


def three(project: Project, hall: Hall, *, middle: str) -> None:
    """A node that is quick, one that is met while it runs, and one below that."""
    project.node("a", hall.note("a") + "echo a > ../data/value", toml=hall.toml)
    project.node(
        "b", hall.note("b") + middle + "echo b > ../data/value", parents=["a"], toml=hall.toml
    )
    project.node("c", hall.note("c") + "echo c > ../data/value", parents=["b"], toml=hall.toml)


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that is dead and waits for its new parent to notice does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_stops_children_and_keeps_what_is_done(
    project: Project, hall: Hall, number: signal.Signals
) -> None:
    three(project, hall, middle='echo $$ > "$HALL/pid"\n' + hall.meet())
    build = project.start("build", "--json")
    hall.await_it()
    os.killpg(build.pid, number)  # as a terminal does: to the whole group
    ended, events = rest_of(build)
    assert {"a": "ran", "b": "skipped", "c": "skipped"} == {
        n: e["outcome"] for n, e in ended.items()
    }
    assert "interrupted" == ended["b"]["reason"]
    assert 1 == len([e for e in events if e["event"] == "interrupting"])
    assert (130, True) == (build.returncode, events[-1]["is_interrupted"])
    assert not is_alive(int((hall.place / "pid").read_text()))
    again = project.start("build", "--json")
    hall.await_it()
    hall.let_go()
    ended, _ = rest_of(again)
    assert {"a": "kept", "b": "ran", "c": "ran"} == {n: e["outcome"] for n, e in ended.items()}
    assert ["a", "b", "b", "c"] == hall.runs()


def test_a_child_may_clean_up_when_it_is_stopped(project: Project, hall: Hall) -> None:
    trap = "trap 'echo cleaned > \"$HALL/cleaned\"; exit 1' TERM\n"
    three(project, hall, middle=trap + hall.meet())
    build = project.start("build", "--json")
    hall.await_it()
    build.send_signal(signal.SIGINT)
    rest_of(build)
    assert "cleaned\n" == (hall.place / "cleaned").read_text()


def test_the_second_signal_ends_it_at_once(project: Project, hall: Hall) -> None:
    """The child ignores TERM; without the second signal it would have ten seconds."""
    three(
        project,
        hall,
        middle="trap '' TERM INT HUP\n" + hall.meet() + "while :; do read -r x; done\n",
    )
    build = project.start("build", "--json")
    hall.await_it()
    build.send_signal(signal.SIGINT)
    assert build.stdout is not None
    for line in build.stdout:
        if json.loads(line)["event"] == "interrupting":
            break
    build.send_signal(signal.SIGINT)
    ended, _ = rest_of(build)
    assert "skipped" == ended["b"]["outcome"]
    assert 130 == build.returncode


@pytest.mark.slow
def test_a_child_that_ignores_the_first_signal_is_killed_after_a_grace(
    project: Project, hall: Hall
) -> None:
    three(project, hall, middle="trap '' TERM INT HUP\n" + hall.meet() + "sleep 600\n")
    build = project.start("build", "--json")
    hall.await_it()
    hall.let_go()
    build.send_signal(signal.SIGINT)
    ended, _ = rest_of(build)
    assert {"a": "ran", "b": "skipped", "c": "skipped"} == {
        n: e["outcome"] for n, e in ended.items()
    }
    assert 130 == build.returncode


def test_children_of_children_are_stopped_too(project: Project, hall: Hall) -> None:
    """Also one in a session of its own, which no signal to a group would reach."""
    deep = "setsid sh -c 'echo $$ > \"$HALL/pid\"; exec sleep 600' &\n"
    three(project, hall, middle=deep + hall.meet())
    build = project.start("build", "--json")
    hall.await_it()
    pid = hall.place / "pid"
    until(lambda: pid.exists() and bool(pid.read_text().strip()), "the grandchild to start")
    build.send_signal(signal.SIGINT)
    rest_of(build)
    assert not is_alive(int(pid.read_text()))


def test_what_a_run_leaves_running_is_stopped_and_told(project: Project, hall: Hall) -> None:
    left = 'setsid sh -c \'echo $$ > "$HALL/pid"; echo x > "$HALL/it.here"; exec sleep 600\' &\n'
    hall.meet()
    project.node("it", f'{left}read -r x < "$HALL/it.here"\necho 1 > ../data/value', toml=hall.toml)
    build = project.start("build", "--json")
    ended, events = rest_of(build)
    assert "ran" == ended["it"]["outcome"]
    (notice,) = [event for event in events if event["event"] == "notice"]
    assert "left processes running, which were stopped" in str(notice["text"])
    assert not is_alive(int((hall.place / "pid").read_text()))


def test_nothing_half_written_is_published_when_interrupted(project: Project, hall: Hall) -> None:
    three(project, hall, middle="echo half > ../data/half\n" + hall.meet())
    build = project.start("build", "--json")
    hall.await_it()
    build.send_signal(signal.SIGINT)
    rest_of(build)
    assert not os.path.lexists(project.root / "b" / "data")
    kept = project.root / ".fusionpipe" / "failed" / "b"
    assert "half\n" == (kept / "data" / "half").read_text()


def test_an_interrupt_with_several_running_stops_all(project: Project, hall: Hall) -> None:
    for name in ("x", "y", "z"):
        code = hall.note(name) + hall.meet(name) + "echo 1 > ../data/value"
        project.node(name, code, toml=hall.toml)
    build = project.start("build", "--json", "-j3")
    for name in ("x", "y", "z"):
        hall.await_it(name)
    hall.let_go("y")
    assert build.stdout is not None
    for line in build.stdout:
        if '"node_finished"' in line:
            break
    build.send_signal(signal.SIGINT)
    ended, events = rest_of(build)
    assert {"x": "skipped", "z": "skipped"} == {n: e["outcome"] for n, e in ended.items()}
    assert {2} == {e["running"] for e in events if e["event"] == "interrupting"}
    assert (1, 2) == (events[-1]["ran"], events[-1]["skipped"])
