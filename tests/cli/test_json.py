"""`--json`: each line parses, with the fields that programs count on."""

from __future__ import annotations

import json

from fusionpipe.testing import Project

FINISHED = {"node", "outcome", "reason", "key", "data", "seconds", "log"}
COUNTS = {"ran", "kept", "restored", "failed", "skipped", "seconds"}


def chain(project: Project) -> Project:
    return (
        project.node("load", "echo 1 > ../data/x")
        .node("clean", "cat ../parents/load/x > ../data/y", parents=["load"])
        .node("broken", "echo lost; exit 3", parents=["clean"])
        .node("below", parents=["broken"])
    )


def test_a_build_tells_every_event_on_a_line_of_its_own(project: Project) -> None:
    result = chain(project).call("build", "--json", "-k")
    events = result.events
    assert (1, "") == (result.code, result.err)
    assert ("build_started", "build_finished") == (events[0]["event"], events[-1]["event"])
    started = [event["node"] for event in events if event["event"] == "node_started"]
    finished = [event for event in events if event["event"] == "node_finished"]
    assert ["load", "clean", "broken"] == started
    outcomes = {"load": "ran", "clean": "ran", "broken": "failed", "below": "skipped"}
    assert outcomes == {event["node"]: event["outcome"] for event in finished}
    assert all(event.keys() >= FINISHED for event in finished)
    assert events[-1].keys() >= COUNTS
    assert (2, 0, 0, 1, 1) == tuple(
        events[-1][name] for name in ("ran", "kept", "restored", "failed", "skipped")
    )


def test_what_ran_and_what_failed_carry_their_facts(project: Project) -> None:
    events = chain(project).call("build", "--json").events
    facts = {event["node"]: event for event in events if event["event"] == "node_finished"}
    ran, failed = facts["load"], facts["broken"]
    assert (64, 64) == (len(str(ran["key"])), len(str(ran["data"])))
    assert "load/logs.txt" == ran["log"]
    assert "exited with 3" == failed["reason"]
    assert ["lost"] == failed["tail"]
    assert (project.root / str(failed["rerun"])).is_dir()


def test_a_build_with_nothing_to_do_tells_what_it_kept(project: Project) -> None:
    project.node("load").call("build")
    events = project.call("build", "--json").events
    expected = ["build_started", "node_finished", "build_finished"]
    assert expected == [event["event"] for event in events]
    assert "kept" == events[1]["outcome"]
    assert 1 == events[-1]["kept"]


def test_a_dry_run_tells_what_would_be_and_why(project: Project) -> None:
    project.node("load").node("clean", parents=["load"])
    expected = [
        {"node": "load", "would": "will run", "reason": "never run"},
        {"node": "clean", "would": "may run", "reason": "depends on what load produces"},
    ]
    assert expected == project.call("build", "-n", "--json").events


def test_status_is_one_object(project: Project) -> None:
    project.node("load").call("build")
    project.node("other")
    told = json.loads(project.call("status", "--json").out)
    assert {"nodes", "counts", "fresh"} == told.keys()
    assert False is told["fresh"]
    assert ["fresh", "never run"] == [row["state"] for row in told["nodes"]]


def test_why_is_one_object_with_its_diff(project: Project) -> None:
    project.node("load").call("build")
    project.node("load", "echo other > ../data/it.txt")
    (told,) = project.call("why", "--json", "load").events
    assert ("load", "load: will run: code/main.sh edited") == (told["node"], told["headline"])
    assert "+echo other > ../data/it.txt" in json.dumps(told["sections"])


def test_nothing_but_events_is_on_standard_output_of_an_invalid_project(project: Project) -> None:
    result = project.node("load", toml="x = 1").call("build", "--json")
    assert (3, "") == (result.code, result.out)


def test_a_pin_that_is_given_and_one_that_is_taken_away_are_one_object_each(
    project: Project,
) -> None:
    project.node("load").call("build")
    (pinned,) = project.call("pin", "load", "paper", "--json").events
    assert ("paper", "load", None) == tuple(pinned[name] for name in ("name", "node", "was"))
    (gone,) = project.call("unpin", "paper", "--json").events
    assert pinned.items() - {("was", None)} <= gone.items()


def test_what_is_pinned_is_said_where_a_node_is_told_of(project: Project) -> None:
    project.node("load").node("other").call("build")
    assert "pinned" not in project.call("status").out + project.call("why", "load").out
    project.call("pin", "load", "paper-v1")
    told = json.loads(project.call("status", "--json").out)["nodes"]
    assert ["pinned as paper-v1", ""] == [row["detail"] for row in told]
    assert "pinned as paper-v1" in project.call("why", "load").out
    project.node("load", "echo more > ../data/x")
    assert "edited; pinned as paper-v1" in project.call("status").out
