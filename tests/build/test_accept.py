"""`fp accept`: data declared valid for a node's present key; an assertion for ever, and never more than that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from fusionpipe.build.accept import accept
from fusionpipe.events import Outcome
from fusionpipe.model import NodeName
from fusionpipe.project import select
from fusionpipe.testing import Project
from fusionstore.contract import Standing
from fusionstore.digest import ActionKey
from fusionstore.publish import STEPS

RAN, KEPT, RESTORED = Outcome.RAN, Outcome.KEPT, Outcome.RESTORED
Make = Callable[[str, Mapping[str, str]], Project]
CODE = "cp ../parents/a/it.txt ../data/b; echo figure > ../reports/figure"


@pytest.fixture
def built(project: Project) -> Project:
    project.node("a").node("b", CODE, parents=["a"])
    project.node("c", "cp ../parents/b/b ../data/c", parents=["b"])
    assert {RAN} == set(project.build().outcomes.values())
    return project


def edited(project: Project) -> Project:
    project.node("b", f"{CODE} # a comment", parents=["a"])
    return project


def by_hand(project: Project, text: str) -> Project:
    (project.root / "b" / "data").unlink()
    return project.write("b/data/b", text)


def test_the_linked_data_of_edited_code_are_accepted_and_nothing_runs(built: Project) -> None:
    edited(built)
    assert 0 == built.call("accept", "b", "--reason", "only a comment").code
    assert {KEPT} == set(built.build().outcomes.values())
    assert "figure\n" == (built.root / "b" / "reports" / "figure").read_text()


def test_who_when_and_why_are_shown_for_ever(built: Project) -> None:
    edited(built)
    accepted = built.call("accept", "b", "-m", "only\na comment").out
    for told in (accepted, built.call("status").out, built.call("why", "b").out):
        assert "asserted by" in told
        assert ": only a comment" in told
    shown = built.call("show", "b").out
    assert (1, False, False) == (shown.count("only"), "took" in shown, "because" in shown)
    assert "linked now\n" in built.call("history", "b").out
    assert "ms" not in built.call("history", "b", "-n", "1").out
    assert "only a comment" in built.call("logs", "b").out
    built.build()
    built.node("b", "echo else > ../data/b", parents=["a"])
    built.build()
    edited(built)
    back = built.build()
    assert (RESTORED, "accepted: only\na comment") == (
        back.nodes["b"].outcome,
        back.nodes["b"].reason,
    )
    shutil.rmtree(built.root / ".fusionpipe" / "store" / "index")
    shutil.rmtree(built.root / ".fusionpipe" / "state")
    assert {RAN} not in set(built.build().outcomes.values())
    assert ": only a comment" in built.call("status").out


def test_data_made_by_hand_are_taken_into_the_store(built: Project) -> None:
    by_hand(built, "mine\n")
    assert 0 == built.call("accept", "b", "--reason", "measured anew").code
    assert (built.root / "b" / "data").is_symlink()
    again = built.build()
    assert {"a": KEPT, "b": KEPT, "c": RAN} == again.outcomes
    assert {"c": "mine\n"} == built.data("c")
    assert not (built.root / "b" / "reports").exists()
    (built.root / "b" / "data").unlink()  # as a crash leaves it that comes before the link
    assert RESTORED is built.build().outcomes["b"]
    assert {"b": "mine\n"} == built.data("b")


def test_a_forced_run_takes_it_back(built: Project) -> None:
    was = built.data("b")
    by_hand(built, "mine\n")
    built.call("accept", "b", "--reason", "measured anew")
    forced = built.build("b", force=True)
    assert ({"b": RAN}, "") == ({"b": forced.outcomes["b"]}, forced.notices)
    assert was == built.data("b")
    assert "asserted" not in built.call("status").out
    assert was == built.data("b")
    assert KEPT is built.build().outcomes["b"]


def test_it_is_this_projects_own_choice(tmp_path: Path, make_project: Make) -> None:
    shared = {"FUSIONPIPE_STORE": str(tmp_path / "store")}
    here, there = make_project("here", shared), make_project("there", shared)
    for project in (here, there):
        project.node("a")
    here.write("a/data/it.txt", "by hand\n")
    assert 0 == here.call("accept", "a", "--reason", "I know").code
    assert {"a": RAN} == there.build().outcomes
    assert {"it.txt": "a\n"} == there.data("a")
    assert {"a": KEPT} == here.build().outcomes
    assert {"it.txt": "by hand\n"} == here.data("a")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("b",), "needs a reason"),
        (("b", "--reason", "  "), "needs a reason"),
        (("b", "--reason", "x"), "is up to date"),
        (("raw", "--reason", "x"), "is a source"),
        (("always", "--reason", "x"), "cache = false"),
        (("new", "--reason", "x"), "holds no result to accept"),
        (("below", "--reason", "x"), "cannot be accepted yet"),
        (("nobody", "--reason", "x"), "nobody"),
    ],
)
def test_what_cannot_be_accepted_is_told_and_nothing_changes(
    built: Project, words: tuple[str, ...], says: str
) -> None:
    built.write("raw/node.toml", "source = true\n").write("raw/data/x", "1\n")
    built.node("always", toml="cache = false\n").node("new").node("below", parents=["new"])
    before = built.data("b")
    refused = built.call("accept", *words)
    assert 2 == refused.code
    assert says in refused.err
    assert before == built.data("b")
    with closing(built.session()) as session:
        assert {} == session.state.choices


def test_each_project_has_its_own_reason(tmp_path: Path, make_project: Make) -> None:
    shared = {"FUSIONPIPE_STORE": str(tmp_path / "store")}
    for word in ("here", "there"):
        project = make_project(word, shared)
        project.node("a").write("a/data/it.txt", "by hand\n")
        assert 0 == project.call("accept", "a", "--reason", f"I know {word}").code
        assert f"I know {word}" in project.call("status").out


def test_json_tells_what_was_accepted(built: Project) -> None:
    edited(built)
    told = json.loads(built.call("accept", "b", "--reason", "why", "--json").out)
    assert ("b", "why", False) == (told["node"], told["reason"], told["by_hand"])
    with closing(built.session()) as session:
        (record,) = session.store.records(ActionKey(told["key"]))
    assert (told["record"], Standing.ASSERTED) == (record.id, record.standing)


def test_an_assertion_can_be_put_to_the_test(built: Project) -> None:
    edited(built)
    built.call("accept", "b", "--reason", "only a comment")
    assert 0 == built.call("reproduce", "b").code
    by_hand(built, "mine\n")
    built.call("accept", "b", "--reason", "measured anew")
    assert 1 == built.call("reproduce", "b").code
    assert {"b": "mine\n"} == built.data("b")


class Crash(Exception):
    """The process ends here."""


@pytest.mark.parametrize("step", sorted(set(STEPS)))
def test_a_crash_at_any_step_loses_nothing_of_the_users(built: Project, step: str) -> None:
    by_hand(built, "mine\n")

    def crash(name: str) -> None:
        if name == step:
            raise Crash

    session = built.session(step=crash)
    name = NodeName("b")
    with pytest.raises(Crash):
        accept(session, name, select(session.graph, ["/b"]), "why")
    session.close()
    assert {"b": "mine\n"} == built.data("b")
    assert 0 == built.call("accept", "b", "--reason", "why").code
    assert {"b": "mine\n"} == built.data("b")
    assert (built.root / "b" / "data").is_symlink()
