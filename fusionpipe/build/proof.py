"""What a run reads of the store, as it was proven: looked at again before a node reads it and when it ends.

A look has to be cheap, for every reader of a tree takes two. The names in a directory cannot change without
its change time, which nobody can set at will; so a small flat tree is compared by one `lstat` a name and one
for its directory. Others are scanned.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fusionpipe.runner.leftovers import CLOCK_TICK
from fusionstore.seal import scan_seal

_FEW = 32
"""Names up to which a tree's are remembered one by one."""

_Mark = tuple[int, int, int, int]
_Names = tuple[tuple[str, _Mark], ...]


class _Flat(NamedTuple):
    """A small tree without directories: what `lstat` says of each name, and of the directory itself."""

    names: _Names
    directory: tuple[int, int, int]  # inode, modified, changed (ns)


class Proof:
    """A stored tree as it was proven. Found changed once, it is spoilt for all who were reading it.

    So a run that saw another's scribbles is void even when the tree has been mended before it ends.
    `shown` is what the user knows it by.
    """

    def __init__(self, shown: str, place: Path, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.shown = shown
        self.place = place
        self.is_spoilt = False
        self._path = str(place)
        self._now_ns = now_ns
        self._seen: bytes | _Names = b""  # what a scan found
        self._flat: _Flat | None = None  # what may be compared without a scan
        self._mark: _Mark | None = None  # of a single file

    @classmethod
    def of_tree(cls, shown: str, place: Path, *, now_ns: Callable[[], int] = time.time_ns) -> Proof:
        """The proof of a tree that was checked just now. Raises OSError."""
        proof = cls(shown, place, now_ns)
        proof._seen = proof._scan()
        return proof

    @classmethod
    def of_file(cls, shown: str, place: Path) -> Proof:
        """The proof of a single stored file. Raises OSError."""
        proof = cls(shown, place)
        proof._mark = _mark(os.lstat(proof._path))
        return proof

    def first_change(self) -> str | None:
        """What was proven, if that does not hold any more. A few stats, or one scan of the tree."""
        if not self.is_spoilt:
            try:
                self.is_spoilt = not self._holds()
            except OSError:  # it is gone, or shut
                self.is_spoilt = True
        return self.shown if self.is_spoilt else None

    def _holds(self) -> bool:
        if self._mark is not None:
            return _mark(os.lstat(self._path)) == self._mark
        if self._flat is not None and _directory(os.lstat(self._path)) == self._flat.directory:
            return all(_mark(os.lstat(path)) == mark for path, mark in self._flat.names)
        return self._scan() == self._seen

    def _scan(self) -> bytes | _Names:
        """What tells the tree from what it was. Where that is a few names, they may be compared from now on,
        unless the directory is so young that one more name would not show in its change time.
        """
        now = self._now_ns()
        self._flat = flat = _flat(self._path)
        if flat is None:
            return scan_seal(self._path)
        changed_at = flat.directory[2]
        if changed_at >= now - CLOCK_TICK:
            self._flat = None
        return flat.names


def _flat(directory: str) -> _Flat | None:
    """What a directory holds; None if that is more than a few names, or anything but files and links."""
    # before its names: what is added meanwhile changes it
    before = os.lstat(directory)
    if not stat.S_ISDIR(before.st_mode):
        raise NotADirectoryError(directory)
    names: list[tuple[str, _Mark]] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) or len(names) == _FEW:
                return None
            names.append((entry.path, _mark(status)))
    return _Flat(tuple(sorted(names)), _directory(before))


def _mark(status: os.stat_result) -> _Mark:
    """What its bytes depend on (a symlink's text never changes in its inode), its kind, and whether it is
    executable: what else its mode says is put right as it is found, and is nobody's doing.
    """
    mode = status.st_mode
    kind = stat.S_IFMT(mode) | (1 if mode & 0o111 else 0)
    return kind, status.st_size, status.st_mtime_ns, status.st_ino


def _directory(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns
