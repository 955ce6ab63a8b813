"""Bringing a finished output directory in: it becomes the stored tree, nothing is copied.

Each file is made read-only, stamped, proven quiet, hashed and linked into objects; then the directory is
renamed to its place. Nothing here is durable yet and nothing becomes visible as a result.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from fusionstore.arrivals import Arrivals, Arrived
from fusionstore.copying import copy_file
from fusionstore.digest import EMPTY_BLOB, Digest, digest_bytes, digest_fd
from fusionstore.errors import ChangedWhileStored, UnstorableFile
from fusionstore.layout import Layout, blob_name
from fusionstore.objects import Objects
from fusionstore.scratch import Scratch
from fusionstore.seal import Stamp, directory_row, file_row, link_row, seal, stamp
from fusionstore.tree import Entry, Kind, Tree, encode

Step = Callable[[str], None]
MAX_DEPTH = 300
_MMAP_FROM = 128 * 1024
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_PATIENCE = (0.001, 0.004, 0.016)


class _Gathered:
    """What was found so far below one directory."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.rows: list[bytes] = []
        self.encodings: dict[Digest, bytes] = {}
        self.blobs: set[str] = set()
        self.below: list[str] = []
        self.loose: list[str] = []

    def arrived(self, tree: Tree) -> Arrived:
        """All of it, once the tree stands."""
        blobs, below, loose = frozenset(self.blobs), tuple(self.below), tuple(self.loose)
        return Arrived(tree, seal(self.rows), blobs, below, loose)


class _Taken(NamedTuple):
    """A file that is an object now."""

    digest: Digest
    name: str
    now: Stamp  # what its path has in the end
    is_executable: bool
    is_loose: bool  # its path has an inode of its own, not its object's


class Ingest:
    """Takes directories and files over."""

    def __init__(
        self,
        layout: Layout,
        objects: Objects,
        arrivals: Arrivals,
        scratch: Scratch,
        step: Step,
    ) -> None:
        self._layout = layout
        self._objects = objects
        self._arrivals = arrivals
        self._scratch = scratch
        self._step = step

    def take(self, directory: str, verify: Callable[[Tree], object]) -> Tree:
        """Takes a private directory over. `verify` proves a tree that stands in the place already."""
        mode = os.lstat(directory).st_mode
        if not stat.S_ISDIR(mode):  # through a link, somebody else's files would be frozen
            what = "a file" if stat.S_ISREG(mode) else describe(mode)
            raise UnstorableFile(os.path.basename(directory), what)
        gathered = _Gathered(directory)
        root = self._directory(gathered, "", mode, 0)
        tree = Tree(root.digest, gathered.encodings)
        place = self._layout.tree(tree.root)
        if os.path.lexists(place):
            verify(tree)
            self._scratch.trash(directory)
            return tree
        try:
            os.rename(directory, place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            verify(tree)  # another process was faster
            self._scratch.trash(directory)
            return tree
        self._arrivals.add_tree(gathered.arrived(tree))
        self._step("tree in place")
        return tree

    def take_file(self, path: str) -> Digest:
        """Takes one private file over; `path` stays a name of it."""
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            raise UnstorableFile(path, describe(mode))
        return self._file(path, path, executable=False).digest

    def copy(self, directory: str) -> str:
        """A private copy of somebody's directory, to be taken over."""
        target = self._scratch.fresh()
        _copy_directory(directory, target, "", 0)
        return target

    def _directory(self, gathered: _Gathered, prefix: str, mode: int, depth: int) -> Entry:
        path = f"{gathered.root}/{prefix}" if prefix else gathered.root
        if depth > MAX_DEPTH:
            raise UnstorableFile(prefix, "a directory nested too deeply")
        if stat.S_IMODE(mode) != 0o755:
            os.chmod(path, 0o755)
        with os.scandir(path) as names:
            entries = [self._entry(gathered, prefix, name, depth) for name in names]
        data = encode(entries)
        digest = digest_bytes(data)
        gathered.encodings[digest] = data
        return Entry("", Kind.DIRECTORY, digest, sum(entry.size for entry in entries))

    def _entry(
        self, gathered: _Gathered, prefix: str, found: os.DirEntry[str], depth: int
    ) -> Entry:
        name, path = found.name, prefix + found.name
        if found.is_file(follow_symlinks=False):  # the directory tells: no call
            taken = self._file(found.path, path, executable=None)
            gathered.blobs.add(taken.name)
            if taken.is_loose:
                gathered.loose.append(path)
            executable = taken.is_executable
            gathered.rows.append(file_row(path, executable, taken.now))
            kind = Kind.EXECUTABLE if executable else Kind.FILE
            return Entry(name, kind, taken.digest, taken.now.size)
        mode = found.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            gathered.below.append(path)
            gathered.rows.append(directory_row(path))
            return self._directory(gathered, path + "/", mode, depth + 1)._replace(name=name)
        if stat.S_ISLNK(mode):
            target = inner_target(gathered.root, path)
            gathered.rows.append(link_row(path, target))
            return Entry(name, Kind.SYMLINK, target=target)
        raise UnstorableFile(path, describe(mode))

    def _file(self, path: str, shown: str, *, executable: bool | None) -> _Taken:
        """Takes a file over; `executable` None leaves it to its mode."""
        fd = _open_to_read(path)
        try:
            status = os.fstat(fd)
            if status.st_nlink > 1:
                self._unlink_from_others(path, status)
                return self._file(path, shown, executable=executable)
            if executable is None:
                executable = bool(status.st_mode & 0o111)
            os.fchmod(fd, 0o555 if executable else 0o444)
            digest = _quiet_digest(fd, path, shown, status.st_size)
        finally:
            os.close(fd)
        name = blob_name(digest, executable=executable)
        now = self._objects.adopt(path, name, stamp(status))
        self._step("object linked")
        is_loose = now.inode == status.st_ino and now != self._arrivals.blob(name)
        return _Taken(digest, name, now, executable, is_loose)

    def _unlink_from_others(self, path: str, status: os.stat_result) -> None:
        """A file with other names might be somebody's own: it must be neither frozen nor shared."""
        temporary = self._scratch.fresh()
        copy_file(path, temporary, stat.S_IMODE(status.st_mode))
        os.rename(temporary, path)


def inner_target(root: str, path: str) -> str:
    """The text of a symlink inside a tree. Raises UnstorableFile if it leads out of the tree."""
    full = f"{root}/{path}"
    target = os.readlink(full)
    top = os.path.realpath(root)
    end = os.path.realpath(full)
    if target.startswith("/") or not (end == top or end.startswith(top + "/")):
        raise UnstorableFile(path, f"a symbolic link to {target!r}, outside the directory")
    return target


def describe(mode: int) -> str:
    """What a file that cannot be stored is, for people."""
    kinds = {
        stat.S_IFIFO: "a named pipe (fifo)",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFDIR: "a directory",
        stat.S_IFLNK: "a symbolic link",
    }
    return kinds.get(stat.S_IFMT(mode), "not a regular file")


def _open_to_read(path: str) -> int:
    try:
        return os.open(path, _READ)
    except PermissionError:  # its writer shut it, even to its owner
        status = os.lstat(path)
        if status.st_nlink > 1 or not stat.S_ISREG(status.st_mode):
            raise
        os.chmod(path, stat.S_IMODE(status.st_mode) | stat.S_IRUSR)
        return os.open(path, _READ)


def _quiet_digest(fd: int, path: str, shown: str, size: int) -> Digest:
    if not is_quiet(fd):
        raise ChangedWhileStored(shown)
    if size >= _MMAP_FROM:
        from blake3 import blake3

        return Digest(blake3(max_threads=1).update_mmap(path).hexdigest())
    return EMPTY_BLOB if size == 0 else digest_fd(fd, size_hint=size)


def is_quiet(fd: int) -> bool:
    """False if some process has the file open for writing (Linux; elsewhere nothing is known).

    A child that is just being spawned holds all our descriptors until it execs: hence the patience.
    """
    if sys.platform != "linux":
        return True
    return _has_no_writer(fd) or any(_has_no_writer(fd, pause) for pause in _PATIENCE)


def _has_no_writer(fd: int, pause: float = 0.0) -> bool:
    """A lease can only be had on a file nobody writes to. It ends when `fd` is closed: until then whoever
    opens the file to write waits, and the signal that tells us must be one that is ignored by default."""
    if pause:
        time.sleep(pause)
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno != errno.EAGAIN  # anything else: leases are not to be had here
    return True


def _copy_directory(source: str, target: str, prefix: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise UnstorableFile(prefix, "a directory nested too deeply")
    os.mkdir(target, 0o755)
    with os.scandir(source) as names:
        for name in names:
            copied, path = f"{target}/{name.name}", prefix + name.name
            before = name.stat(follow_symlinks=False)
            mode = before.st_mode
            if stat.S_ISDIR(mode):
                _copy_directory(name.path, copied, path + "/", depth + 1)
            elif stat.S_ISLNK(mode):
                os.symlink(os.readlink(name.path), copied)
            elif stat.S_ISREG(mode):
                copy_file(name.path, copied, 0o755 if mode & 0o111 else 0o644)
                if stamp(os.lstat(name.path)) != stamp(before):
                    raise ChangedWhileStored(path)
            else:
                raise UnstorableFile(path, describe(mode))
