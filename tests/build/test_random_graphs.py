"""Random graphs, random edits: every build ends as a clean one would, and runs only what never ran.

The expected outcome comes from `Described`, a few lines of Python that compute what each script computes,
and from the set of everything that was ever published. Neither knows anything of stores, keys or plans.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fusionpipe import hot
from fusionpipe.build.survey import Standing, survey
from fusionpipe.events import Outcome
from fusionpipe.model import NodeName
from fusionpipe.project import select
from fusionpipe.testing import Project

Data = tuple[tuple[str, str], ...]
"""Files by path with their text, sorted."""

FINE = (Outcome.RAN, Outcome.KEPT, Outcome.RESTORED)
MOST = 12
GROUPS = ("", "a/", "a/b/", "c ü/")


class Key(NamedTuple):
    """All that a script can see: what must have the same result."""

    script: str
    param: int
    parents: tuple[tuple[str, Data], ...]


@dataclass(frozen=True)
class Described:
    """A node, and what its script does. `alias` is its own last name, by which its children know it."""

    alias: str
    group: str
    parents: tuple[str, ...] = ()  # aliases
    constant: int = 1
    modulus: int = 1000  # 1: children never see a difference
    comment: int = 0
    param: int = 0
    is_broken: bool = False
    is_picky: bool = False  # fails for some inputs
    has_report: bool = False
    has_more: bool = False

    @property
    def name(self) -> str:
        return self.group + self.alias

    @property
    def script(self) -> str:
        return f"""# comment {self.comment}
set -e
total={self.constant}
while read -r word value; do
    case $word in '"x":') total=$((total + value)) ;; esac
done < ../params.json
for file in ../parents/*/value; do
    [ -e "$file" ] || continue
    read -r number < "$file"
    total=$((total * 3 + number))
done
[ {int(self.is_broken)} = 0 ] || exit 7
[ {int(self.is_picky)} = 0 ] || [ $((total % 3)) != 0 ] || exit 8
echo $((total % {self.modulus})) > ../data/value
if [ {int(self.has_more)} = 1 ]; then
    mkdir -p ../data/more/deep ../data/empty
    echo "$total" > ../data/more/deep/total
fi
[ {int(self.has_report)} = 0 ] || echo "report of $total" > ../reports/report.txt
"""

    @property
    def toml(self) -> str:
        parents = ", ".join(f'"/{parent}"' for parent in self.parents)
        return f"parents = [{parents}]\n[params]\nx = {self.param}\n"

    def total(self, param: int, parents: dict[str, Data]) -> int:
        total = self.constant + param
        for _, data in sorted(parents.items()):
            total = total * 3 + int(dict(data)["value"])
        return total

    def fails(self, total: int) -> bool:
        return self.is_broken or (self.is_picky and total % 3 == 0)

    def data(self, total: int) -> Data:
        files = {"value": f"{total % self.modulus}\n"}
        if self.has_more:
            files["more/deep/total"] = f"{total}\n"
        return tuple(sorted(files.items()))


def files_below(top: Path) -> Data:
    found = (path for path in top.rglob("*") if path.is_file())
    return tuple(sorted((str(path.relative_to(top)), path.read_text()) for path in found))


@dataclass
class Wish:
    """What one build is asked for."""

    targets: tuple[str, ...] = ()
    jobs: int = 1
    keeps_going: bool = True
    force: bool = False
    override: tuple[str, int] | None = None  # (alias, x)
    in_process: bool = True


class Graphs(RuleBasedStateMachine):
    """A project that is edited and built, beside a model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="fp random "))
        self.project = Project(self.place / "project")
        self.nodes: dict[str, Described] = {}
        self.gone: dict[str, Described] = {}
        self.source = 5
        self.published: dict[Key, tuple[Data, Data]] = {}  # data, reports
        self.shown: dict[str, Key] = {}  # what each alias links, as far as nobody disturbed it
        self.mine: dict[str, str] = {}  # the user's own: text -> alias of the node it was put into
        self.count = 0
        self.has_state = True
        self.forgot = False  # lost state once: what links were its own is not known any more

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    # -- the project ---------------------------------------------------------------------------
    @initialize(
        picks=st.lists(
            st.builds(
                Described,
                alias=st.just(""),
                group=st.sampled_from(GROUPS),
                constant=st.integers(0, 2),
                modulus=st.sampled_from((1, 2, 1000)),
                is_picky=st.sampled_from((False, False, False, True)),
                has_report=st.booleans(),
                has_more=st.booleans(),
            ),
            min_size=2,
            max_size=MOST,
        ),
        edges=st.lists(st.integers(0, 2**MOST - 1), min_size=MOST, max_size=MOST),
    )
    def begin(self, picks: list[Described], edges: list[int]) -> None:
        self.project.write("s/node.toml", "source = true\n").write(
            "s/data/value", f"{self.source}\n"
        )
        for number, pick in enumerate(picks):
            above = ["s", *self.nodes]
            chosen = [alias for bit, alias in enumerate(above) if edges[number] >> bit & 1][:3]
            self.put(replace(pick, alias=f"n{number}", parents=tuple(chosen)))

    def put(self, node: Described) -> None:
        self.nodes[node.alias] = node
        names = {"s": "s"} | {alias: one.name for alias, one in self.nodes.items()}
        written = replace(node, parents=tuple(names[parent] for parent in node.parents))
        self.project.write(f"{node.name}/code/main.sh", node.script)
        self.project.write(f"{node.name}/node.toml", written.toml)

    def pick(self, number: int) -> Described:
        return list(self.nodes.values())[number % len(self.nodes)]

    def directory(self, node: Described) -> Path:
        return self.project.root / node.name

    # -- edits ---------------------------------------------------------------------------------
    @rule(number=st.integers(0, MOST), constant=st.integers(0, 3))
    def edit_a_constant(self, number: int, constant: int) -> None:
        self.put(replace(self.pick(number), constant=constant))

    @rule(number=st.integers(0, MOST), comment=st.integers(0, 1))
    def edit_a_comment(self, number: int, comment: int) -> None:
        self.put(replace(self.pick(number), comment=comment))

    @rule(number=st.integers(0, MOST), param=st.integers(0, 2))
    def change_a_parameter(self, number: int, param: int) -> None:
        self.put(replace(self.pick(number), param=param))

    @rule(number=st.integers(0, MOST))
    def break_or_mend(self, number: int) -> None:
        node = self.pick(number)
        self.put(replace(node, is_broken=not node.is_broken))

    @rule(number=st.integers(0, MOST), edges=st.integers(0, 2**MOST - 1))
    def choose_other_parents(self, number: int, edges: int) -> None:
        node = self.pick(number)
        older = [alias for alias in self.nodes if int(alias[1:]) < int(node.alias[1:])]
        above = ["s", *sorted(older)]
        chosen = [alias for bit, alias in enumerate(above) if edges >> bit & 1][:3]
        self.put(replace(node, parents=tuple(chosen)))

    @rule(value=st.integers(5, 6))
    def edit_the_source(self, value: int) -> None:
        self.source = value
        self.project.write("s/data/value", f"{value}\n")

    @precondition(lambda self: len(self.nodes) > 1)
    @rule(number=st.integers(0, MOST))
    def delete_a_node(self, number: int) -> None:
        node = self.pick(number)
        self.gone[node.alias] = self.nodes.pop(node.alias)
        self.shown.pop(node.alias, None)
        self.mine = {text: alias for text, alias in self.mine.items() if not self.holds(node, text)}
        shutil.rmtree(self.directory(node))
        for child in list(self.nodes.values()):
            if node.alias in child.parents:
                self.put(replace(child, parents=tuple(p for p in child.parents if p != node.alias)))

    def holds(self, node: Described, text: str) -> bool:
        """Whether the user's own file is still where it was put, in a directory that is theirs."""
        data = self.directory(node) / "data"
        return (
            not data.is_symlink()
            and (data / "mine.txt").exists()
            and ((data / "mine.txt").read_text() == text)
        )

    @precondition(lambda self: self.gone)
    @rule(number=st.integers(0, MOST))
    def bring_a_node_back(self, number: int) -> None:
        alias = list(self.gone)[number % len(self.gone)]
        node = self.gone.pop(alias)
        there = tuple(parent for parent in node.parents if parent == "s" or parent in self.nodes)
        self.put(replace(node, parents=there))

    # -- disturbances --------------------------------------------------------------------------
    @rule(number=st.integers(0, MOST))
    def delete_a_data_link(self, number: int) -> None:
        node = self.pick(number)
        data = self.directory(node) / "data"
        if data.is_symlink():
            data.unlink()
            self.shown.pop(node.alias, None)

    @rule(number=st.integers(0, MOST), is_empty=st.booleans())
    def put_a_real_directory_there(self, number: int, is_empty: bool) -> None:
        node = self.pick(number)
        data = self.directory(node) / "data"
        if data.is_dir() and not data.is_symlink():
            return
        data.unlink(missing_ok=True)
        data.mkdir()
        self.shown.pop(node.alias, None)
        if not is_empty:
            text = self.new_text()
            (data / "mine.txt").write_text(text)
            self.mine[text] = node.alias

    @rule(number=st.integers(0, MOST))
    def add_a_file_to_a_linked_tree(self, number: int) -> None:
        node = self.pick(number)
        data = self.directory(node) / "data"
        if data.is_symlink() and data.is_dir():
            text = self.new_text()
            (data / f"added {self.count}").write_text(text)
            self.mine[text] = node.alias
            self.disturb(data)

    @rule(number=st.integers(0, MOST))
    def remove_a_stored_tree(self, number: int) -> None:
        data = self.directory(self.pick(number)) / "data"
        if data.is_symlink() and data.is_dir():
            kept = [text for text in self.mine if text in dict(files_below(data)).values()]
            for text in kept:  # their own doing
                del self.mine[text]
            self.disturb(data)
            shutil.rmtree(data.resolve())

    def disturb(self, data: Path) -> None:
        """The tree this leads to is no longer what it was: so for every node that links it."""
        tree = data.resolve()
        for alias in list(self.shown):
            if (self.directory(self.nodes[alias]) / "data").resolve() == tree:
                del self.shown[alias]

    @rule()
    def remove_the_index(self) -> None:
        shutil.rmtree(self.project.root / ".fusionpipe/store/index", ignore_errors=True)

    @rule()
    def remove_the_private_state(self) -> None:
        shutil.rmtree(self.project.root / ".fusionpipe/state", ignore_errors=True)
        self.shown.clear()
        self.has_state, self.forgot = False, True

    def new_text(self) -> str:
        self.count += 1
        return f"mine {self.count}"

    # -- building ------------------------------------------------------------------------------
    @rule(jobs=st.sampled_from((1, 4)))
    def build_everything(self, jobs: int) -> None:
        self.build(Wish(jobs=jobs))

    @rule()
    def build_everything_twice(self) -> None:
        self.build(Wish())
        self.build(Wish())

    @rule(
        numbers=st.lists(st.integers(0, MOST), max_size=2),
        jobs=st.sampled_from((1, 2, 4)),
        keeps_going=st.booleans(),
        force=st.sampled_from((False, False, False, True)),
        in_process=st.sampled_from((True, True, True, True, True, False)),
    )
    def build_some(
        self, numbers: list[int], jobs: int, keeps_going: bool, force: bool, in_process: bool
    ) -> None:
        targets = tuple(sorted({self.pick(number).name for number in numbers}))
        self.build(Wish(targets, jobs, keeps_going, force, in_process=in_process))

    @rule(number=st.integers(0, MOST), value=st.integers(0, 2))
    def build_with_another_parameter(self, number: int, value: int) -> None:
        self.build(Wish(override=(self.pick(number).alias, value)))

    def build(self, wish: Wish) -> None:
        before = self.links()
        fresh = None if wish != Wish(jobs=wish.jobs) else self.is_fresh()
        foretold = {} if wish.force else self.foretell(wish)
        outcomes = self.outcomes(wish)
        for alias, expected in self.check(wish, outcomes):
            name = self.nodes[alias].name
            assert (name, outcomes[name]) in {(name, one) for one in expected}
        for name, standing in foretold.items():
            assert outcomes[name] in MAY[standing], (name, standing)
        if fresh:
            assert set(outcomes.values()) == {Outcome.KEPT}
        self.look_at_files(wish, outcomes, before)
        if wish == Wish(jobs=wish.jobs) and set(outcomes.values()) <= set(FINE) and self.has_state:
            assert self.is_fresh()
        self.has_state = True
        self.find_my_files()

    def is_fresh(self) -> bool:
        return hot.check(str(self.project.root), self.project.environment) is not None

    def links(self) -> dict[str, str]:
        found = {}
        for alias, node in self.nodes.items():
            data = self.directory(node) / "data"
            if data.is_symlink():
                found[alias] = str(data.readlink())
        return found

    def params(self, wish: Wish) -> list[str]:
        if wish.override is None:
            return []
        alias, value = wish.override
        return [f"{self.nodes[alias].name}.x={value}"]

    def foretell(self, wish: Wish) -> dict[str, Standing]:
        session = self.project.session(self.params(wish))
        try:
            nodes = select(session.graph, wish.targets)
            stands = {name: stand.standing for name, stand in survey(session, nodes).items()}
            assert stands.pop(NodeName("s"), Standing.KEPT) is Standing.KEPT
            return {str(name): standing for name, standing in stands.items()}
        finally:
            session.close()

    def outcomes(self, wish: Wish) -> dict[str, Outcome]:
        if wish.in_process:
            built = self.project.build(
                *wish.targets,
                # else it goes on from the last build where it can
                session=self.project.session(params) if (params := self.params(wish)) else None,
                jobs=wish.jobs,
                keeps_going=wish.keeps_going,
                force=wish.force,
            )
            ended = built.outcomes
        else:
            words = [f"-j{wish.jobs}", *wish.targets]
            words += ["-k"] * wish.keeps_going + ["-f"] * wish.force
            words += [word for param in self.params(wish) for word in ("-p", param)]
            events = self.project.fp("build", "--json", *words).events
            told = [event for event in events if event["event"] == "node_finished"]
            ended = {str(event["node"]): Outcome(str(event["outcome"])) for event in told}
            if not ended:  # nothing to do: the no-op tells no node
                ended = {node.name: Outcome.KEPT for node in self.nodes.values()}
        assert ended.pop("s", Outcome.KEPT) is Outcome.KEPT
        return ended

    def check(
        self, wish: Wish, outcomes: dict[str, Outcome]
    ) -> Iterator[tuple[str, tuple[Outcome, ...]]]:
        """Each node's allowed outcomes, given those of its parents; keeps the model up to date."""
        assert set(outcomes) == self.wished(wish)
        is_cut_short = not wish.keeps_going and Outcome.FAILED in outcomes.values()
        known: dict[str, Data] = {"s": (("value", f"{self.source}\n"),)}
        before = set(self.published)
        ran: dict[Key, list[Outcome]] = {}
        for alias in sorted(self.nodes, key=lambda alias: int(alias[1:])):
            node = self.nodes[alias]
            if node.name not in outcomes:
                continue
            if any(parent not in known for parent in node.parents):
                yield alias, (Outcome.SKIPPED,)
                continue
            outcome = outcomes[node.name]
            parents = {parent: known[parent] for parent in node.parents}
            is_other = wish.override is not None and wish.override[0] == alias
            param = wish.override[1] if wish.override is not None and is_other else node.param
            key = Key(node.script, param, tuple(sorted(parents.items())))
            total = node.total(param, parents)
            is_forced = wish.force and (not wish.targets or node.name in wish.targets)
            skipped = (Outcome.SKIPPED,) if is_cut_short else ()
            if not is_forced and key in before:
                is_shown = self.shown.get(alias) == key
                yield alias, (Outcome.KEPT if is_shown else Outcome.RESTORED,)
            elif node.fails(total):
                yield alias, (Outcome.FAILED, *skipped)
            else:
                twin = () if is_forced else (Outcome.RESTORED,)
                yield alias, (Outcome.RAN, *twin, *skipped)
                if outcome is not Outcome.SKIPPED and not is_forced:
                    ran.setdefault(key, []).append(outcome)
            if outcome in FINE:
                report = (("report.txt", f"report of {total}\n"),) if node.has_report else ()
                self.published[key] = node.data(total), report
                self.shown[alias] = key
                known[alias] = node.data(total)
        if not wish.force:
            for key, ended in ran.items():
                assert (key, 1) == (key, ended.count(Outcome.RAN))

    def wished(self, wish: Wish) -> set[str]:
        by_name = {node.name: node for node in self.nodes.values()}
        todo = [by_name[name] for name in wish.targets] or list(by_name.values())
        found: set[str] = set()
        while todo:
            node = todo.pop()
            found.add(node.name)
            todo += [self.nodes[parent] for parent in node.parents if parent != "s"]
        return found

    def look_at_files(
        self, wish: Wish, outcomes: dict[str, Outcome], before: dict[str, str]
    ) -> None:
        for alias, node in self.nodes.items():
            here = self.directory(node)
            if outcomes.get(node.name) in FINE:
                data, reports = self.published[self.shown[alias]]
                assert data == files_below(here / "data")
                assert node.has_more == (here / "data" / "empty").is_dir()
                assert reports == (files_below(here / "reports") if reports else ())
                assert bool(reports) == (here / "reports").is_symlink()
                assert (here / "logs.txt").exists()
                linked = {path.name for path in (here / "parents").glob("*")}
                assert set(node.parents) <= linked if self.forgot else set(node.parents) == linked
            elif alias in before:
                assert before[alias] == str((here / "data").readlink())

    def find_my_files(self) -> None:
        """Each of the user's own files is where they put it, in a kept root, or set aside and named."""
        store = self.project.root / ".fusionpipe/store"
        places = [store / "trees", store / "quarantine"]
        places += [self.directory(node) / "data" for node in self.nodes.values()]
        texts = {text for place in places for _, text in files_below(place)}
        texts |= set(self.rooted()) if set(self.mine) - texts else set()
        assert set() == set(self.mine) - texts

    def rooted(self) -> Iterator[str]:
        """The texts of what was taken out of the way, from stored bytes if its tree was removed."""
        session = self.project.session()
        try:
            for root in session.store.roots():
                for tree in root.trees:
                    yield from (text for _, text in files_below(session.store.check(tree)))
        finally:
            session.close()


MAY = {
    Standing.KEPT: {Outcome.KEPT},
    Standing.RESTORED: {Outcome.RESTORED},
    Standing.WILL_RUN: {Outcome.RAN, Outcome.FAILED, Outcome.RESTORED, Outcome.SKIPPED},
    Standing.MAY_RUN: set(Outcome),
}
"""What a survey promises."""


def play(examples: int, steps: int, *, is_fixed: bool) -> None:
    run_state_machine_as_test(
        Graphs,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=is_fixed,
            phases=[phase for phase in Phase if phase is not Phase.explain],  # it is slow
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_graph_and_any_edits_end_as_a_clean_build_would() -> None:
    play(12, 15, is_fixed=True)


@pytest.mark.slow
def test_any_graph_and_any_edits_end_as_a_clean_build_would_at_length() -> None:
    play(100, 30, is_fixed=False)
