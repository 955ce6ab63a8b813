"""One key, several results: the first is everybody's; a project may choose another, said aloud (L5)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fusionpipe.events import Outcome
from fusionpipe.testing import Hall, Project

RAN, KEPT, RESTORED = Outcome.RAN, Outcome.KEPT, Outcome.RESTORED
Make = Callable[[str, Mapping[str, str]], Project]


def counting(hall: Hall) -> str:
    """Code that gives another result at every run: how many there have been."""
    return hall.note("it") + 'wc -l < "$HALL/runs" > ../data/value'


@pytest.fixture
def counter(project: Project, hall: Hall) -> Project:
    """A node whose result differs at every run, and a child of it."""
    project.node("it", counting(hall), toml=hall.toml)
    project.node(
        "child",
        hall.note("child") + "cp ../parents/it/value ../data",
        parents=["it"],
        toml=hall.toml,
    )
    assert {RAN} == set(project.build().outcomes.values())
    return project


def test_a_forced_run_that_differs_is_chosen_and_told(counter: Project) -> None:
    built = counter.build("it", force=True)
    assert {"it": RAN} == built.outcomes
    assert "is not reproducible" in built.notices
    second = counter.data("it")
    assert {"value": "1\n"} != second
    assert {"it": KEPT, "child": RAN} == counter.build().outcomes
    assert second == counter.data("child")
    assert {KEPT} == set(counter.build().outcomes.values())


def test_the_choice_outlives_edits_and_the_private_state_of_others(
    counter: Project, hall: Hall
) -> None:
    counter.build("it", force=True)
    chosen = counter.data("it")
    counter.node("it", "echo other > ../data/value", toml=hall.toml)
    assert RAN is counter.build().outcomes["it"]
    counter.node("it", counting(hall), toml=hall.toml)
    assert {"it": RESTORED, "child": RAN} == counter.build().outcomes
    assert chosen == counter.data("it") == counter.data("child")


def test_other_projects_keep_the_first_result(
    tmp_path: Path, hall: Hall, make_project: Make
) -> None:
    shared = {**hall.environment, "FUSIONPIPE_STORE": str(tmp_path / "store")}
    here, there = make_project("here", shared), make_project("there", shared)
    for project in (here, there):
        project.node("it", counting(hall), toml=hall.toml)
    assert {"it": RAN} == here.build().outcomes
    assert {"it": RAN} == here.build(force=True).outcomes
    assert {"it": RESTORED} == there.build().outcomes
    assert ({"value": "2\n"}, {"value": "1\n"}) == (here.data("it"), there.data("it"))
    assert {KEPT} == set(here.build().outcomes.values())
    assert {KEPT} == set(there.build().outcomes.values())


def test_a_forced_run_that_agrees_changes_nothing(project: Project) -> None:
    project.node("it", "echo 1 > ../data/value")
    project.node("child", "cp ../parents/it/value ../data", parents=["it"])
    project.build()
    built = project.build("it", force=True)
    assert ({"it": RAN}, "") == (built.outcomes, built.notices)
    assert {KEPT} == set(project.build().outcomes.values())


def test_an_uncached_node_runs_at_every_build_and_its_children_when_it_differs(
    project: Project, hall: Hall
) -> None:
    project.write("outside", "1\n")
    read = f"{hall.note('it')}cat '{project.root}/outside' > ../data/value"
    project.node("it", read, toml=hall.toml + "cache = false\n")
    project.node("child", "cp ../parents/it/value ../data", parents=["it"])
    assert {"it": RAN, "child": RAN} == project.build().outcomes
    assert {"it": RAN, "child": KEPT} == project.build().outcomes
    project.write("outside", "2\n")
    assert {"it": RAN, "child": RAN} == project.build().outcomes
    assert {"value": "2\n"} == project.data("child")
    project.write("outside", "1\n")
    assert {"it": RAN, "child": RESTORED} == project.build().outcomes
    assert {"value": "1\n"} == project.data("child")
    assert 4 == len(hall.runs())
    assert (
        1 == project.fp("build", "--json").events[-1]["ran"]
    )  # a bare build is not "nothing to do"


def test_two_uncached_nodes_with_equal_keys_both_run(project: Project, hall: Hall) -> None:
    for name in ("a", "b"):
        project.node(name, counting(hall), toml=hall.toml + "cache = false\n")
    built = project.build(jobs=2)
    assert {"a": RAN, "b": RAN} == built.outcomes
    assert 2 == len(hall.runs())
    assert {"1\n", "2\n"} >= {project.data("a")["value"], project.data("b")["value"]}


def test_the_choice_is_found_again_after_the_private_state_is_lost(counter: Project) -> None:
    """Choices are also in the project's root file in the store (L7)."""
    counter.build("it", force=True)
    chosen = counter.data("it")
    shutil.rmtree(counter.root / ".fusionpipe" / "state")
    counter.build()
    assert chosen == counter.data("it")
