"""A `Disk` that remembers nothing, for tests of what reads one."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from fusionpipe.disk import FileKind, Listed
from fusionstore.digest import Digest, digest_file

_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class PlainDisk:
    """A `Disk` straight from the file system: every question is a system call, nothing is remembered."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._top = f"{root}/"

    def _at(self, path: str) -> str:
        return path if path.startswith("/") else self._top + path

    def scan(self, directory: str) -> tuple[Listed, ...] | None:
        """The names in a directory, sorted."""
        try:
            with os.scandir(self._at(directory)) as entries:
                return tuple(
                    sorted((_listed(entry) for entry in entries), key=lambda one: one.name)
                )
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise

    def kind(self, path: str) -> FileKind | None:
        """What stands at a path, links followed."""
        try:
            return _kind(os.stat(self._at(path)).st_mode)
        except OSError:
            return None

    def is_executable(self, path: str) -> bool:
        """True if a file there has an executable bit."""
        try:
            return bool(os.stat(self._at(path)).st_mode & 0o111)
        except OSError:
            return False

    def read_link(self, path: str) -> str | None:
        """A symlink's text."""
        try:
            return os.readlink(self._at(path))
        except OSError:
            return None

    def real_path(self, path: str) -> str:
        """The path with every link resolved."""
        real, top = os.path.realpath(self._at(path)), os.path.realpath(self.root)
        if real == top:
            return ""
        return real.removeprefix(top + "/")

    def read(self, path: str) -> bytes | None:
        """A small file's bytes."""
        try:
            return _read(self._at(path))
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise

    def shebang(self, path: str) -> bytes | None:
        """A script's `#!` line."""
        data = self.read(path)
        if data is None or not data.startswith(b"#!"):
            return None if data is None else b""
        return data.split(b"\n", 1)[0]

    def digest(self, path: str) -> Digest:
        """The digest of a file's bytes."""
        return digest_file(self._at(path))

    def size(self, path: str) -> int:
        """A file's size in bytes."""
        return os.stat(self._at(path)).st_size

    def fingerprint(self, path: str) -> tuple[int, ...] | None:
        """What `stat` says of a path."""
        try:
            status = os.stat(self._at(path))
        except OSError:
            return None
        return (
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
            status.st_dev,
        )


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _listed(entry: os.DirEntry[str]) -> Listed:
    if entry.is_symlink():
        return Listed(entry.name, FileKind.SYMLINK)
    if entry.is_dir():
        return Listed(entry.name, FileKind.DIRECTORY)
    mode = entry.stat(follow_symlinks=False).st_mode
    return Listed(entry.name, _kind(mode), bool(mode & 0o111))


def _kind(mode: int) -> FileKind:
    if stat.S_ISREG(mode):
        return FileKind.FILE
    return FileKind.DIRECTORY if stat.S_ISDIR(mode) else FileKind.OTHER
