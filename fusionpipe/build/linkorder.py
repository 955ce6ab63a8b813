"""Which build's link may stand, where two build at once (L10)."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from fusionpipe.model import NodeName

_SLOTS = 1 << 20
_STAMP = struct.Struct(">Q")
_WHOLE = 0  # as a length of `lockf`


class LinkOrder:
    """One stamp (a build's start, in ns) per node, under a lock of its own.

    A file of 8-byte stamps, by the node's hash. Two nodes that share a place only make a link of a
    build that runs beside a later one wait for the next build. A stamp that is still to come was made
    before the machine's clock was set back: it counts for nothing.
    """

    def __init__(self, path: Path, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    @contextmanager
    def turn(self, node: NodeName, stamp: int) -> Iterator[bool]:
        """Holds the node's place; true when no build that started after `stamp` has linked there."""
        place = _place(node)
        fcntl.lockf(self._fd, fcntl.LOCK_EX, _STAMP.size, place)
        try:
            yield self.take(node, stamp)
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, _STAMP.size, place)

    @contextmanager
    def all_turns(self) -> Iterator[None]:
        """Holds every place, for `take`: one lock for thousands of nodes."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX, _WHOLE)
        try:
            yield
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, _WHOLE)

    def take(self, node: NodeName, stamp: int) -> bool:
        """Leaves a stamp in a place that is held, unless a later build has. True if it did."""
        place = _place(node)
        data = os.pread(self._fd, _STAMP.size, place)
        last = _STAMP.unpack(data)[0] if len(data) == _STAMP.size else 0
        if stamp < last <= self._now_ns():
            return False
        os.pwrite(self._fd, _STAMP.pack(stamp), place)
        return True

    def close(self) -> None:
        """Lets the file go."""
        os.close(self._fd)


def _place(node: NodeName) -> int:
    digest = blake3(node.encode("utf-8", "surrogateescape")).digest(8)
    return int.from_bytes(digest, "big") % _SLOTS * _STAMP.size
