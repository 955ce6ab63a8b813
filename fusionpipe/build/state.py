"""The project's private state below `.fusionpipe/`: what is linked where, and what saves work next time.

It is a memo: deleting it loses speed and the memory of which earlier run to compare with, never a result.
Two builds may save at once: each merges the rows it touched into what lies there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from fusionpipe import memo
from fusionpipe.model import NodeName
from fusionpipe.workspace import Memory
from fusionstore.contract import JsonObject

DIRECTORY = ".fusionpipe"
_RECENT = 20


class NodeRow(NamedTuple):
    """What this checkout knows of a node: what is linked, how its last run went, its latest records."""

    record: str = ""  # of the linked result
    key: str = ""
    tree: str = ""  # its data
    reports: str = ""
    log: str = ""
    root: tuple[int, int] = (0, 0)  # (inode, mtime_ns) of the linked tree's directory when linked
    overridden: tuple[str, ...] = ()  # params that came from -p
    seconds: float = 0.0  # what the run took: expected next time
    recent: tuple[str, ...] = ()  # records, latest first
    failed_key: str = ""  # the key that failed last, "" when the last run went well
    failed_why: str = ""
    source: str = ""  # a source's digest
    made: tuple[str, ...] = ()  # of parents/, inputs/, libs/ and params.json, what we made
    given: tuple[str, ...] = ()  # where those lead

    def linked(self) -> NodeRow:
        """The row once its result is linked: that record is the most recent, failures are over."""
        earlier = tuple(one for one in self.recent if one != self.record)
        recent = (self.record, *earlier)[:_RECENT]
        return self._replace(recent=recent, failed_key="", failed_why="")


@dataclass(slots=True)
class State:
    """Everything kept, loaded once per command."""

    path: Path
    memory: Memory = field(default_factory=Memory)
    probes: dict[str, JsonObject] = field(default_factory=dict)
    rows: dict[NodeName, NodeRow] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)  # key -> record chosen by -f, accept
    _touched: set[NodeName] = field(default_factory=set)
    _chosen: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, root: Path) -> State:
        """The state of the project at `root`, empty if there is none to be trusted."""
        path = root / DIRECTORY / "state"
        state = cls(path)
        plain = memo.load(path / "memo")
        if isinstance(plain, dict) and plain.get("shape") == _SHAPE:
            state.memory = Memory.from_plain(plain["memory"])
            state.probes = plain["probes"]
            state.rows = {NodeName(name): NodeRow(*row) for name, row in plain["rows"].items()}
            state.choices = plain["choices"]
        return state

    def row(self, node: NodeName) -> NodeRow:
        """What is known of a node."""
        return self.rows.get(node) or NodeRow()

    def put(self, node: NodeName, row: NodeRow) -> None:
        """Remembers a node's row."""
        self.rows[node] = row
        self._touched.add(node)

    def choose(self, key: str, record: str) -> None:
        """Makes a record this project's choice for its key (L5)."""
        self.choices[key] = record
        self._chosen.add(key)

    def save(self, nodes: Mapping[NodeName, object]) -> None:
        """Writes the state, merged with what another build saved meanwhile. Rows of gone nodes stay a
        while: a branch switched away from comes back. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        with _locked(self.path / "lock"):
            theirs = State.load(self.path.parent.parent)
            rows = theirs.rows | {name: self.rows[name] for name in self._touched}
            choices = theirs.choices | {key: self.choices[key] for key in self._chosen}
            kept = {name: row for name, row in rows.items() if name in nodes or row.record}
            memo.save(self.path / "memo", self._plain(kept, choices))

    def _plain(self, rows: Mapping[NodeName, NodeRow], choices: dict[str, str]) -> object:
        return {
            "shape": _SHAPE,
            "memory": self.memory.to_plain(),
            "probes": self.probes,
            "rows": {name: _plain_row(row) for name, row in rows.items()},
            "choices": choices,
        }


_plain_row = attrgetter(*NodeRow._fields)

_SHAPE = ("state 1", *NodeRow._fields)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
