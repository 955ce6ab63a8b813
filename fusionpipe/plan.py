"""What a build still has to do: a pure state machine over the nodes. No clock, no I/O.

Whoever drives it (build/) asks what may be looked up and what may be started, does it, and tells the
plan how it went. The moves a node can make are the table in moves.py; any other is a bug. A child may
start when its parents are hashed; a parent is done only when it is durable.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fusionpipe.events import Outcome
from fusionpipe.model import NodeName
from fusionpipe.moves import Move, State, after
from fusionstore.digest import ActionKey, Digest

__all__ = ["Fallen", "Plan", "State"]

_OPEN = frozenset({State.WAITING, State.READY, State.WANTED, State.TWIN})
"""States in which nothing is under way for a node: it can be skipped at once."""

_ASKED = frozenset({State.READY, State.WANTED, State.TWIN})
"""States of a node that may have asked its parents for digests, with nothing under way yet."""

_HAVE_A_RESULT = frozenset({Outcome.RAN, Outcome.KEPT, Outcome.RESTORED})


class Fallen(NamedTuple):
    """A node that is given up because of another: the caller stops it if it runs, and reports it."""

    node: NodeName
    because: NodeName
    was: State
    outcome: Outcome  # FAILED: a twin, which failed as the other did; SKIPPED: all others


class Plan:
    """The state of one build over `parents`, given in topological order (each node's parents).

    `weights` are expected seconds per node: what has the longest way to go is started first.
    """

    def __init__(
        self, parents: Mapping[NodeName, Sequence[NodeName]], weights: Mapping[NodeName, float]
    ) -> None:
        self._parents = dict(parents)
        self._children: dict[NodeName, list[NodeName]] = {name: [] for name in parents}
        for name, above in parents.items():
            for parent in above:
                self._children[parent].append(name)
        self._order = {name: position for position, name in enumerate(parents)}
        self.remaining = _longest_ways(parents, self._children, weights)
        self._states = dict.fromkeys(parents, State.WAITING)
        self._missing = {name: len(above) for name, above in parents.items()}
        self._digests: dict[NodeName, Digest] = {}
        self.outcomes: dict[NodeName, Outcome] = {}
        self._ready: list[tuple[int, NodeName]] = []
        self._wanted: list[tuple[float, int, NodeName]] = []
        self._keys: dict[ActionKey, NodeName] = {}  # on their way, by the node that runs them
        self._key_of: dict[NodeName, ActionKey] = {}
        self._twins: dict[NodeName, list[NodeName]] = {}
        self._twin_of: dict[NodeName, NodeName] = {}
        self._former: dict[NodeName, Digest] = {}  # of lost nodes
        self._outdated: set[NodeName] = set()  # under way with what a lost parent held before
        self._is_ending = False
        self._open = len(parents)
        for name, count in self._missing.items():
            if count == 0:
                self._become_ready(name)

    # -- asking --------------------------------------------------------------------------------
    @property
    def is_done(self) -> bool:
        """True when every node has an outcome."""
        return self._open == 0

    def state(self, node: NodeName) -> State:
        """Where a node stands."""
        return self._states[node]

    def digest(self, node: NodeName) -> Digest:
        """A node's data digest. KeyError until it is hashed."""
        return self._digests[node]

    def parents(self, node: NodeName) -> Sequence[NodeName]:
        """A node's parents, as the plan was told of them."""
        return self._parents[node]

    def next_ready(self) -> NodeName | None:
        """A node to look up, in topological order; it stays ready until the plan is told."""
        while self._ready:
            name = self._ready[0][1]
            if self._states[name] is State.READY:
                return name
            heapq.heappop(self._ready)
        return None

    def next_wanted(self) -> NodeName | None:
        """The node to start next: the longest way to go first."""
        while self._wanted:
            name = self._wanted[0][2]
            if self._states[name] is State.WANTED:
                return name
            heapq.heappop(self._wanted)
        return None

    def in_state(self, *states: State) -> list[NodeName]:
        """The nodes that stand there, in topological order."""
        return [name for name, state in self._states.items() if state in states]

    def __contains__(self, node: object) -> bool:
        return node in self._states

    def __len__(self) -> int:
        return len(self._states)

    def counts(self) -> dict[Outcome, int]:
        """How many nodes ended how."""
        counts = dict.fromkeys(Outcome, 0)
        for outcome in self.outcomes.values():
            counts[outcome] += 1
        return counts

    # -- growing -------------------------------------------------------------------------------
    def admit(self, node: NodeName, digest: Digest, children: Sequence[NodeName]) -> None:
        """Takes in a node that has its result and was left out for that; children first.

        `children` are those of its children that are in the plan. They know its bytes already.
        """
        assert node not in self._states, node
        self._parents[node] = ()
        self._children[node] = list(children)
        for child in children:
            self._parents[child] = (*self._parents[child], node)
        self._order[node] = -len(self._order)  # before all that depends on it
        self.remaining[node] = max((self.remaining[child] for child in children), default=0.0)
        self._missing[node] = 0
        self._states[node] = State.DONE
        self._digests[node] = digest
        self.outcomes[node] = Outcome.KEPT

    # -- telling -------------------------------------------------------------------------------
    def reading(self, node: NodeName) -> None:
        """A source is being hashed by somebody who will tell."""
        self._move(node, Move.READ)

    def found(self, node: NodeName, digest: Digest, outcome: Outcome) -> None:
        """A node has a result without running: kept or restored."""
        self._move(node, Move.HIT)
        self._know(node, digest)
        self._end(node, outcome)

    def missed(self, node: NodeName, key: ActionKey | None) -> bool:
        """A node has to run. False if an equal key is on its way: it then waits for that one.

        Without a key (an uncached node) nothing is shared.
        """
        if key is not None and (first := self._keys.get(key)) is not None:
            self._move(node, Move.SAME_KEY)
            self._twins.setdefault(first, []).append(node)
            self._twin_of[node] = first
            return False
        self._move(node, Move.MISS)
        if key is not None:
            self._keys[key] = node
            self._key_of[node] = key
        self._want(node)
        return True

    def held(self, node: NodeName) -> None:
        """Another build holds the key."""
        self._move(node, Move.HELD)

    def got_claim(self, node: NodeName) -> bool:
        """Who held the key is gone without a result: the work is ours.

        False if a parent was lost meanwhile, so that the key may be another: give the claim up.
        """
        if self._missing[node] or node in self._outdated:
            self._outdated.discard(node)
            self._wait_anew(node)
            return False
        self._move(node, Move.GOT_CLAIM)
        self._want(node)
        return True

    def started(self, node: NodeName) -> None:
        """Its process runs."""
        self._move(node, Move.START)

    def changed(self, node: NodeName) -> None:
        """Its files changed before it could start: it is looked up again."""
        self._move(node, Move.CHANGED)
        self._forget_key(node)
        self._offer(node)

    def exited(self, node: NodeName) -> None:
        """Its process ended well."""
        self._move(node, Move.EXIT)

    def hashed(self, node: NodeName, digest: Digest) -> None:
        """Its output has a digest: children may go on before it is durable."""
        self._move(node, Move.HASH)
        self._know(node, digest)

    def published(self, node: NodeName) -> None:
        """Its result is durable and visible."""
        self._move(node, Move.PUBLISH)
        self._end(node, Outcome.RAN)

    def failed(self, node: NodeName) -> list[Fallen]:
        """It failed, whatever it was at. Gives what falls with it: twins first, then descendants.

        A twin failed as it did (equal key); a descendant is skipped, and to be stopped if it runs. A
        descendant that is done already has a result of its own and stays.
        """
        self._move(node, Move.FAIL)
        fallen: list[Fallen] = []
        for twin in self._take_twins(node):
            self._move(twin, Move.FAIL)
            self._end(twin, Outcome.FAILED)
            fallen.append(Fallen(twin, node, State.TWIN, Outcome.FAILED))
            fallen += self._skip_below(twin)
        self._end(node, Outcome.FAILED)
        return fallen + self._skip_below(node)

    def skip_open(self) -> list[NodeName]:
        """Gives up every node for which nothing is under way, and starts no other: an interrupt."""
        self._is_ending = True
        given_up = self.in_state(*_OPEN)
        for name in given_up:
            self.skip(name)
        return given_up

    def skip_unstarted_runs(self) -> list[Fallen]:
        """After a failure without -k: gives up what would have to run, with all that is below it.

        Their twins are ready again then: they may be found, or become wanted and be given up in turn.
        """
        fallen: list[Fallen] = []
        for name in self.in_state(State.WANTED):
            if self._states[name] is State.WANTED:
                fallen.append(Fallen(name, name, State.WANTED, Outcome.SKIPPED))
                self.skip(name)
                fallen += self._skip_below(name)
        return fallen

    def skip(self, node: NodeName) -> None:
        """Gives one node up."""
        self._move(node, Move.SKIP)
        self._end(node, Outcome.SKIPPED)

    def lost(self, node: NodeName) -> list[Fallen]:
        """A settled node's stored bytes are damaged beyond healing: it is looked up, and run, again.

        Its children that are not under way wait for it anew. The others go on; should it come back with
        other bytes, they are looked up again once they have ended (so a node may end twice). Gives what
        falls, itself first, if it cannot be made again because a parent of its own has failed since.
        """
        self._move(node, Move.LOSE)
        del self.outcomes[node]
        self._open += 1
        self._former[node] = self._digests.pop(node)
        for child in self._children[node]:
            self._missing[child] += 1
            if self._states[child] in _ASKED:
                self._wait_anew(child)
        if (culprit := self._parent_without_result(node)) is not None:
            self.skip(node)
            first = Fallen(node, culprit, State.DONE, Outcome.SKIPPED)
            return [first, *self._skip_below(node)]
        if self._missing[node] == 0:
            self._become_ready(node)
        return []

    # -- inside --------------------------------------------------------------------------------
    def _move(self, node: NodeName, move: Move) -> None:
        self._states[node] = after(node, self._states[node], move)

    def _become_ready(self, node: NodeName) -> None:
        self._move(node, Move.PARENTS_KNOWN)
        self._offer(node)

    def _offer(self, node: NodeName) -> None:
        heapq.heappush(self._ready, (self._order[node], node))

    def _want(self, node: NodeName) -> None:
        heapq.heappush(self._wanted, (-self.remaining[node], self._order[node], node))

    def _wait_anew(self, node: NodeName) -> None:
        self._move(node, Move.PARENT_LOST)
        self._forget_key(node)
        if self._missing[node] == 0:
            self._become_ready(node)

    def _know(self, node: NodeName, digest: Digest) -> None:
        self._digests[node] = digest
        is_other = self._former.pop(node, digest) != digest
        for child in self._children[node]:
            self._missing[child] -= 1
            if self._states[child] is State.WAITING:
                if self._missing[child] == 0:
                    self._become_ready(child)
            elif is_other:
                self._outdate(child)

    def _outdate(self, node: NodeName) -> None:
        """Its result is, or will be, of bytes that a parent does not hold any more."""
        if self._states[node] is not State.DONE:
            self._outdated.add(node)
        elif (
            self.outcomes[node] in _HAVE_A_RESULT
            and not self._is_ending
            and self._parent_without_result(node) is None
        ):
            self.lost(node)

    def _parent_without_result(self, node: NodeName) -> NodeName | None:
        """A parent that has failed or was skipped."""
        for parent in self._parents[node]:
            if self.outcomes.get(parent, Outcome.RAN) not in _HAVE_A_RESULT:
                return parent
        return None

    def _end(self, node: NodeName, outcome: Outcome) -> None:
        self._forget_key(node)
        self.outcomes[node] = outcome
        self._open -= 1
        if node in self._outdated:
            self._outdated.discard(node)
            self._outdate(node)

    def _forget_key(self, node: NodeName) -> None:
        """Its key is not on its way any more: who waited for it asks again."""
        key = self._key_of.pop(node, None)
        if key is not None:
            del self._keys[key]
        for twin in self._take_twins(node):
            self._move(twin, Move.TWIN_ENDED)
            self._offer(twin)

    def _take_twins(self, first: NodeName) -> Iterator[NodeName]:
        """Who waits for this node's key; some of those noted may have gone on to another meanwhile."""
        for twin in self._twins.pop(first, ()):
            if self._states[twin] is State.TWIN and self._twin_of[twin] == first:
                yield twin

    def _skip_below(self, node: NodeName) -> list[Fallen]:
        fallen: list[Fallen] = []
        below = list(self._children[node])
        while below:
            name = below.pop()
            was = self._states[name]
            if was is State.DONE:
                continue
            fallen.append(Fallen(name, node, was, Outcome.SKIPPED))
            self.skip(name)
            below += self._children[name]
        return fallen


def _longest_ways(
    parents: Mapping[NodeName, Sequence[NodeName]],
    children: Mapping[NodeName, Sequence[NodeName]],
    weights: Mapping[NodeName, float],
) -> dict[NodeName, float]:
    """For every node, the seconds of the longest chain from it to a leaf, itself included."""
    ways: dict[NodeName, float] = {}
    usual = _median(weights.values()) or 1.0
    for name in reversed(list(parents)):
        below = max((ways[child] for child in children[name]), default=0.0)
        ways[name] = weights.get(name, usual) + below
    return ways


def _median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0
