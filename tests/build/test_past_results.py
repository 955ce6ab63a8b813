"""Whatever is done to a project and its store, a past result gives its own bytes, or says that they are gone.

A state machine over one small project: builds, edits, reverts, pins, gc, deletions, damage, verify, checkouts and
reproductions, beside a model that is only a dictionary of what each result held.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from fusionpipe.build.state import State
from fusionpipe.model import NodeName
from fusionpipe.testing import Project
from fusionstore.store import Store

Files = dict[str, str]

CODE = {
    "a": "echo a{0} > ../data/it",
    "b": "cat ../parents/a/it > ../data/it; echo b{0} >> ../data/it; echo same > ../data/other",
    "c": "wc -c < ../parents/b/it > ../data/it; : {0}",
    "d": "cat ../parents/a/it ../parents/c/it > ../data/it; echo d{0} > ../reports/for-people",
}
PARENTS = {"a": (), "b": ("a",), "c": ("b",), "d": ("a", "c")}
NODES = st.sampled_from(sorted(CODE))


class Past(RuleBasedStateMachine):
    """One project, and what each of its results held."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        (self.place / "project").mkdir()
        self.project = Project(self.place / "project")
        self.store = self.project.root / ".fusionpipe/store"
        self.turns = dict.fromkeys(CODE, 0)
        self.held: dict[str, Files] = {}  # by record
        self.pinned: dict[str, str] = {}  # record by name
        self.is_damaged = False  # since the last thorough look
        self.outputs = 0

    @initialize()
    def begin(self) -> None:
        """A project that is built, on a store where what nobody needs is old at once."""
        Store.open(self.store).close()
        about = json.loads((self.store / "store.json").read_text())
        (self.store / "store.json").write_text(json.dumps(about | {"lease": 0}))
        for node in CODE:
            self.write(node)
        self.build()

    def write(self, node: str) -> None:
        self.project.node(node, CODE[node].format(self.turns[node]), parents=PARENTS[node])

    # -- what a user does -----------------------------------------------------------------------
    @rule(node=NODES, turn=st.integers(0, 2))
    def edit_or_revert(self, node: str, turn: int) -> None:
        self.turns[node] = turn
        self.write(node)

    @rule()
    def build(self) -> None:
        result = self.project.call("build", "-q")
        assert 0 == result.code, result.out + result.err
        if not self.is_damaged:
            self.learn()

    @rule(node=NODES)
    def pin(self, node: str) -> None:
        record = State.load(self.project.root).record(NodeName(node))
        name = f"pin.{len(self.pinned)}"
        if record in self.held and 0 == self.project.call("pin", record, name).code:
            self.pinned[name] = record

    @rule(data=st.data())
    def unpin(self, data: st.DataObject) -> None:
        if self.pinned:
            name = data.draw(st.sampled_from(sorted(self.pinned)))
            assert 0 == self.project.call("unpin", name).code
            del self.pinned[name]

    @rule(policy=st.sampled_from(["--keep 0", "--keep 1", "--max-size 0B", "--older-than 0d"]))
    def collect(self, policy: str) -> None:
        linked = [node for node in CODE if (self.project.root / node / "data").exists()]
        newest = max(os.lstat(path).st_ctime for path in self.store.rglob("*"))
        while time.time() < newest + 0.02:  # what is there is older than what begins now
            pass
        result = self.project.call("gc", *policy.split())
        assert result.code in ((0, 4) if self.is_damaged else (0,)), result.out + result.err
        if not self.is_damaged:
            for node in linked:
                assert (self.project.root / node / "data").exists(), f"{node} is left dangling"
            for name, record in self.pinned.items():
                assert self.held[record] == self.checked_out(name)

    # -- what goes wrong ------------------------------------------------------------------------
    @rule(what=st.sampled_from(["link", "tree", "index", "state"]), node=NODES)
    def delete(self, what: str, node: str) -> None:
        data = self.project.root / node / "data"
        if what == "link":
            data.unlink(missing_ok=True)
        elif what == "tree" and data.exists():
            shutil.rmtree(data.resolve())
        elif what == "index":
            shutil.rmtree(self.store / "index", ignore_errors=True)
        elif what == "state":
            shutil.rmtree(self.project.root / ".fusionpipe/state", ignore_errors=True)

    @rule(node=NODES)
    def corrupt(self, node: str) -> None:
        path = self.project.root / node / "data/it"
        if path.exists():
            path.chmod(0o644)
            path.write_text("other bytes\n")
            path.chmod(0o444)
            self.is_damaged = True

    @rule()
    def verify(self) -> None:
        result = self.project.call("verify", "--deep", "--repair")
        assert result.code in ((0, 4) if self.is_damaged else (0,)), result.out + result.err
        again = self.project.call("verify", "--deep")
        self.is_damaged = again.code != 0

    # -- what was -------------------------------------------------------------------------------
    @rule(data=st.data())
    def check_out(self, data: st.DataObject) -> None:
        if self.held:
            record = data.draw(st.sampled_from(sorted(self.held)))
            found = self.checked_out(record)
            assert found is None or found == self.held[record]

    @rule(data=st.data(), is_deep=st.booleans())
    def reproduce(self, data: st.DataObject, is_deep: bool) -> None:
        if self.held:
            record = data.draw(st.sampled_from(sorted(self.held)))
            result = self.project.call("reproduce", record, *["--deep"] * is_deep)
            assert result.code in (0, 1, 2, 4), result.err
            assert "differ" not in result.out, result.out  # the code is as pure as can be

    # -- the model ------------------------------------------------------------------------------
    def learn(self) -> None:
        """Compares what is linked with what the code says, and remembers it by its record."""
        state = State.load(self.project.root)
        expected = self.expected()
        for node in CODE:
            files = files_below(self.project.root / node / "data")
            assert expected[node] == files, node
            record = state.record(NodeName(node))
            assert self.held.setdefault(record, files) == files

    def expected(self) -> dict[str, Files]:
        turn = self.turns
        a = f"a{turn['a']}\n"
        b = f"{a}b{turn['b']}\n"
        c = f"{len(b)}\n"
        return {
            "a": {"it": a},
            "b": {"it": b, "other": "same\n"},
            "c": {"it": c},
            "d": {"it": a + c},
        }

    def checked_out(self, ref: str) -> Files | None:
        """A result's files as `fp checkout` lays them out; None where it says that it cannot."""
        self.outputs += 1
        place = self.place / f"out{self.outputs}"
        result = self.project.call("checkout", ref, str(place))
        if result.code == 0:
            return files_below(place)
        assert result.code in (1, 2, 4), result.err
        assert not place.exists()
        return None

    def teardown(self) -> None:
        for path in self.place.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(self.place)


def files_below(top: Path) -> Files:
    return {
        str(path.relative_to(top)): path.read_text()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def play(examples: int, steps: int, *, is_fixed: bool) -> None:
    run_state_machine_as_test(
        Past,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=is_fixed,
            phases=[phase for phase in Phase if phase is not Phase.explain],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_past_result_gives_its_own_bytes_or_none() -> None:
    play(6, 15, is_fixed=True)


@pytest.mark.slow
def test_a_past_result_gives_its_own_bytes_or_none_at_length() -> None:
    play(40, 30, is_fixed=False)
