"""Private directories below tmp/: each is locked by the process that uses it, so that those of dead
processes can be told from those of live ones and swept away. Deleting is done outside of builds.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fusionstore.layout import Layout

_NEW = "new-"
_NEW_FOR = 600.0  # seconds after which a directory that never got its name belongs to nobody


class Scratch:
    """The scratch directories of one open store."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._count = itertools.count()
        self._own = ""
        self._held: dict[str, int] = {}

    def directory(self) -> str:
        """A fresh directory of the caller's, kept until the store is closed or the process ends."""
        name = f"{os.getpid()}-{time.time_ns() // 1_000_000}-{os.urandom(4).hex()}"
        new = f"{self._layout.tmp}/{_NEW}{name}"
        os.mkdir(new, 0o755)
        fd = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = f"{self._layout.tmp}/{name}"
        os.rename(new, path)  # only now, locked, may a sweep see it
        with self._lock:
            self._held[path] = fd
        return path

    @property
    def is_live(self) -> bool:
        """True once others can tell that this process lives."""
        return bool(self._held)

    def begin(self) -> None:
        """Makes sure that they can."""
        if not self._held:
            self.fresh()

    def oldest_other(self) -> float | None:
        """When the oldest other live process took its first directory here; None if there is no other."""
        begun = [
            _begun(path)
            for path in _children(self._layout.tmp)
            if path != self._layout.trash and path not in self._held and not _is_abandoned(path)
        ]
        return min(begun, default=None)

    def fresh(self) -> str:
        """A path for a temporary file of the store's own; nothing is there yet."""
        if not self._own:
            own = self.directory()
            with self._lock:
                self._own = self._own or own
        return f"{self._own}/{next(self._count)}"

    @contextmanager
    def temporary(self) -> Iterator[str]:
        """A path for a temporary file that is gone afterwards, whatever happens."""
        path = self.fresh()
        try:
            yield path
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path)

    def trash(self, path: str) -> None:
        """Moves something out of the way, to be deleted later. Harmless if it is not there."""
        try:
            os.rename(path, f"{self._layout.trash}/{os.urandom(8).hex()}")
        except FileNotFoundError:
            return

    def empty_trash(self) -> None:
        """Deletes what was moved out of the way."""
        for path in _children(self._layout.trash):
            _delete(path)

    def abandoned(self) -> list[str]:
        """The scratch of processes that ended."""
        return [
            path
            for path in _children(self._layout.tmp)
            if path != self._layout.trash and path not in self._held and _is_abandoned(path)
        ]

    def sweep(self) -> list[str]:
        """Moves the scratch of processes that ended to the trash; the names of what was swept."""
        swept = self.abandoned()
        for path in swept:
            self.trash(path)
        return [os.path.basename(path) for path in swept]

    def close(self) -> None:
        """Gives up all directories; what is in them is swept later."""
        with self._lock:
            held, self._held = self._held, {}
        for path, fd in held.items():
            self.trash(path)
            os.close(fd)


def _children(directory: str) -> list[str]:
    return [f"{directory}/{name}" for name in os.listdir(directory)]


def _is_abandoned(path: str) -> bool:
    try:
        if os.path.basename(path).startswith(_NEW):
            return os.lstat(path).st_mtime < time.time() - _NEW_FOR
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def _begun(path: str) -> float:
    """The time in a directory's name; of one that is no name of ours nothing is known, so it is old."""
    try:
        return int(os.path.basename(path).removeprefix(_NEW).split("-")[1]) / 1000
    except (IndexError, ValueError):
        return 0.0


def _delete(path: str) -> None:
    """Deletes a whole tree, whatever its directories' modes; another process may do the same."""
    try:
        os.unlink(path)
        return
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        pass
    try:
        os.chmod(path, 0o700)
        for child in _children(path):
            _delete(child)
        os.rmdir(path)
    except (FileNotFoundError, OSError):
        return  # somebody else is emptying it, or it cannot be deleted now: next time
