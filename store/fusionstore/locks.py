"""Kernel locks on keys: gone with the process that held them, whatever killed it.

Byte-range locks of open file descriptions on one file, where the kernel has them (so two claims in one
process exclude one another too); elsewhere `flock` on a file per key. Nothing here knows what is locked.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from fusionstore.layout import Layout

_FLOCK = struct.Struct("hhqqi4x")
_TREES = 1 << 61  # trees are locked in the same file, beyond all keys
_STORE = 1 << 62  # and so is all of it, against deleting
_COLLECTOR = _STORE + 1


class Locks:
    """The locks of one store."""

    def __init__(self, layout: Layout) -> None:
        self._locks: _RangeLocks | _FileLocks
        if hasattr(fcntl, "F_OFD_SETLK"):
            self._locks = _RangeLocks(f"{layout.locks}/keys")
        else:
            self._locks = _FileLocks(f"{layout.locks}/key")

    def try_key(self, key: str) -> int | None:
        """The lock of a key as a file descriptor, None if somebody has it."""
        return self._locks.take(int(key[:15], 16), wait=False)

    def wait_for_key(self, key: str) -> int:
        """The lock of a key, once its holder is done or dead."""
        fd = self._locks.take(int(key[:15], 16), wait=True)
        assert fd is not None
        return fd

    def wait_for_tree(self, tree: str) -> int:
        """The right to mend a tree."""
        fd = self._locks.take(int(tree[:15], 16) | _TREES, wait=True)
        assert fd is not None
        return fd

    def share_store(self) -> int:
        """Nothing is deleted by gc while this is held: briefly, and without asking for another lock."""
        fd = self._locks.take(_STORE, wait=True, shared=True)
        assert fd is not None
        return fd

    def own_store(self) -> int:
        """The right to delete: nobody is just making sure that something is there."""
        fd = self._locks.take(_STORE, wait=True)
        assert fd is not None
        return fd

    def wait_for_collector(self) -> int:
        """The right to collect: one process at a time."""
        fd = self._locks.take(_COLLECTOR, wait=True)
        assert fd is not None
        return fd

    def release(self, fd: int) -> None:
        """Gives a lock back."""
        self._locks.give_back(fd)


class _RangeLocks:
    def __init__(self, path: str) -> None:
        self._path = path

    def take(self, offset: int, *, wait: bool, shared: bool = False) -> int | None:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        kind = fcntl.F_RDLCK if shared else fcntl.F_WRLCK
        command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
        try:
            fcntl.fcntl(fd, command, _FLOCK.pack(kind, os.SEEK_SET, offset, 1, 0))
        except OSError as error:
            os.close(fd)
            if error.errno in (errno.EAGAIN, errno.EACCES) and not wait:
                return None
            raise
        return fd

    def give_back(self, fd: int) -> None:
        # unlocked first: a forked child that never execs would keep the description open
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, 0, 0, 0))
        os.close(fd)


class _FileLocks:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def take(self, offset: int, *, wait: bool, shared: bool = False) -> int | None:
        path = f"{self._prefix}-{offset:016x}"
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return fd

    def give_back(self, fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)
