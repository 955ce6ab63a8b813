"""The plan driven through random legal worlds: whatever happens, it ends, and ends right.

A world holds what the plan does not know: a store, keys made of parents' bytes, other builds, failures,
damage, interrupts. It does one random thing after another and checks the plan at each.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from fusionpipe.events import Outcome
from fusionpipe.model import NodeName
from fusionpipe.plan import Fallen, Plan, State
from fusionstore.digest import ActionKey, Digest

Draw = Callable[[int], int]
"""A random number below the one given."""

ENDED_WELL = (Outcome.RAN, Outcome.KEPT, Outcome.RESTORED)


@dataclass
class World:
    """One build of a random graph. `keeps_going` is -k."""

    draw: Draw
    keeps_going: bool
    jobs: int
    damage_left: int
    changes_left: int
    may_interrupt: bool
    parents: dict[NodeName, list[NodeName]] = field(default_factory=dict)
    code: dict[NodeName, int] = field(default_factory=dict)
    store: dict[str, Digest] = field(default_factory=dict)
    keys: dict[NodeName, str] = field(default_factory=dict)  # as last looked up
    ended_with: dict[NodeName, str] = field(default_factory=dict)
    ended_before: set[NodeName] = field(default_factory=set)
    claims: set[NodeName] = field(default_factory=set)
    has_failed: bool = False
    is_interrupted: bool = False

    def __post_init__(self) -> None:
        for number in range(1 + self.draw(8)):
            earlier = list(self.parents)
            name = NodeName(f"n{number}")
            self.parents[name] = [one for one in earlier if self.draw(5) < 2]
            self.code[name] = self.draw(3)
        weights = {name: float(self.draw(5)) for name in self.parents if self.draw(2)}
        self.plan = Plan(self.parents, {n: w for n, w in weights.items() if w})

    # -- what is so ----------------------------------------------------------------------------
    def key(self, node: NodeName) -> str:
        """From its code and its parents' bytes as they are now."""
        above = ",".join(self.plan.digest(parent) for parent in self.parents[node])
        return f"{self.code[node]}({above})"

    def is_source(self, node: NodeName) -> bool:
        return self.code[node] == 0 and not self.parents[node]

    # -- one thing after another ---------------------------------------------------------------
    def run(self) -> None:
        for _ in range(400 * len(self.parents)):
            if self.plan.is_done:
                break
            self.step()
        assert self.plan.is_done, self.plan.in_state(*set(State) - {State.DONE})
        self.check_end()

    def step(self) -> None:
        can: list[Callable[[], None]] = []
        if self.plan.next_ready() is not None:
            can.append(self.look_up)
        elif self.plan.next_wanted() is not None:
            self.check_longest_first()
            if len(self.plan.in_state(State.RUNNING)) < self.jobs:
                can.append(self.start)
        under_way = self.plan.in_state(
            State.READING, State.BUSY, State.RUNNING, State.STORING, State.HASHED
        )
        if under_way:
            can.append(lambda: self.go_on(under_way[self.draw(len(under_way))]))
        assert can, "nothing can happen any more"
        if self.may_interrupt and not self.is_interrupted and self.draw(20) == 0:
            self.interrupt()
        else:
            can[self.draw(len(can))]()

    def look_up(self) -> None:
        name = self.plan.next_ready()
        assert name is not None
        assert all(self.plan.state(p) in (State.HASHED, State.DONE) for p in self.parents[name])
        if self.is_source(name):
            self.plan.reading(name)
            return
        self.keys[name] = key = self.key(name)
        if self.draw(40) == 0:
            self.fail(name)
        elif key in self.store:
            self.find(name, key, Outcome.KEPT)
        else:
            on_its_way = [n for n in self.running_keys() if self.keys[n] == key]
            assert self.plan.missed(name, ActionKey(key)) == (not on_its_way)

    def running_keys(self) -> list[NodeName]:
        return [
            name
            for name in self.plan.in_state(
                State.WANTED, State.BUSY, State.RUNNING, State.STORING, State.HASHED
            )
            if name in self.keys
        ]

    def find(self, name: NodeName, key: str, outcome: Outcome) -> None:
        self.end(name, key)
        self.plan.found(name, self.store[key], outcome)

    def start(self) -> None:
        name = self.plan.next_wanted()
        assert name is not None
        if self.has_failed and not self.keeps_going:
            self.fall(self.plan.skip_unstarted_runs())
            return
        match self.draw(8):
            case 0 if name not in self.claims:
                self.plan.held(name)
            case 1 if self.changes_left:
                self.changes_left -= 1
                self.claims.discard(name)
                self.code[name] = 1 + self.draw(2)
                self.plan.changed(name)
            case 2 | 3 if (lost := self.lossy_parent(name)) is not None:
                self.damage_left -= 1
                self.lose(lost)
            case 4 if self.draw(3) == 0:
                self.fail(name)
            case _:
                assert self.keys[name] == self.key(name), "started under a key of other bytes"
                self.plan.started(name)

    def lossy_parent(self, name: NodeName) -> NodeName | None:
        """A parent whose bytes could turn out damaged now."""
        able = [
            parent
            for parent in self.parents[name]
            if self.plan.state(parent) is State.DONE and not self.is_source(parent)
        ]
        return able[self.draw(len(able))] if able and self.damage_left else None

    def lose(self, parent: NodeName) -> None:
        digest = self.plan.digest(parent)
        self.store = {key: data for key, data in self.store.items() if data != digest}
        self.ended_with.pop(parent)
        self.fall(self.plan.lost(parent))

    def go_on(self, name: NodeName) -> None:
        match self.plan.state(name):
            case State.READING if self.draw(12):
                self.plan.found(name, Digest(f"source {name}"), Outcome.KEPT)
            case State.BUSY:
                self.other_build_ends(name)
            case State.RUNNING if self.draw(12):
                self.plan.exited(name)
            case State.STORING if self.draw(12):
                self.plan.hashed(name, self.bytes_of(self.keys[name]))
            case State.HASHED if self.draw(12) or not self.is_publishable(name):
                if self.is_publishable(name):
                    self.publish(name)
            case _:
                self.fail(name)

    def bytes_of(self, key: str) -> Digest:
        """What a run gives: few different bytes, so that keys repeat; not always the same again."""
        return Digest(f"d{(len(key) + self.draw(4) // 3) % 3}")

    def is_publishable(self, name: NodeName) -> bool:
        """A result becomes durable after its parents' (build/finish.py)."""
        return all(self.plan.state(parent) is not State.HASHED for parent in self.parents[name])

    def publish(self, name: NodeName) -> None:
        key = self.keys[name]
        self.store[key] = self.plan.digest(name)
        self.end(name, key)
        self.plan.published(name)

    def other_build_ends(self, name: NodeName) -> None:
        key = self.keys[name]
        match self.draw(5):
            case 0 | 1:
                self.store.setdefault(key, self.bytes_of(key))
                self.find(name, key, Outcome.RESTORED)
            case 2 | 3:
                if self.plan.got_claim(name):
                    self.claims.add(name)
            case _:
                self.fail(name)

    def end(self, name: NodeName, key: str) -> None:
        self.ended_with[name] = key
        self.claims.discard(name)

    def fail(self, name: NodeName) -> None:
        self.ended_before |= {n for n, o in self.plan.outcomes.items() if o in ENDED_WELL}
        twins = {n for n in self.plan.in_state(State.TWIN) if self.keys[n] == self.keys.get(name)}
        if name not in self.running_keys():
            twins = set()
        fallen = self.plan.failed(name)
        assert twins == {one.node for one in fallen if one.outcome is Outcome.FAILED}
        self.fall(fallen)
        self.has_failed = True

    def fall(self, fallen: list[Fallen]) -> None:
        for one in fallen:
            self.claims.discard(one.node)
            assert one.outcome is self.plan.outcomes[one.node]

    def interrupt(self) -> None:
        self.is_interrupted = True
        for name in self.plan.skip_open():
            assert Outcome.SKIPPED is self.plan.outcomes[name]
        for name in self.plan.in_state(State.BUSY, State.READING):
            self.plan.skip(name)

    # -- what must hold ------------------------------------------------------------------------
    def check_longest_first(self) -> None:
        longest = max(self.plan.remaining[name] for name in self.plan.in_state(State.WANTED))
        wanted = self.plan.next_wanted()
        assert wanted is not None
        assert longest == self.plan.remaining[wanted]

    def check_end(self) -> None:
        outcomes = self.plan.outcomes
        assert set(self.parents) == set(outcomes)
        for name, above in self.parents.items():
            if self.is_interrupted:
                continue
            given_up = [p for p in above if outcomes[p] not in ENDED_WELL]
            if outcomes[name] in ENDED_WELL:
                assert name in self.ended_before or not given_up
                if not given_up and not self.is_source(name):
                    assert self.key(name) == self.ended_with[name], "made from other bytes"
            if outcomes[name] is Outcome.SKIPPED and self.keeps_going:
                assert given_up, "skipped though no parent failed or was skipped"


@pytest.mark.parametrize("batch", range(10))
def test_every_world_comes_to_a_right_end(batch: int) -> None:
    for seed in range(batch * 400, (batch + 1) * 400):
        draw = random.Random(seed).randrange
        world = World(
            draw,
            keeps_going=draw(2) == 0,
            jobs=1 + draw(3),
            damage_left=draw(2) * draw(6),
            changes_left=draw(3),
            may_interrupt=draw(4) == 0,
        )
        try:
            world.run()
        except AssertionError as error:
            raise AssertionError(f"in the world of seed {seed}: {error}") from error
