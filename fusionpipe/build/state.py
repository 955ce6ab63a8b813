"""The project's private state below `.fusionpipe/`: what is linked where, and what saves work next time.

It is a memo: deleting it loses speed and the memory of which earlier run to compare with, never a result.
Two builds may save at once: each merges the rows it touched into what lies there.
"""

from __future__ import annotations

import fcntl
import marshal
import os
from collections.abc import Container, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

from fusionpipe import memo
from fusionpipe.memory import Memory
from fusionpipe.model import NodeName
from fusionstore.contract import JsonObject

DIRECTORY = ".fusionpipe"
_RECENT = 20
_AT_ONCE = 1000
"""Rows that are written at a time."""


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


class State:
    """Everything kept, loaded once per command. Rows are unpacked when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.memory = Memory()
        self.probes: dict[str, JsonObject] = {}
        self.choices: dict[str, str] = {}  # key -> record chosen by -f, accept
        self.unsettled: frozenset[NodeName] = frozenset()  # put since the last snapshot
        self._rows: dict[NodeName, bytes] = {}  # a third of what they take as tuples
        self._touched: set[NodeName] = set()
        self._chosen: set[str] = set()
        self._loaded: tuple[int, int] | None = None  # which file the rows are from

    @classmethod
    def load(cls, root: Path) -> State:
        """The state of the project at `root`, empty if there is none to be trusted."""
        state = cls(root / DIRECTORY / "state")
        state._load_rows()
        parts: Iterator[Any] = memo.load_parts(state.path / "memory")
        if (head := next(parts, None)) and head[0] == _SHAPE:
            state.probes = head[1]
            state.memory = Memory.from_plain(parts)
        return state

    def _load_rows(self) -> None:
        file = self.path / "rows"
        self._loaded = _identity(file)
        parts: Iterator[Any] = memo.load_parts(file)
        if (head := next(parts, None)) and head[0] == _SHAPE:
            _, self.choices, self.unsettled = head
            for some in parts:
                self._rows.update(some)

    @property
    def has_rows(self) -> bool:
        """False in a checkout that never built, or lost its state."""
        return bool(self._rows)

    @property
    def names(self) -> tuple[NodeName, ...]:
        """The nodes something is known of, gone ones too."""
        return tuple(self._rows)

    def row(self, node: NodeName) -> NodeRow:
        """What is known of a node."""
        packed = self._rows.get(node)
        return _NOTHING if packed is None else NodeRow(*marshal.loads(packed[_FIRST.size :]))

    def seconds(self, node: NodeName) -> float:
        """What a node's run took, 0 if that is not known."""
        packed = self._rows.get(node)
        return 0.0 if packed is None else float(_FIRST.unpack_from(packed)[0])

    def record(self, node: NodeName) -> str:
        """The record a node is linked to, "" if it is not."""
        packed = self._rows.get(node)
        return "" if packed is None else _FIRST.unpack_from(packed)[1].rstrip(b"\0").decode()

    def put(self, node: NodeName, row: NodeRow) -> None:
        """Remembers a node's row."""
        self._rows[node] = _FIRST.pack(row.seconds, row.record.encode()) + marshal.dumps(tuple(row))
        self._touched.add(node)

    def choose(self, key: str, record: str) -> None:
        """Makes a record this project's choice for its key (L5)."""
        self.choices[key] = record
        self._chosen.add(key)

    def save(self, nodes: Container[NodeName], *, is_settled: bool = False) -> None:
        """Writes the state, merged with what another build saved meanwhile. Rows of gone nodes stay a
        while: a branch switched away from comes back. `is_settled`: a snapshot of it all follows. Raises
        OSError.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with _locked(self.path / "lock"):
            theirs: frozenset[NodeName] = frozenset()
            if _identity(self.path / "rows") != self._loaded:
                theirs = self._take_in_theirs()
            gone = [name for name in self._rows if name not in nodes and not self.record(name)]
            for name in gone:
                del self._rows[name]
            self.unsettled = theirs if is_settled else theirs | self.unsettled | self._touched
            memo.save_parts(self.path / "rows", self._parts())
            self._loaded = _identity(self.path / "rows")
        self.save_memory()

    def _parts(self) -> Iterator[object]:
        yield _SHAPE, self.choices, self.unsettled
        rows = iter(self._rows.items())
        while some := dict(islice(rows, _AT_ONCE)):
            yield some

    def save_memory(self) -> None:
        """Writes what is known of the user's files, and of interpreters. Raises OSError."""
        parts = chain([(_SHAPE, self.probes)], self.memory.to_plain())
        memo.save_parts(self.path / "memory", parts)

    def _take_in_theirs(self) -> frozenset[NodeName]:
        """Merges what another build saved meanwhile; the nodes that it left unsettled."""
        theirs = State(self.path)
        theirs._load_rows()
        self._rows = theirs._rows | {
            name: self._rows[name] for name in self._touched if name in self._rows
        }
        self.choices = theirs.choices | {key: self.choices[key] for key in self._chosen}
        return theirs.unsettled


_NOTHING = NodeRow()
_FIRST = Struct("=d64s")
"""In front of a packed row: what its run took, and its record. A build asks for them of all nodes."""
_SHAPE = ("state 5", *NodeRow._fields)


def _identity(path: Path) -> tuple[int, int] | None:
    """Tells one written file from the next: each is a new one, renamed into its place."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
