"""What the core tells while it works. Reports consume these; nothing else leaves the core (L12).

Times are seconds since the epoch, durations seconds. Paths are as the user would write them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from fusionpipe.model import NodeName


class Outcome(StrEnum):
    """How a node ended in a build."""

    RAN = "ran"
    KEPT = "kept"  # its linked result still holds
    RESTORED = "restored"  # a stored result was linked
    FAILED = "failed"
    SKIPPED = "skipped"  # a parent failed, or the build was interrupted


class BuildStarted(NamedTuple):
    """A build begins. `nodes` is how many it looks at."""

    build: str
    nodes: int
    jobs: int
    at: float


class SourceHashing(NamedTuple):
    """A source is being read; sent a few times a second at most, last with done == total."""

    node: NodeName
    done: int
    total: int


class NodeStarted(NamedTuple):
    """A node's code begins to run. `expected` is what it took last time, None if it never ran.

    `left` is how long the whole build should still take from now on, None where that is not known.
    """

    node: NodeName
    reason: str
    at: float
    expected: float | None = None
    left: float | None = None


class NodeWaiting(NamedTuple):
    """Another build is running this very key; its result will be taken over."""

    node: NodeName


class NodeFinished(NamedTuple):
    """A node's outcome is settled, and durable if it ran.

    `seconds` is what the run took: now, or when it was made for a result that was kept or restored.
    `record` is the stored result's. `log` is a path to its log. For a failure `tail` has the last lines of the log with the user's own
    paths, `rerun` the kept run directory, `hint` a sentence on what to try.
    """

    node: NodeName
    outcome: Outcome
    reason: str
    key: str = ""
    data: str = ""
    seconds: float = 0.0
    log: str = ""
    tail: tuple[str, ...] = ()
    rerun: str = ""
    hint: str = ""
    record: str = ""


class NodesKept(NamedTuple):
    """Nodes that a build need not look at: nothing of theirs has changed. `seconds`: their runs, in all."""

    nodes: tuple[NodeName, ...]
    seconds: float


class Notice(NamedTuple):
    """Something the user should know that is no outcome: stragglers, stray files, data kept, healed."""

    text: str
    node: NodeName | None = None
    is_warning: bool = True


class Interrupting(NamedTuple):
    """Ctrl-C came: running nodes are being stopped; a second one stops at once."""

    running: int


class BuildFinished(NamedTuple):
    """A build ended. `saved` is the recorded run time of what was kept and restored.

    The store's figures are bytes, and None unless something ran.
    """

    build: str
    ran: int
    kept: int
    restored: int
    failed: int
    skipped: int
    seconds: float
    saved: float
    is_interrupted: bool = False
    store_bytes: int | None = None
    store_grown: int | None = None
    free_bytes: int | None = None
    disk_bytes: int | None = None


Event = (
    BuildStarted
    | SourceHashing
    | NodeStarted
    | NodeWaiting
    | NodeFinished
    | NodesKept
    | Notice
    | Interrupting
    | BuildFinished
)

Report = Callable[[Event], None]
"""Who is told. Called from the one deciding thread only."""
