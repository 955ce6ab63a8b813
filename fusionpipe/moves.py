"""Where a node can stand in a build, and every move it can make: one table, nothing else.

    waiting ──▶ ready ──▶ wanted ──▶ running ──▶ storing ──▶ hashed ──▶ done
                  │          ├──▶ busy (another build runs this key) ──▶ wanted, done
                  │          └──▶ done (found after all)
                  ├──▶ twin (this build runs this key for another node) ──▶ ready
                  └──▶ done (kept, restored)

A node goes back to waiting when a parent's stored bytes, or its own, turn out damaged. Any node that is
not done can be skipped. A move that is not in the table is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


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
    LOSE = auto()  # its result does not stand any more
    PARENT_LOST = auto()


_S, _M = State, Move
_TABLE: Mapping[tuple[State, Move], State] = {
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
    (_S.DONE, _M.LOSE): _S.WAITING,
    (_S.READY, _M.PARENT_LOST): _S.WAITING,
    (_S.WANTED, _M.PARENT_LOST): _S.WAITING,
    (_S.TWIN, _M.PARENT_LOST): _S.WAITING,
    (_S.BUSY, _M.PARENT_LOST): _S.WAITING,
    **{(state, _M.SKIP): _S.DONE for state in _S if state is not _S.DONE},
}


def after(node: str, state: State, move: Move) -> State:
    """Where a node stands after a move. A move that it cannot make is an AssertionError."""
    then = _TABLE.get((state, move))
    assert then is not None, f"{node} cannot {move.name} while {state.name}"
    return then
