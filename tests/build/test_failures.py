"""What a failure stops, and what it does not."""

from __future__ import annotations

import json
import subprocess

from fusionpipe.events import Outcome
from fusionpipe.testing import PLENTY, Hall, Project


def test_after_a_failure_nothing_new_is_started(project: Project, hall: Hall) -> None:
    """What runs may end, and is kept; its child, which becomes ready only then, is not started."""
    project.node(
        "slow", hall.note("slow") + hall.meet("slow") + "echo 1 > ../data/value", toml=hall.toml
    )
    project.node(
        "child", hall.note("child") + "echo 2 > ../data/value", parents=["slow"], toml=hall.toml
    )
    project.node("bad", hall.note("bad") + hall.meet("bad") + "exit 3", toml=hall.toml)
    build = project.start("build", "--json", "-j2")
    hall.await_it("slow")
    hall.await_it("bad")
    hall.let_go("bad")
    assert build.stdout is not None
    for line in build.stdout:
        if '"failed"' in line and '"node_finished"' in line:
            break
    hall.let_go("slow")
    out, _ = build.communicate(timeout=PLENTY)
    events = [json.loads(line) for line in out.splitlines()]
    ended = {e["node"]: e for e in events if e["event"] == "node_finished"}
    assert "ran" == ended["slow"]["outcome"]
    assert "skipped" == ended["child"]["outcome"]
    assert "not started after bad failed; -k goes on" == ended["child"]["reason"]
    assert ["bad", "slow"] == hall.runs()
    assert 1 == build.returncode


def test_with_k_all_that_does_not_need_the_failed_node_runs(project: Project, hall: Hall) -> None:
    project.node("bad", "exit 3").node("below", "echo 1 > ../data/value", parents=["bad"])
    for number in range(4):
        code = f"{hall.note(str(number))}echo {number} > ../data/value"
        project.node(f"n{number}", code, toml=hall.toml)
    project.node("under", "cat ../parents/*/value > ../data/value", parents=["n0", "n3"])
    built = project.build(jobs=2, keeps_going=True)
    assert ["0", "1", "2", "3"] == hall.runs()
    assert ({"bad"}, {"below"}) == (built.named(Outcome.FAILED), built.named(Outcome.SKIPPED))
    assert "bad failed" == built.nodes["below"].reason


def test_results_that_are_there_are_linked_although_another_node_failed(
    project: Project, hall: Hall
) -> None:
    for number in range(3):
        project.node(
            f"n{number}", f"{hall.note(str(number))}echo {number} > ../data/value", toml=hall.toml
        )
    project.build()
    (project.root / "n2" / "data").unlink()
    project.node("a", "exit 3")
    built = project.build(jobs=1)
    assert {"a"} == built.named(Outcome.FAILED)
    assert {"n0", "n1"} == built.named(Outcome.KEPT)
    assert {"n2"} == built.named(Outcome.RESTORED)


def test_a_failed_node_keeps_the_result_it_had(project: Project) -> None:
    project.node("it", "echo 1 > ../data/value").build()
    project.node("it", "echo 2 > ../data/value; exit 1")
    assert {"it": Outcome.FAILED} == project.build().outcomes
    assert {"value": "1\n"} == project.data("it")


def test_the_kept_run_directory_repeats_the_run(project: Project) -> None:
    project.node("parent", "echo 5 > ../data/value")
    project.node("it", "cat ../parents/parent/value; exit 4", parents=["parent"])
    failure = project.build().nodes["it"]
    assert ("exited with 4", True) == (failure.reason, "5" in failure.tail)
    again = subprocess.run(
        [project.root / failure.rerun / "rerun"], capture_output=True, text=True, check=False
    )
    assert (4, True) == (again.returncode, "5" in again.stdout)
