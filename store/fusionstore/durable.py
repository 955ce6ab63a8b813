"""Making bytes survive a power cut, and telling a full disk from other trouble.

One barrier may serve many files: `syncfs` once there are more than a few, since it costs about as much
as a handful of single syncs. Nothing here decides what has to be durable.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from fusionstore.errors import DiskFull, DiskRefused, StoreError

SYNC_EACH = 16
"""Up to so many files and directories are synced one by one: `syncfs` waits for what others write, too."""
SYNC_EACH_AGAIN = 2
"""The same just after a `syncfs`, when little else is left to write: another takes as long as two single ones."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskErrors:
    """Tells a file system's refusal as a StoreError: DiskFull, or DiskRefused for the rest.

    `with` it as often as you like, from any thread: it keeps nothing. (A generator made into a context
    manager takes 2 µs, which every call of a store would pay.)
    """

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise as_store_error(error, self._path) from error


def as_store_error(error: OSError | StoreError, path: str) -> StoreError:
    """A file system's refusal, at `path` unless it names another, as a StoreError."""
    if isinstance(error, StoreError):
        return error
    where = Path(error.filename if isinstance(error.filename, str) else path)
    if error.errno in _FULL:
        return DiskFull(where)
    return DiskRefused(where, error.strerror or str(error))


def barrier(
    root: str, files: Collection[str], directories: Collection[str], *, each: int = SYNC_EACH
) -> bool:
    """Returns once these files and directories, all on the file system of `root`, are on the disk.

    More than `each` of them are synced with all else on that file system; True if that was done.
    """
    if len(files) + len(directories) > each:
        sync_file_system(root)
        return True
    for path in files:
        _sync(path, data_only=True)
    for path in directories:
        _sync(path, data_only=False)
    return False


def sync_file_system(root: str) -> None:
    """Returns once everything written so far to the file system of `root` is on the disk."""
    if sys.platform != "linux":
        os.sync()
        return
    import ctypes  # 7 ms: only those who write pay for it

    fd = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), root)
    finally:
        os.close(fd)


def write_new(path: str, data: bytes, mode: int = 0o444) -> None:
    """Writes a file that was not there. Not yet durable. Raises FileExistsError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(fd, mode)  # whatever the umask
        write_all(fd, data)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Writes all of it; a single `write` may stop short when a disk fills up."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def link_new(source: str, target: str) -> None:
    """Gives `source` a second name, making the name's directory if needed. Raises FileExistsError."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        with suppress(FileExistsError):
            os.mkdir(os.path.dirname(target))
        os.link(source, target, follow_symlinks=False)


def _sync(path: str, *, data_only: bool) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if data_only and sys.platform == "linux":
            os.fdatasync(fd)
        else:
            os.fsync(fd)
    finally:
        os.close(fd)
