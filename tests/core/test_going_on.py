"""A build that goes on from the last one: it looks at what differs, and is never wrong about the rest."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fusionpipe import hot
from fusionpipe.build.goal import go_on
from fusionpipe.build.packed import pack, unpack_node, unpack_settings
from fusionpipe.build.state import State
from fusionpipe.counting import counted_calls
from fusionpipe.events import NodeFinished, NodesKept, Outcome
from fusionpipe.model import (
    Entry,
    FileSet,
    Laid,
    Language,
    Node,
    NodeName,
    Parent,
    ProjectSettings,
    Source,
)
from fusionpipe.testing import Project, until

LARGE = 'for i in $(seq 1200); do echo "$i" > ../data/$i; done'
COPY = "cat ../parents/*/* > ../data/it"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """raw → a → b → c, and d by itself; all fresh."""
    root = tmp_path / "project"
    root.mkdir()
    made = Project(root)
    made.write("raw/data/x", "x\n").write("raw/node.toml", "source = true\n")
    made.node("a", COPY, parents=["raw"])
    made.node("b", "wc -c < ../parents/a/it > ../data/it", parents=["a"])
    made.node("c", COPY, parents=["b"]).node("d")
    assert not made.build().finished.failed
    return made


def goes_on(project: Project) -> tuple[set[str], set[str]] | None:
    """The nodes that are touched, and those in the plan; None if the project has to be read."""
    difference = hot.compare(str(project.root), project.environment)
    goal = None if difference is None else go_on(difference, project.environment)
    if goal is None or goal.session.baseline is None:
        return None
    goal.session.close()
    return set(goal.session.baseline.touched), set(goal.nodes)


Change = Callable[[Project], object]

LOOKS_AT: dict[str, tuple[Change, tuple[str, str] | None]] = {
    # what changed: (the change, (touched, in the plan) or None where the project is read again)
    "nothing": (lambda p: None, ("", "")),
    "code of a leaf": (lambda p: p.write("d/code/main.sh", "echo e > ../data/it"), ("d", "d")),
    "code above others": (lambda p: p.write("a/code/main.sh", COPY), ("a", "raw a b c")),
    "code replaced by rename": (
        lambda p: os.replace(p.write("d/code/new", "true").root / "d/code/new", p.root / "d/code/main.sh"),
        ("d", "d"),
    ),
    "a source's file": (lambda p: p.write("raw/data/x", "y\n"), ("raw", "raw a b c")),
    "a source's new file": (lambda p: p.write("raw/data/y", "y\n"), ("raw", "raw a b c")),
    "data that is gone": (lambda p: (p.root / "c/data").unlink(), ("c", "c")),
    "a log that is gone": (lambda p: (p.root / "c/logs.txt").unlink(), ("c", "c")),
    "a node.toml written again": (lambda p: p.write("d/node.toml", ""), None),
    "a node.toml as it was": (lambda p: p.write("b/node.toml", 'parents = ["a"]\n'), ("", "")),
    "what runs a script": (
        lambda p: p.write("d/code/main.sh", "#!/bin/bash\necho d > ../data/it"),
        None,
    ),
    "a new file of code": (lambda p: p.write("d/code/more", ""), None),
    "a new node": (lambda p: p.node("e"), None),
    "a new variable": (lambda p: p.environment.update(VIRTUAL_ENV="/nowhere"), None),
    "no word of what is linked": (lambda p: (p.root / ".fusionpipe/state/rows").unlink(), None),
    "no graph": (lambda p: (p.root / ".fusionpipe/state/graph").unlink(), None),
    "another graph": (
        lambda p: (p.root / ".fusionpipe/state/graph").write_bytes(b"torn"),
        None,
    ),
}  # fmt: skip


def differing(project: Project, many: int = hot.MANY) -> tuple[list[str], list[str]] | None:
    found = hot.compare(str(project.root), project.environment, many=many)
    return None if found is None else (found.paths, found.nodes)


FORKS = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"
)  # pytest's workers have threads


@FORKS
@pytest.mark.parametrize("what", LOOKS_AT)
def test_what_is_looked_at(what: str, project: Project) -> None:
    """Also: two processes see what one sees."""
    change, expected = LOOKS_AT[what]
    change(project)
    assert differing(project) == differing(project, many=1)
    found = goes_on(project)
    if expected is None:
        assert found is None
    else:
        assert tuple(set(names.split()) for names in expected) == found
    built = project.build()
    assert not built.finished.failed
    assert {"raw", "a", "b", "c", "d"} <= set(built.outcomes)
    assert hot.check(str(project.root), project.environment) is not None


@FORKS
@pytest.mark.parametrize("ending", [lambda: os._exit(9), lambda: os.kill(os.getpid(), 9)])
def test_where_a_forked_process_dies_its_work_is_done_all_the_same(
    ending: Callable[[], None],
) -> None:
    here = os.getpid()

    def work() -> tuple[list[str], list[str]]:
        if os.getpid() != here:
            ending()
        return ["a"], ["b"]

    assert (0, (["a"], ["b"])) == hot.both(lambda: 0, work)


@FORKS
def test_where_nobody_hears_how_a_forked_process_ended_its_work_is_done_all_the_same() -> None:
    """Cron and some shells start us with SIGCHLD ignored: there is nothing to wait for then."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert (["a"], ["b"]) == hot.both(lambda: ["a"], lambda: ["b"])
    finally:
        signal.signal(signal.SIGCHLD, before)


@FORKS
def test_no_forked_process_goes_on_after_a_mistake_here(tmp_path: Path) -> None:
    def wait_for_ever() -> int:
        (tmp_path / "pid").write_text(str(os.getpid()))
        (tmp_path / "is there").touch()
        while True:
            signal.pause()

    def fail() -> int:
        until((tmp_path / "is there").exists, "the forked process")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hot.both(fail, wait_for_ever)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_source_is_read_again_for_one_of_its_readers(project: Project) -> None:
    """For the fingerprints of its files (L3); its other readers are left alone."""
    project.node("other", COPY, parents=["raw"])
    project.build()
    project.write("other/code/main.sh", f"{COPY} # edited")
    assert ({"other"}, {"raw", "other"}) == goes_on(project)
    assert {"raw", "a", "b", "c", "d"} == project.build().named(Outcome.KEPT)


def test_nodes_that_are_not_looked_at_are_told_and_counted(project: Project) -> None:
    project.write("d/code/main.sh", "echo e > ../data/it")
    built = project.build()
    kept = [event for event in built.events if isinstance(event, NodesKept)]
    assert [("a", "b", "c", "raw")] == [event.nodes for event in kept]
    assert (1, 4) == (built.finished.ran, built.finished.kept)


def test_what_was_saved_is_the_same_whichever_way_a_build_went(project: Project) -> None:
    project.write("d/code/main.sh", "echo e > ../data/it")
    near = project.build().finished.saved
    project.write("d/code/main.sh", "echo f > ../data/it")
    far = project.build(session=project.session()).finished.saved
    assert near == pytest.approx(far, abs=0.002)  # records hold milliseconds


def test_bytes_that_come_back_equal_leave_those_below_alone(project: Project) -> None:
    project.write("raw/data/x", "y\n")  # b counts bytes: it gives what it gave
    built = project.build()
    assert ["a", "b"] == built.started
    assert "kept" == built.outcomes["c"]


def test_a_failed_build_in_between_is_not_taken_for_the_last_fresh_one(project: Project) -> None:
    """a changes and runs, b never gets to follow it: what is linked now is not what the snapshot knows."""
    project.write("a/code/main.sh", "echo twelve bytes > ../data/it").node("d", "exit 1")
    assert project.build().finished.failed
    while project.data("a") != {"it": "twelve bytes\n"}:  # whichever of the two came first
        project.build("a")
    project.node("d")
    built = project.build()
    assert not built.finished.failed
    assert {"it": "13\n"} == project.data("c")


def test_a_node_that_was_added_before_a_failed_build_is_not_forgotten(project: Project) -> None:
    project.node("e").node("d", "exit 1")
    assert project.build().finished.failed
    project.node("d")
    assert "e" in project.build().outcomes
    assert {"it.txt": "e\n"} == project.data("e")


def test_a_result_of_equal_bytes_linked_in_between_is_not_taken_for_the_own_one(
    project: Project,
) -> None:
    """b gives equal bytes for other parents: what is linked then is the result of another key."""
    key = State.load(project.root).row(NodeName("b")).key
    project.write("raw/data/x", "y\n")
    project.build("c")
    assert key != State.load(project.root).row(NodeName("b")).key
    project.write("raw/data/x", "x\n")
    found = goes_on(project)
    assert found is not None
    assert {"raw", "a", "b"} <= found[0]
    project.build()
    assert key == State.load(project.root).row(NodeName("b")).key


def test_a_damaged_parent_that_was_left_out_is_made_again_with_all_that_follows(
    project: Project,
) -> None:
    path = (project.root / "b/data/it").resolve()
    path.chmod(0o644)
    path.write_text("damaged\n")
    project.node("new", COPY, parents=["b"])
    project.build(session=project.session())
    (path := (project.root / "b/data/it").resolve()).chmod(0o644)
    path.write_text("damaged again\n")
    project.write("new/code/main.sh", f"{COPY} # edited")
    assert ({"new"}, {"new"}) == goes_on(project)
    built = project.build()
    assert ["b", "new"] == built.started
    assert {"it": "2\n"} == project.data("new") == project.data("c")


class Opened:
    """The files that this process opens, while it is asked to note them."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._is_noting = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._is_noting and event == "open":
            self.paths.append(str(arguments[0]))

    @contextmanager
    def noted(self) -> Iterator[list[str]]:
        self.paths.clear()
        self._is_noting = True
        try:
            yield self.paths
        finally:
            self._is_noting = False


OPENED = Opened()


def test_an_edit_opens_the_files_of_the_edited_node_alone(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    for number in range(30):
        project.node(f"n{number}", toml="seed = 1\n")
    project.build()
    project.write("n7/code/main.sh", "echo other > ../data/it.txt")
    with OPENED.noted() as paths:
        assert ["n7"] == project.build().started
    assert {f"{project.root}/n7/code/main.sh"} == of_nodes(project, paths)


def test_linking_results_again_opens_no_file_of_a_node(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    for number in range(30):
        project.node(f"n{number}", parents=[f"n{number - 1}"] if number % 10 else [])
    project.build()
    for number in range(30):
        (project.root / f"n{number}/data").unlink()
    with OPENED.noted() as paths:
        assert 30 == len(project.build().named(Outcome.RESTORED))
    assert set() == of_nodes(project, paths)
    assert hot.check(str(project.root), project.environment) is not None


def test_what_was_added_to_a_large_linked_result_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project").node("large", LARGE)
    project.build()
    project.write("large/data/mine", "mine\n")
    built = project.build()
    assert {"large"} == built.named(Outcome.RESTORED)
    assert "mine" not in project.data("large")
    assert "is not part of the stored tree" in built.notices


@pytest.mark.parametrize("is_read_anew", [False, True])
def test_a_large_result_that_was_added_to_before_its_link_went_is_looked_over(
    is_read_anew: bool, tmp_path: Path
) -> None:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project").node("large", LARGE)
    project.build()
    project.write("large/data/mine", "mine\n")
    (project.root / "large/data/7").unlink()
    (project.root / "large/data").unlink()
    built = project.build(session=project.session() if is_read_anew else None)
    assert {"large"} == built.named(Outcome.RESTORED)
    assert {str(number): f"{number}\n" for number in range(1, 1201)} == project.data("large")
    assert "is not part of the stored tree" in built.notices


def of_nodes(project: Project, paths: list[str]) -> set[str]:
    """Those of the paths that are the project's own, and none of ours."""
    own = f"{project.root}/.fusionpipe/"
    return {
        path for path in paths if path.startswith(f"{project.root}/") and not path.startswith(own)
    }


@pytest.mark.parametrize("is_read_anew", [False, True])
def test_a_large_result_is_linked_without_a_look_at_each_file(
    is_read_anew: bool, tmp_path: Path
) -> None:
    """Whoever reads it has it proven (L8): what was altered outside is made again then."""
    (tmp_path / "project").mkdir()
    project = (
        Project(tmp_path / "project").node("large", LARGE).node("small", "echo one > ../data/1")
    )
    project.build()
    for name in ("small", "large"):
        (altered := (project.root / name / "data/1").resolve()).chmod(0o644)
        altered.write_text("altered\n")
        (project.root / name / "data").unlink()
    with counted_calls() as counts:
        built = project.build(session=project.session() if is_read_anew else None)
    assert {"large": Outcome.RESTORED, "small": Outcome.RAN} == built.outcomes
    told = {event.node: event.reason for event in built.events if isinstance(event, NodeFinished)}
    assert "are checked when a node reads it" in told["large"]
    assert counts["DirEntry.stat"] < 100  # of the large one the names are counted, no more
    assert {"1": "one\n"} == project.data("small")
    project.node("reads", "cat ../parents/large/1 > ../data/it", parents=["large"]).build()
    assert {"it": "1\n"} == project.data("reads")
    assert "1\n" == (project.root / "large/data/1").read_text()


def test_a_packed_node_is_the_same_in_every_field() -> None:
    files = FileSet("x", (Laid("at", "path"), Laid("to", "link", is_link=True)), ("empty",), True)
    node = Node(
        NodeName("a/b"),
        parents=(Parent("p", {"": NodeName("c")}), Parent("q", {"m": NodeName("d")})),
        code=files,
        entry=Entry(Language.PYTHON, "main.py", ("python", "-v")),
        libs=(files,),
        inputs=(files, files),
        params={"a": {"b": [1, 2.5, "x", True]}},
        overridden=("a.b",),
        env=("E",),
        passed=("P",),
        secrets=("S",),
        python="py",
        tools={"matlab": "R2024b"},
        locks=("uv.lock",),
        source=Source("far", is_kept=True),
        is_cached=False,
        version="2",
        is_named=True,
        seed=7,
        declared_in="a/b/node.toml",
    )
    for name in Node.__match_args__:
        assert getattr(node, name) != getattr(Node(NodeName("")), name), f"{name} is not tried"
    again = unpack_node(pack(node))
    assert node == again
    assert repr(node) == repr(again)


def test_packed_settings_are_the_same() -> None:
    settings = ProjectSettings("/store", "copy", 3, {"a": 1}, "py", "octave")
    assert settings == unpack_settings(pack(settings))
