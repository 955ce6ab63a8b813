"""What changes while a node runs: its own code, harmlessly; what it reads in place, at the run's cost (L3)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fusionpipe.events import Outcome
from fusionpipe.testing import PLENTY, Hall, Project
from fusionstore.contract import JsonObject

RAN, KEPT, RESTORED, FAILED = Outcome.RAN, Outcome.KEPT, Outcome.RESTORED, Outcome.FAILED


def rest_of(process: subprocess.Popen[str]) -> tuple[dict[str, JsonObject], str]:
    """How each node ended, and all notices, of a `--json` build that runs to its end."""
    out, err = process.communicate(timeout=PLENTY)
    assert err == ""
    events = [json.loads(line) for line in out.splitlines()]
    ended = {event["node"]: event for event in events if event["event"] == "node_finished"}
    return ended, "\n".join(event["text"] for event in events if event["event"] == "notice")


def records(project: Project) -> int:
    """How many results are published."""
    actions = project.root / ".fusionpipe" / "store" / "actions"
    return sum(path.is_file() for path in actions.rglob("*"))


def test_code_edited_during_a_run_does_not_void_it(project: Project, hall: Hall) -> None:
    old = hall.meet() + "echo old > ../data/value"
    project.node("it", old, toml=hall.toml)
    build = project.start("build", "--json")
    hall.await_it()
    project.node("it", "echo new > ../data/value", toml=hall.toml)
    hall.let_go()
    ended, notices = rest_of(build)
    assert "ran" == ended["it"]["outcome"]
    assert "it/code/main.sh changed while it ran: this result is of the earlier version" in notices
    assert {"value": "old\n"} == project.data("it")
    assert {"it": RAN} == project.build().outcomes
    assert {"value": "new\n"} == project.data("it")
    project.node("it", old, toml=hall.toml)
    assert {"it": RESTORED} == project.build().outcomes
    assert {"value": "old\n"} == project.data("it")


def test_code_that_was_not_read_yet_runs_as_it_was_hashed(project: Project, hall: Hall) -> None:
    """The shell reads its script as it goes: an edit in place must not reach a script that runs."""
    code = hall.meet() + ". ./later.sh\n"
    project.node("it", code, toml=hall.toml).write("it/code/later.sh", "echo old > ../data/value\n")
    build = project.start("build", "--json")
    hall.await_it()
    project.write("it/code/later.sh", "echo NEW > ../data/value\n")
    hall.let_go()
    assert "ran" == rest_of(build)[0]["it"]["outcome"]
    assert {"value": "old\n"} == project.data("it")


def test_params_edited_during_a_run_are_those_of_the_next(project: Project, hall: Hall) -> None:
    code = hall.meet() + "cat ../params.json > ../data/value"
    project.node("it", code, toml=hall.toml + "[params]\nx = 1\n")
    build = project.start("build", "--json")
    hall.await_it()
    project.write("it/node.toml", hall.toml + "[params]\nx = 2\n")
    hall.let_go()
    ended, notices = rest_of(build)
    assert "ran" == ended["it"]["outcome"]
    assert "it/node.toml changed while it ran" in notices
    assert '"x": 1' in project.data("it")["value"]
    again = project.start("build", "--json")
    hall.await_it()
    hall.let_go()
    assert "ran" == rest_of(again)[0]["it"]["outcome"]
    assert '"x": 2' in project.data("it")["value"]


@pytest.mark.parametrize("how", ["edited", "added to", "emptied", "replaced"])
def test_a_source_that_changes_while_it_is_read_voids_the_run(
    project: Project, hall: Hall, how: str
) -> None:
    project.write("raw/node.toml", "source = true\n").write("raw/data/sub/value", "1\n")
    code = hall.meet() + "ls ../parents/raw/sub; cat ../parents/raw/sub/value > ../data/value"
    project.node("it", code, parents=["raw"], toml=hall.toml)
    build = project.start("build", "--json")
    hall.await_it()
    change(project.root / "raw" / "data" / "sub", how)
    hall.let_go()
    ended, _ = rest_of(build)
    assert "failed" == ended["it"]["outcome"]
    assert "changed while it was being read: this run is void" in str(ended["it"]["reason"])
    assert "raw/data/sub" in str(ended["it"]["reason"])
    assert 0 == records(project)


def change(directory: Path, how: str) -> None:
    match how:
        case "edited":
            (directory / "value").write_text("2\n")
        case "added to":
            (directory / "more").write_text("more")
        case "emptied":
            (directory / "value").unlink()
        case "replaced":
            (directory / "new").write_text("1\n")
            (directory / "new").rename(directory / "value")


def test_a_large_input_is_read_in_place_and_voids_the_run_when_it_changes(
    project: Project, hall: Hall
) -> None:
    large = project.root / "large.bin"
    with open(large, "wb") as file:
        file.truncate(65 << 20)
    code = hall.meet() + "wc -c < ../inputs/large > ../data/value"
    project.node("it", code, toml=hall.toml + '[inputs]\nlarge = "../large.bin"\n')
    build = project.start("build", "--json")
    hall.await_it()
    with open(large, "ab") as file:
        file.write(b"more")
    hall.let_go()
    ended, _ = rest_of(build)
    assert "large.bin changed while it was being read" in str(ended["it"]["reason"])
    assert 0 == records(project)
    objects = project.root / ".fusionpipe" / "store" / "objects"
    assert sum(path.stat().st_size for path in objects.rglob("*") if path.is_file()) < 1 << 20


def test_a_parents_data_changed_in_place_while_it_is_read_voids_the_run(
    project: Project, hall: Hall
) -> None:
    project.node("parent", "mkdir ../data/sub; echo 1 > ../data/sub/value").build()
    code = hall.note("it") + hall.meet() + "cat ../parents/parent/sub/value > ../data/value"
    project.node("it", code, parents=["parent"], toml=hall.toml)
    build = project.start("build", "--json")
    hall.await_it()
    stored = project.root / "parent" / "data" / "sub" / "value"
    os.chmod(stored, 0o644)
    stored.write_text("wrong\n")
    hall.let_go()
    ended, _ = rest_of(build)
    assert "failed" == ended["it"]["outcome"]
    assert "parent/data changed while it was being read" in str(ended["it"]["reason"])
    again = project.start("build", "--json")
    hall.await_it()
    hall.let_go()
    assert "ran" == rest_of(again)[0]["it"]["outcome"]
    assert {"value": "1\n"} == project.data("it")


def test_a_node_that_writes_into_its_parents_data_is_void_and_harms_nobody(
    project: Project, hall: Hall
) -> None:
    """An index written beside an input, say: the next reader in the same build must not see it."""
    project.node("parent", "mkdir ../data/sub; echo 1 > ../data/sub/value").build()
    careless = (
        hall.note("careless") + "echo index > ../parents/parent/sub/index; echo 1 > ../data/value"
    )
    project.node("careless", careless, parents=["parent"], toml=hall.toml)
    for name in ("reader1", "reader2", "reader3"):
        code = (
            f"{hall.note(name)}ls ../parents/parent/sub > ../data/value; echo {name} > ../data/name"
        )
        project.node(name, code, parents=["parent"], toml=hall.toml)
    built = project.build(jobs=1, keeps_going=True)
    assert {"careless"} == built.named(FAILED)
    assert "parent/data changed while it was being read" in built.nodes["careless"].reason
    assert {"value": "value\n", "name": "reader3\n"} == project.data("reader3")
    assert {"value": "value\n", "name": "reader1\n"} == project.data("reader1")
    assert "index is not part of the stored tree" in built.notices


def test_who_read_beside_a_careless_node_is_void_too(project: Project, hall: Hall) -> None:
    project.node("parent", "mkdir ../data/sub; echo 1 > ../data/sub/value").build()
    careless = hall.meet("a") + "echo index > ../parents/parent/sub/index\n" + hall.meet("b")
    project.node(
        "careless", careless + "echo 1 > ../data/value", parents=["parent"], toml=hall.toml
    )
    reader = hall.meet("c") + "ls ../parents/parent/sub > ../data/value\n" + hall.meet("d")
    project.node("reader", reader, parents=["parent"], toml=hall.toml)
    project.node("gate", hall.meet("gate"), toml=hall.toml)
    later = "ls ../parents/parent/sub > ../data/value; echo later > ../data/name"
    project.node("later", later, parents=["parent", "gate"])
    build = project.start("build", "--json", "-j3", "-k")
    for name in ("a", "c", "gate"):
        hall.await_it(name)
    hall.let_go("a")
    hall.await_it("b")
    hall.let_go("c")  # it sees the file
    hall.await_it("d")
    hall.let_go("b")
    assert "careless" == finished_next(build)["node"]
    hall.let_go("gate")  # what comes later mends the tree before it reads it
    assert ["gate", "later"] == [finished_next(build)["node"] for _ in range(2)]
    hall.let_go("d")
    ended, _ = rest_of(build)
    assert "failed" == ended["reader"]["outcome"]
    assert {"value": "value\n", "name": "later\n"} == project.data("later")


def finished_next(build: subprocess.Popen[str]) -> JsonObject:
    """The next node that ended, of those that ran."""
    assert build.stdout is not None
    for line in build.stdout:
        event: JsonObject = json.loads(line)
        if event["event"] == "node_finished" and event["outcome"] in ("ran", "failed"):
            return event
    raise AssertionError("the build ended")


def test_a_file_that_changes_between_hashing_and_starting_is_hashed_again(
    project: Project, hall: Hall
) -> None:
    """The first node edits the code of the second, which was looked up and waits for its turn."""
    edit = f"echo 'echo new > ../data/value' > '{project.root}/second/code/main.sh'\n"
    project.node("first", edit + "echo 1 > ../data/value")
    project.node("second", "echo old > ../data/value")
    above = "first"
    for number in range(3):  # the longest way to go starts first
        project.node(f"z{number}", "cat ../parents/*/value > ../data/value", parents=[above])
        above = f"z{number}"
    built = project.build(jobs=1)
    assert {RAN} == {built.outcomes["first"], built.outcomes["second"]}
    assert {"value": "new\n"} == project.data("second")
    assert {RAN: 0, KEPT: 5} == {
        what: list(project.build().outcomes.values()).count(what) for what in (RAN, KEPT)
    }
