"""Sources: the user's own data, read in place, hashed once, never copied (unless `source = "keep"`).

A source's digest is that of its tree as a reader sees it: symlinks followed. Each file's digest is memoised
under its fingerprint; `Footprint` is what must still hold before and after each reader (L3).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple, Protocol

from blake3 import blake3

from fusionpipe.disk import FileKind, Listed
from fusionpipe.freeze import CannotFreeze
from fusionpipe.model import Node
from fusionpipe.prints import Print, print_of
from fusionpipe.workspace import Workspace
from fusionstore.digest import Digest
from fusionstore.tree import Entry, Kind, Tree, build

_CHUNK = 8 << 20

Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all) while a source is read."""


class Watched(Protocol):
    """Something that must not change while a node reads it."""

    def first_change(self) -> str | None:
        """A path that is not what it was, or None."""


class Footprint(NamedTuple):
    """Every file and directory of something read in place, with the fingerprint it had when hashed."""

    seen: tuple[tuple[str, Print], ...]

    def first_change(self) -> str | None:
        """A path that is not what it was, or None. One stat a path; safe from any thread."""
        for path, was in self.seen:
            try:
                if print_of(os.stat(path)) != was:
                    return path
            except OSError:
                return path
        return None


class Read(NamedTuple):
    """A source as it was found."""

    tree: Tree
    footprint: Footprint


def read_source(node: Node, disk: Workspace, progress: Progress) -> Read:
    """Hashes what a source holds. Raises CannotFreeze."""
    assert node.source is not None
    try:
        return _read(node.source.path, disk, progress)
    except RecursionError:
        raise CannotFreeze(node.source.path, "its directories are nested too deeply") from None


def _read(top: str, disk: Workspace, progress: Progress) -> Read:
    if disk.kind(top) is not FileKind.DIRECTORY:
        raise CannotFreeze(top, "a source is a directory, and there is none")
    files: list[tuple[str, str]] = []
    directories: list[str] = []
    empty: list[str] = []
    _walk(disk, top, "", files, directories, empty, frozenset())
    counter = _Counter(progress, _bytes_to_read(disk, files))
    entries: dict[str, Entry] = {at: Entry("", Kind.DIRECTORY) for at in empty}
    seen: list[tuple[str, Print]] = []
    for at, path in files:
        digest, status = _digest(disk, path, counter)
        kind = Kind.EXECUTABLE if status.st_mode & 0o111 else Kind.FILE
        entries[at] = Entry("", kind, digest, status.st_size)
        seen.append((disk.absolute(path), print_of(status)))
    for path in directories:
        fingerprint = disk.sightings[path]
        assert isinstance(fingerprint, bytes)
        seen.append((disk.absolute(path), fingerprint))
    return Read(build(entries), Footprint(tuple(seen)))


def _walk(
    disk: Workspace,
    directory: str,
    at: str,
    files: list[tuple[str, str]],
    directories: list[str],
    empty: list[str],
    above: frozenset[str],
) -> None:
    """Lists what lies below a directory, following symlinks."""
    listed = _scan(disk, directory)
    directories.append(directory)
    if not listed and at:
        empty.append(at)
    for row in listed:
        path, name = f"{directory}/{row.name}", f"{at}/{row.name}" if at else row.name
        kind = disk.kind(path) if row.kind is FileKind.SYMLINK else row.kind
        if kind is FileKind.FILE:
            files.append((name, path))
        elif kind is FileKind.DIRECTORY:
            inner = above
            if row.kind is FileKind.SYMLINK:
                inner = above | {disk.real_path(directory)}
                target = disk.real_path(path)
                if any(_holds(target, passed) for passed in inner):
                    raise CannotFreeze(path, "the symlink leads back to a directory it lies in")
            _walk(disk, path, name, files, directories, empty, inner)
        elif kind is None:
            raise CannotFreeze(path, "a symlink that leads nowhere")
        else:
            raise CannotFreeze(path, "not a file: a socket, a fifo or a device")


def _holds(above: str, path: str) -> bool:
    """True when `path` is the directory `above` or lies in it ("" is the project's root)."""
    if not above:
        return not path.startswith("/")
    return path == above or path.startswith(f"{above.rstrip('/')}/")


def _scan(disk: Workspace, directory: str) -> tuple[Listed, ...]:
    try:
        listed = disk.scan(directory)
    except OSError as error:
        raise CannotFreeze(directory, os.strerror(error.errno or 0)) from error
    if listed is None:
        raise CannotFreeze(directory, "the directory is gone")
    return listed


class _Counter:
    """Adds up what was read."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def add(self, count: int) -> None:
        self._done += count
        self._progress(self._done, max(self._total, self._done))


def _bytes_to_read(disk: Workspace, files: list[tuple[str, str]]) -> int:
    known = disk.memory.files
    return sum(disk.size(path) for _, path in files if path not in known)


def _digest(disk: Workspace, path: str, counter: _Counter) -> tuple[Digest, os.stat_result]:
    try:
        return disk.digest_seen(path, lambda place: _digest_slowly(place, counter))
    except OSError as error:
        raise CannotFreeze(path, os.strerror(error.errno or 0)) from error


def _digest_slowly(place: str, counter: _Counter) -> Digest:
    """A file's digest, told chunk by chunk. Never by memory map: the user may truncate it meanwhile."""
    hasher = blake3(max_threads=blake3.AUTO)
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while count := os.readv(fd, [buffer]):
            hasher.update(view[:count])
            counter.add(count)
    finally:
        os.close(fd)
    return Digest(hasher.hexdigest())
