"""Several builds at once, in one project or on one store: a key runs once, and everybody ends well (L10)."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.events import Event, NodeStarted, Outcome
from fusionpipe.model import NodeName
from fusionpipe.testing import PLENTY, Hall, Project
from fusionstore.contract import JsonObject

Make = Callable[[str, Mapping[str, str]], Project]


def layers(project: Project, hall: Hall, width: int, depth: int) -> list[str]:
    """Nodes in layers, each reading two of the layer before; their names."""
    names: list[str] = []
    for level in range(depth):
        for column in range(width):
            name = f"l{level}n{column}"
            above = (
                {f"l{level - 1}n{(column + step) % width}" for step in (0, 1)} if level else set()
            )
            code = hall.note(name)
            code += (
                f"{{ echo {name}; cat ../parents/*/value 2>/dev/null; }} | cksum > ../data/value"
            )
            project.node(name, code, parents=sorted(above), toml=hall.toml)
            names.append(name)
    return names


def waiting_node(project: Project, hall: Hall, *, after: str) -> None:
    """The node "slow", which meets the test, then does what `after` says."""
    project.node("slow", hall.note("slow") + hall.meet() + after, toml=hall.toml)


def events_of(process: subprocess.Popen[str]) -> list[JsonObject]:
    """What a `--json` build tells from now on to its end."""
    out, err = process.communicate(timeout=PLENTY)
    assert err == ""
    return [json.loads(line) for line in out.splitlines()]


def await_event(process: subprocess.Popen[str], kind: str) -> JsonObject:
    """The next event of a kind that a `--json` build tells."""
    assert process.stdout is not None
    for line in process.stdout:
        event: JsonObject = json.loads(line)
        if event["event"] == kind:
            return event
    raise AssertionError(f"the build ended without {kind}")


def ended(events: Sequence[Mapping[str, object]]) -> dict[object, object]:
    """How each node ended."""
    return {e["node"]: e["outcome"] for e in events if e["event"] == "node_finished"}


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_each_key_runs_once_however_many_builds_there_are(
    project: Project, hall: Hall, count: int
) -> None:
    names = layers(project, hall, 4, 4)
    builds = [project.start("build", "--json", "-j2") for _ in range(count)]
    sums = [events_of(build)[-1] for build in builds]
    assert [0] * count == [build.returncode for build in builds]
    assert sorted(names) == hall.runs()
    assert {(0, 0)} == {(told["failed"], told["skipped"]) for told in sums}
    assert len(names) == sum(int(str(told["ran"])) for told in sums)
    again = project.fp("build", "--json").events[-1]
    assert (0, len(names)) == (again["ran"], again["kept"])


def test_two_projects_that_share_a_store_run_each_key_once(
    tmp_path: Path, hall: Hall, make_project: Make
) -> None:
    shared = {**hall.environment, "FUSIONPIPE_STORE": str(tmp_path / "the store")}
    projects = [make_project(name, shared) for name in ("here", "there")]
    for project in projects:
        names = layers(project, hall, 3, 3)
    builds = [project.start("build", "--json", "-j2") for project in projects for _ in range(2)]
    sums = [events_of(build)[-1] for build in builds]
    assert [0, 0, 0, 0] == [build.returncode for build in builds]
    assert sorted(names) == hall.runs()
    assert {(0, 0)} == {(told["failed"], told["skipped"]) for told in sums}
    assert [projects[0].data(name) for name in names] == [projects[1].data(name) for name in names]


def test_who_waits_for_a_result_takes_it_over(project: Project, hall: Hall) -> None:
    waiting_node(project, hall, after="echo made > ../data/value")
    project.node("child", "cat ../parents/slow/value > ../data/value", parents=["slow"])
    first = project.start("build", "--json")
    hall.await_it()
    second = project.start("build", "--json")
    assert "slow" == await_event(second, "node_waiting")["node"]
    hall.let_go()
    one, two = ended(events_of(first)), ended(events_of(second))
    assert "ran" == one["slow"]
    assert "restored" == two["slow"]
    assert ["slow"] == hall.runs()
    assert {"ran", "restored"} >= {str(one["child"]), str(two["child"])}
    assert {"value": "made\n"} == project.data("child")


def test_a_failure_is_one_failure_for_all_who_wait(
    tmp_path: Path, hall: Hall, make_project: Make
) -> None:
    shared = {**hall.environment, "FUSIONPIPE_STORE": str(tmp_path / "store")}
    here, there = (make_project(name, shared) for name in ("here", "there"))
    for project in (here, there):
        waiting_node(project, hall, after='echo "no such column: height"\nexit 9')
        project.node("child", "echo never > ../data/value", parents=["slow"])
    first = here.start("build", "--json")
    hall.await_it()
    others = [here.start("build", "--json"), there.start("build", "--json")]
    for other in others:
        await_event(other, "node_waiting")
    hall.let_go()
    for build, project in ((first, here), (others[0], here), (others[1], there)):
        events = events_of(build)
        assert {"slow": "failed", "child": "skipped"} == ended(events)
        (failure,) = (e for e in events if e.get("outcome") == "failed")
        assert "exited with 9" in str(failure["reason"])
        assert "no such column: height" in str(failure["tail"])
        assert (project.root / str(failure["rerun"]) / "rerun").exists()
        assert "no such column" in (project.root / str(failure["log"])).read_text()
        assert 1 == build.returncode
    assert ["slow"] == hall.runs()


def test_the_work_of_a_killed_build_is_taken_over(project: Project, hall: Hall) -> None:
    """What it was running lives on for a while, in a directory of its own, and does no harm."""
    wait = f'if mkdir "$HALL/first" 2>/dev/null; then\n{hall.meet()}fi\n'
    code = hall.note("slow") + wait + "echo made > ../data/value"
    project.node("slow", code, toml=hall.toml)
    first = project.start("build", "--json")
    hall.await_it()
    second = project.start("build", "--json")
    await_event(second, "node_waiting")
    first.kill()
    assert {"slow": "ran"} == ended(events_of(second))
    hall.let_go()
    assert ["slow", "slow"] == hall.runs()
    assert {"value": "made\n"} == project.data("slow")
    assert {"slow": Outcome.KEPT} == project.build().outcomes


def test_the_work_of_an_interrupted_build_is_taken_over(project: Project, hall: Hall) -> None:
    waiting_node(project, hall, after="echo made > ../data/value")
    first = project.start("build", "--json")
    hall.await_it()
    second = project.start("build", "--json")
    await_event(second, "node_waiting")
    first.send_signal(signal.SIGINT)
    assert {"slow": "skipped"} == ended(events_of(first))
    hall.await_it()
    hall.let_go()
    assert {"slow": "ran"} == ended(events_of(second))


def test_a_build_that_waits_can_be_interrupted(project: Project, hall: Hall) -> None:
    waiting_node(project, hall, after="echo made > ../data/value")
    first = project.start("build", "--json")
    hall.await_it()
    second = project.start("build", "--json")
    await_event(second, "node_waiting")
    second.send_signal(signal.SIGINT)
    assert {"slow": "skipped"} == ended(events_of(second))
    assert 130 == second.returncode
    hall.let_go()
    assert {"slow": "ran"} == ended(events_of(first))


def test_a_build_that_waits_runs_other_nodes_meanwhile(project: Project, hall: Hall) -> None:
    waiting_node(project, hall, after="echo made > ../data/value")
    first = project.start("build", "--json", "slow")
    hall.await_it()
    project.node("other", "echo other > ../data/value")
    second = project.start("build", "--json", "-j1")
    assert "other" == await_event(second, "node_finished")["node"]
    hall.let_go()
    assert {"slow": "ran"} == ended(events_of(first))
    assert {"slow": "restored"} == ended(events_of(second))


@pytest.mark.parametrize("jobs", [1, 4])
def test_equal_keys_inside_one_build_run_once(project: Project, hall: Hall, jobs: int) -> None:
    names = [f"n{number}" for number in range(6)]
    for name in names:
        project.node(name, hall.note("equal") + "echo 1 > ../data/value", toml=hall.toml)
        project.node(f"{name}/../below-{name}", "cat ../parents/x/value > ../data/value",
                     toml=f'[parents]\nx = "{name}"\n')  # fmt: skip
    built = project.build(jobs=jobs)
    assert ["equal"] == hall.runs()
    assert 2 == len(built.named(Outcome.RAN))
    assert 10 == len(built.named(Outcome.RESTORED))
    assert {"1\n"} == {project.data(f"below-{name}")["value"] for name in names}


def test_equal_keys_that_fail_fail_once(project: Project, hall: Hall) -> None:
    for name in ("a", "b", "c"):
        project.node(name, hall.note("equal") + "exit 3", toml=hall.toml)
        project.node(f"below-{name}", "echo 1 > ../data/value", parents=[name])
    built = project.build(jobs=2, keeps_going=True)
    assert ["equal"] == hall.runs()
    assert {"a", "b", "c"} == built.named(Outcome.FAILED)
    assert {"below-a", "below-b", "below-c"} == built.named(Outcome.SKIPPED)


def test_an_older_build_does_not_swap_its_link_over_a_later_ones(
    project: Project, hall: Hall
) -> None:
    """The older build runs the earlier code, ends last, and must not hide the later result."""
    waiting_node(project, hall, after="echo old > ../data/value")
    older = project.start("build", "--json")
    hall.await_it()
    project.node("slow", "echo new > ../data/value", toml=hall.toml)
    assert {"slow": "ran"} == ended(project.fp("build", "--json").events)
    hall.let_go()
    events = events_of(older)
    assert {"slow": "ran"} == ended(events)
    assert "a later build has linked it" in " ".join(str(e.get("text")) for e in events)
    assert {"value": "new\n"} == project.data("slow")
    assert {"slow": Outcome.KEPT} == project.build().outcomes


def test_a_clock_that_was_set_back_keeps_no_link_from_being_made(project: Project) -> None:
    project.node("it", "echo 1 > ../data/value").build()
    order = LinkOrder(project.root / ".fusionpipe" / "state" / "links")
    with order.turn(NodeName("it"), time.time_ns() + 10**15):
        pass  # a build that started when the clock was eleven days ahead
    order.close()
    project.node("it", "echo 2 > ../data/value")
    assert {"it": Outcome.RAN} == project.build().outcomes
    assert {"value": "2\n"} == project.data("it")


def test_a_result_that_appears_between_looking_and_starting_is_taken(
    project: Project, hall: Hall
) -> None:
    """Another build makes what this one has found missing and not yet started."""
    names = layers(project, hall, 2, 3)
    project.node(
        "first", "echo 0 > ../data/value"
    )  # with the longest way to go, so it starts first
    above = "first"
    for number in range(5):
        project.node(f"z{number}", "cat ../parents/*/value > ../data/value", parents=[above])
        above = f"z{number}"
    others: list[dict[object, object]] = []

    def build_the_rest_meanwhile(event: Event) -> None:
        if isinstance(event, NodeStarted) and not others:
            assert "first" == event.node
            others.append(ended(project.fp("build", "--json", "l*").events))

    built = project.build(jobs=1, on_event=build_the_rest_meanwhile)
    assert [dict.fromkeys(names, "ran")] == others
    assert set(names) == built.named(Outcome.RESTORED)
    assert sorted(names) == hall.runs()
    assert 6 == built.finished.ran
