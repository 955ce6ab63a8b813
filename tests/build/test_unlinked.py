"""Builds that only have data links to make: what they do, and what they must leave to the other way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionpipe import hot
from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.build.unlinked import Unlinked
from fusionpipe.events import BuildStarted, Event, NodeFinished, Outcome
from fusionpipe.history import builds, nodes_of
from fusionpipe.model import NodeName
from fusionpipe.testing import Project

NODES = ("a", "b", "group/c")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three nodes in a row, built, and their data links taken away."""
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    project.node("a", "echo one > ../data/it")
    project.node("b", "cat ../parents/a/it > ../data/it", parents=["a"], toml="seed = 1\n")
    project.node("group/c", "cat ../parents/b/it > ../data/it", parents=["b"])
    project.build()
    unlink(project)
    return project


def unlink(project: Project) -> None:
    for node in NODES:
        (project.root / node / "data").unlink()


def found(project: Project, many: int = 200) -> Unlinked | None:
    difference = hot.compare(str(project.root), project.environment)
    return None if difference is None else Unlinked.of(difference, many=many)


def is_fresh(project: Project) -> bool:
    return hot.check(str(project.root), project.environment) is not None


def is_right(project: Project) -> bool:
    return all({"it": "one\n"} == project.data(node) for node in NODES)


@pytest.mark.parametrize("many", [200, 1])
def test_links_are_made_anew_and_the_next_build_has_nothing_to_do(
    many: int, project: Project
) -> None:
    unlinked = found(project, many)
    assert unlinked is not None
    events: list[Event] = []
    finished = unlinked.link(["fp", "build"], 1, events.append)
    assert (0, 3, 0) == (finished.ran, finished.restored, finished.kept)
    told = [event for event in events if isinstance(event, NodeFinished)]
    assert list(NODES) == sorted(event.node for event in told)
    assert {Outcome.RESTORED} == {event.outcome for event in told}
    assert is_right(project)
    assert is_fresh(project)


def test_it_is_told_as_any_build_is(project: Project) -> None:
    shown = project.fp("build")
    assert (0, "") == (shown.code, shown.err)
    assert "restored  b" in shown.out
    assert "0 ran, 3 restored, 0 kept" in shown.out
    line = next(builds(project.root))
    assert (3, 0) == (line.counts["restored"], line.counts["ran"])
    (of_b,) = nodes_of(project.root, line.build, NodeName("b"))
    assert ("restored", "its link was gone or altered") == (of_b.outcome, of_b.reason)
    assert "nothing to do" in project.fp("build").out


def test_some_links_are_gone(project: Project) -> None:
    project.build()
    (project.root / "b/data").unlink()
    shown = project.call("build", "-v")
    assert "restored  b" in shown.out
    assert "0 ran, 1 restored, 2 kept" in shown.out
    assert is_fresh(project)


def test_a_build_before_that_was_of_one_node_only(project: Project) -> None:
    project.build("a")
    project.build()
    assert is_right(project)
    assert is_fresh(project)


def edit_code(project: Project) -> None:
    project.write("b/code/main.sh", "cat ../parents/a/it > ../data/it # edited\n")


def edit_settings(project: Project) -> None:
    project.write("b/node.toml", 'parents = ["a"]\nseed = 2\n')


def declare(project: Project) -> None:
    project.write("a/node.toml", "seed = 2\n")


def add_a_node(project: Project) -> None:
    project.node("new")


def turn_a_file_into_a_directory(project: Project) -> None:
    (project.root / "b/params.json").unlink(missing_ok=True)
    (project.root / "b/params.json").mkdir()


def lose_the_log(project: Project) -> None:
    (project.root / "b/logs.txt").unlink()


def lose_a_parents_link(project: Project) -> None:
    (project.root / "b/parents/a").unlink()


def alter_the_result(project: Project) -> None:
    (path := tree_of(project, "b") / "it").chmod(0o644)
    path.write_text("altered\n")


def add_to_the_result(project: Project) -> None:
    (tree_of(project, "b") / "more").write_text("added\n")


def lose_the_result(project: Project) -> None:
    (place := tree_of(project, "b")).rename(place.with_name("elsewhere"))


def forget_the_project(project: Project) -> None:
    for root in (project.root / ".fusionpipe/store/roots").iterdir():
        root.unlink()


def put_something_there(project: Project) -> None:
    project.write("b/data/own", "of the user\n")


def tree_of(project: Project, node: str) -> Path:
    from fusionpipe.build.state import State

    tree = State.load(project.root).row(NodeName(node)).tree
    return project.root / ".fusionpipe/store/trees" / tree


@pytest.mark.parametrize(
    ("meddle", "ran"),
    [
        (edit_code, {"b"}),
        (edit_settings, {"b"}),
        (declare, {"a"}),
        (add_a_node, {"new"}),
        (turn_a_file_into_a_directory, set()),
        (lose_the_log, set()),
        (alter_the_result, None),
        (add_to_the_result, set()),
        (lose_the_result, set()),
        (forget_the_project, set()),
        (put_something_there, set()),
    ],
)
def test_whatever_else_differs_is_seen(
    meddle: Callable[[Project], None], ran: set[str] | None, project: Project
) -> None:
    """Where equal files were altered, all who share them run again."""
    meddle(project)
    assert found(project) is None
    built = project.build()
    assert ran is None or ran == set(built.started)
    assert is_right(project)
    assert not list((project.root / "b/data").glob("more"))
    project.build()
    assert is_fresh(project)


def test_a_parents_link_is_looked_at_by_its_reader_only(project: Project) -> None:
    """As in a build with nothing to do: runs get links of their own."""
    lose_a_parents_link(project)
    project.build()
    assert is_right(project)


def test_what_was_declared_is_told_as_that(project: Project) -> None:
    project.build()
    edit_code(project)
    assert project.call("accept", "b", "--reason", "looked at").code == 0
    project.build()
    (project.root / "b/data").unlink()
    assert found(project) is None
    told = [event for event in project.build().events if isinstance(event, NodeFinished)]
    (reason,) = (event.reason for event in told if event.node == "b")
    assert "looked at" in reason


# -- beside others ------------------------------------------------------------------------------
def linked_while(project: Project, act: Callable[[], object]) -> list[NodeFinished]:
    """What is told when something happens between the proof and the links."""
    unlinked = found(project)
    assert unlinked is not None
    told: list[NodeFinished] = []

    def report(event: Event) -> None:
        if isinstance(event, BuildStarted):
            act()
        if isinstance(event, NodeFinished):
            told.append(event)

    unlinked.link(["fp", "build"], 1, report)
    return told


def test_what_somebody_put_there_meanwhile_stays(project: Project) -> None:
    own = project.root / "b/data"
    told = linked_while(project, own.mkdir)
    assert {"b"} == {event.node for event in told if event.outcome is Outcome.KEPT}
    assert own.is_dir()
    assert not own.is_symlink()
    assert not is_fresh(project)
    project.build()
    assert is_right(project)


def test_a_build_that_started_later_goes_first(project: Project) -> None:
    def later() -> None:
        order = LinkOrder(project.root / ".fusionpipe/state/links")
        with order.turn(NodeName("b"), time.time_ns()) as is_ours:
            assert is_ours
        order.close()

    told = linked_while(project, later)
    assert {"b"} == {event.node for event in told if event.outcome is Outcome.KEPT}
    assert not (project.root / "b/data").is_symlink()
    assert not is_fresh(project)


def test_what_another_linked_just_so_counts_as_linked(project: Project) -> None:
    unlinked = found(project)
    project.call("build", "--json")
    assert unlinked is not None
    finished = unlinked.link(["fp", "build"], 1, lambda event: None)
    assert (3, 0) == (finished.restored, finished.kept)
    assert is_right(project)
    project.build()
    assert is_fresh(project)


def test_a_link_that_cannot_be_made_is_told(project: Project) -> None:
    elsewhere = project.root.with_name("elsewhere")
    told = linked_while(project, lambda: (project.root / "b").rename(elsewhere))
    (reason,) = (event.reason for event in told if event.outcome is Outcome.KEPT)
    assert "its result is stored but could not be linked: No such file" in reason
    elsewhere.rename(project.root / "b")
    assert not is_fresh(project)
    project.build()
    assert is_right(project)


def test_a_snapshot_that_was_dropped_meanwhile_stays_dropped(project: Project) -> None:
    """As `fp verify --repair` does it where a result is lost."""
    linked_while(project, Path(hot.snapshot_path(str(project.root))).unlink)
    assert not is_fresh(project)


def test_what_is_edited_meanwhile_is_seen_by_the_next_build(project: Project) -> None:
    linked_while(project, lambda: declare(project))
    assert not is_fresh(project)
    assert ["a"] == project.build().started


def test_an_end_halfway_loses_nothing(project: Project) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        linked_while(project, stop)
    assert not is_fresh(project)
    assert set(NODES) == project.build().named(Outcome.RESTORED)
    assert is_right(project)


def test_plain_files_instead_of_links_are_laid_out_again(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project").node("empty", ":").node("one")
    project.write("fusionpipe.toml", 'link = "copy"\n')
    project.build()
    for node in ("empty", "one"):
        place = project.root / node / "data"
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    assert found(project) is None
    project.build()
    assert {"it.txt": "one\n"} == project.data("one")
    assert (project.root / "empty/data").is_dir()
    assert not (project.root / "empty/data").is_symlink()
