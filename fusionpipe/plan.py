"""What a build still has to do: a pure state machine over the nodes. No clock, no I/O.

Whoever drives it (build/) asks what may be looked up and what may be started, does it, and tells the
plan how it went. Every move a node can make is in `_MOVES`; any other is a bug.

    waiting ──▶ ready ──▶ wanted ──▶ running ──▶ storing ──▶ hashed ──▶ done
                  │          ├──▶ busy (another build runs this key) ──▶ wanted, done
                  │          └──▶ done (found after all)
                  ├──▶ twin (this build runs this key for another node) ──▶ ready
                  └──▶ done (kept, restored)

A child may start when its parents are hashed; a parent is done only when it is durable.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from fusionpipe.events import Outcome
from fusionpipe.model import NodeName
from fusionstore.digest import ActionKey, Digest


class State(Enum):
    """Where a node stands."""

    WAITING = auto()  # for a parent's digest
    READY = auto()  # its key can be computed and looked up
    READING = auto()  # a source being hashed elsewhere
    WANTED = auto()  # has to run
    BUSY = auto()  # another build holds its key
    TWIN = auto()  # an equal key is on its way in this build
    RUNNING = auto()
    STORING = auto()  # ended well, being hashed
    HASHED = auto()  # its digest is known, not yet durable
    DONE = auto()


class Move(Enum):
    """What happened to a node."""

    PARENTS_KNOWN = auto()
    READ = auto()
    HIT = auto()
    MISS = auto()
    SAME_KEY = auto()
    TWIN_ENDED = auto()
    HELD = auto()
    GOT_CLAIM = auto()
    START = auto()
    CHANGED = auto()  # its files are no longer those that were hashed
    EXIT = auto()
    HASH = auto()
    PUBLISH = auto()
    FAIL = auto()
    SKIP = auto()
    LOSE = auto()  # its stored bytes turned out damaged
    PARENT_LOST = auto()


_S, _M = State, Move
_MOVES: Mapping[tuple[State, Move], State] = {
    (_S.WAITING, _M.PARENTS_KNOWN): _S.READY,
    (_S.READY, _M.READ): _S.READING,
    (_S.READING, _M.HIT): _S.DONE,
    (_S.READING, _M.FAIL): _S.DONE,
    (_S.READY, _M.HIT): _S.DONE,
    (_S.READY, _M.MISS): _S.WANTED,
    (_S.READY, _M.SAME_KEY): _S.TWIN,
    (_S.READY, _M.FAIL): _S.DONE,
    (_S.TWIN, _M.TWIN_ENDED): _S.READY,
    (_S.TWIN, _M.FAIL): _S.DONE,
    (_S.WANTED, _M.HIT): _S.DONE,
    (_S.WANTED, _M.HELD): _S.BUSY,
    (_S.WANTED, _M.START): _S.RUNNING,
    (_S.WANTED, _M.CHANGED): _S.READY,
    (_S.WANTED, _M.FAIL): _S.DONE,
    (_S.BUSY, _M.HIT): _S.DONE,
    (_S.BUSY, _M.GOT_CLAIM): _S.WANTED,
    (_S.BUSY, _M.FAIL): _S.DONE,
    (_S.RUNNING, _M.EXIT): _S.STORING,
    (_S.RUNNING, _M.FAIL): _S.DONE,
    (_S.STORING, _M.HASH): _S.HASHED,
    (_S.STORING, _M.FAIL): _S.DONE,
    (_S.HASHED, _M.PUBLISH): _S.DONE,
    (_S.HASHED, _M.FAIL): _S.DONE,
    (_S.DONE, _M.LOSE): _S.READY,
    (_S.READY, _M.PARENT_LOST): _S.WAITING,
    (_S.WANTED, _M.PARENT_LOST): _S.WAITING,
    (_S.TWIN, _M.PARENT_LOST): _S.WAITING,
    **{
        (state, _M.SKIP): _S.DONE
        for state in _S
        if state is not _S.DONE
    },
}

_OPEN = frozenset({_S.WAITING, _S.READY, _S.WANTED, _S.TWIN})
"""States in which nothing is under way for a node: it can be skipped at once."""


@dataclass(frozen=True, slots=True)
class Fallen:
    """A node that must be given up because of another: the caller stops it if it runs, and reports it."""

    node: NodeName
    because: NodeName
    was: State


class Plan:
    """The state of one build over `parents`, given in topological order (each node's parents).

    `weights` are expected seconds per node: what has the longest way to go is started first.
    """

    def __init__(
        self, parents: Mapping[NodeName, Sequence[NodeName]], weights: Mapping[NodeName, float]
    ) -> None:
        self._parents = parents
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

    def counts(self) -> dict[Outcome, int]:
        """How many nodes ended how."""
        counts = dict.fromkeys(Outcome, 0)
        for outcome in self.outcomes.values():
            counts[outcome] += 1
        return counts

    # -- telling -------------------------------------------------------------------------------
    def reading(self, node: NodeName) -> None:
        """A source is being hashed by somebody who will tell."""
        self._move(node, Move.READ)

    def found(self, node: NodeName, digest: Digest, outcome: Outcome) -> None:
        """A node has a result without running: kept or restored."""
        self._move(node, Move.HIT)
        self._forget_key(node)
        self._know(node, digest)
        self._end(node, outcome)

    def missed(self, node: NodeName, key: ActionKey | None) -> bool:
        """A node has to run. False if an equal key is on its way: it then waits for that one.

        Without a key (an uncached node) nothing is shared.
        """
        if key is not None and (first := self._keys.get(key)) is not None and first != node:
            self._move(node, Move.SAME_KEY)
            self._twins.setdefault(first, []).append(node)
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

    def got_claim(self, node: NodeName) -> None:
        """Who held the key is gone without a result: the work is ours."""
        self._move(node, Move.GOT_CLAIM)
        self._want(node)

    def started(self, node: NodeName) -> None:
        """Its process runs."""
        self._move(node, Move.START)

    def changed(self, node: NodeName) -> None:
        """Its files changed before it could start: it is looked up again."""
        self._move(node, Move.CHANGED)
        self._release_twins(node)
        self._forget_key(node)
        heapq.heappush(self._ready, (self._order[node], node))

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
        self._release_twins(node)
        self._forget_key(node)

    def failed(self, node: NodeName) -> list[Fallen]:
        """It failed, whatever it was at. Gives what falls with it: twins first, then descendants.

        A twin failed as it did (equal key); a descendant is skipped, and to be stopped if it runs.
        """
        self._move(node, Move.FAIL)
        self._end(node, Outcome.FAILED)
        fallen: list[Fallen] = []
        for twin in self._twins.pop(node, ()):
            if self._states[twin] is State.TWIN:
                fallen.append(Fallen(twin, node, State.TWIN))
                self._move(twin, Move.FAIL)
                self._end(twin, Outcome.FAILED)
                fallen += self._skip_below(twin)
        self._forget_key(node)
        return fallen + self._skip_below(node)

    def skip_open(self) -> list[NodeName]:
        """Gives up every node for which nothing is under way (interrupt, or the first failure)."""
        given_up = self.in_state(*_OPEN)
        for name in given_up:
            self.skip(name)
        return given_up

    def skip_unstarted_runs(self) -> list[Fallen]:
        """After a failure without -k: gives up what would have to run, with all that is below it."""
        fallen: list[Fallen] = []
        for name in self.in_state(State.WANTED):
            if self._states[name] is State.WANTED:
                fallen.append(Fallen(name, name, State.WANTED))
                self.skip(name)
                fallen += self._skip_below(name)
        return fallen

    def skip(self, node: NodeName) -> None:
        """Gives one node up."""
        self._move(node, Move.SKIP)
        self._end(node, Outcome.SKIPPED)
        self._forget_key(node)

    def lost(self, node: NodeName) -> None:
        """A settled node's stored bytes are damaged beyond healing: it is looked up, and run, again.

        Its children that are not under way wait for it anew.
        """
        self._move(node, Move.LOSE)
        self.outcomes.pop(node)
        self._open += 1
        self._digests.pop(node)
        heapq.heappush(self._ready, (self._order[node], node))
        for child in self._children[node]:
            self._missing[child] += 1
            if self._states[child] in (State.READY, State.WANTED, State.TWIN):
                self._move(child, Move.PARENT_LOST)
                self._release_twins(child)
                self._forget_key(child)

    # -- inside --------------------------------------------------------------------------------
    def _move(self, node: NodeName, move: Move) -> None:
        before = self._states[node]
        after = _MOVES.get((before, move))
        assert after is not None, f"{node} cannot {move.name} while {before.name}"
        self._states[node] = after

    def _become_ready(self, node: NodeName) -> None:
        self._move(node, Move.PARENTS_KNOWN)
        heapq.heappush(self._ready, (self._order[node], node))

    def _want(self, node: NodeName) -> None:
        heapq.heappush(self._wanted, (-self.remaining[node], self._order[node], node))

    def _know(self, node: NodeName, digest: Digest) -> None:
        self._digests[node] = digest
        for child in self._children[node]:
            self._missing[child] -= 1
            if self._missing[child] == 0 and self._states[child] is State.WAITING:
                self._become_ready(child)

    def _end(self, node: NodeName, outcome: Outcome) -> None:
        self.outcomes[node] = outcome
        self._open -= 1

    def _release_twins(self, node: NodeName) -> None:
        for twin in self._twins.pop(node, ()):
            if self._states[twin] is State.TWIN:
                self._move(twin, Move.TWIN_ENDED)
                heapq.heappush(self._ready, (self._order[twin], twin))

    def _forget_key(self, node: NodeName) -> None:
        key = self._key_of.pop(node, None)
        if key is not None:
            self._keys.pop(key, None)
        self._release_twins(node)

    def _skip_below(self, node: NodeName) -> list[Fallen]:
        fallen: list[Fallen] = []
        below = list(self._children[node])
        while below:
            name = below.pop()
            was = self._states[name]
            if was is State.DONE:
                continue
            fallen.append(Fallen(name, node, was))
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
