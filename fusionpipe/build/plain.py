"""Results as plain files instead of links, for those who ask for it: `link = "hardlink" | "reflink" | "copy"`.

A plain directory is ours while every file in it is as we put it there; what the user changed or added makes
it theirs, and it is kept (L9) before another result takes its place. Copies are writable, and editing them
never reaches the store; hard links are read-only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from fusionpipe import memo
from fusionpipe.model import NodeName

_FICLONE = 0x40049409
_Stamps = tuple[tuple[str, int, int, int], ...]


class PlainResults:
    """Lays results out as plain files. `state` is where it remembers what it laid."""

    def __init__(self, root: Path, state: Path, mode: str, keep: Callable[[Path], object]) -> None:
        self._root = root
        self._state = state
        self._copy = {"hardlink": _hardlink, "reflink": _reflink, "copy": _plain_copy}[mode]
        self._keep = keep

    def put_tree(self, node: NodeName, name: str, tree: Path) -> None:
        """Makes `name` in the node's directory hold the files of a stored tree. Raises OSError."""
        at = self._root / node / name
        beside = at.with_name(f".{name}.new.{os.getpid()}")
        shutil.rmtree(beside, ignore_errors=True)
        try:
            self._lay(tree, beside)
            stamps = _stamps(beside)
            self.clear(node, name)
            os.rename(beside, at)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        memo.save(self._memo(node, name), stamps)

    def put_file(self, node: NodeName, name: str, file: Path) -> None:
        """Makes `name` in the node's directory a plain file with these bytes. Raises OSError."""
        beside = self._root / node / f".{name}.{os.getpid()}"
        beside.unlink(missing_ok=True)
        self._copy(str(file), str(beside))
        at = self._root / node / name
        os.replace(beside, at)
        memo.save(self._memo(node, name), _stamp_of_file(at))

    def clear(self, node: NodeName, name: str) -> None:
        """Takes away what stands there: ours is deleted, the user's kept first."""
        at = self._root / node / name
        if at.is_symlink():
            at.unlink()
        elif at.is_dir():
            if self.is_ours(node, name):
                shutil.rmtree(at)
            else:
                self._keep(at)

    def is_ours(self, node: NodeName, name: str) -> bool:
        """True if it is a plain directory that is still as it was laid. One stat a file."""
        at = self._root / node / name
        if at.is_symlink() or not at.is_dir():
            return False
        return memo.load(self._memo(node, name)) == _stamps(at)

    def is_our_file(self, node: NodeName, name: str) -> bool:
        """True if it is a plain file that is still as it was laid."""
        at = self._root / node / name
        return at.is_file() and memo.load(self._memo(node, name)) == _stamp_of_file(at)

    def _lay(self, tree: Path, to: Path) -> None:
        to.mkdir()
        for place, directories, files in os.walk(tree):
            below = to / os.path.relpath(place, tree)
            for name in directories:
                source = os.path.join(place, name)
                if os.path.islink(source):
                    os.symlink(os.readlink(source), below / name)
                else:
                    (below / name).mkdir()
            for name in files:
                source = os.path.join(place, name)
                if os.path.islink(source):
                    os.symlink(os.readlink(source), below / name)
                else:
                    self._copy(source, str(below / name))

    def _memo(self, node: NodeName, name: str) -> Path:
        return self._state / "plain" / f"{node.replace('/', '+')}+{name}"


def _stamp_of_file(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _stamps(directory: Path) -> _Stamps:
    return tuple(sorted(_stamps_below(str(directory), "")))


def _stamps_below(directory: str, prefix: str) -> Iterator[tuple[str, int, int, int]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            path = prefix + entry.name
            if stat.S_ISDIR(status.st_mode):
                yield path, 0, 0, 0
                yield from _stamps_below(entry.path, path + "/")
            else:
                yield path, status.st_size, status.st_mtime_ns, status.st_ino


def _hardlink(source: str, to: str) -> None:
    try:
        os.link(source, to)
    except OSError:
        _plain_copy(source, to)


def _reflink(source: str, to: str) -> None:
    """Shares the blocks where the file system can, else copies."""
    with open(source, "rb") as old, open(to, "xb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 1 << 20)
    _make_writable(source, to)


def _plain_copy(source: str, to: str) -> None:
    shutil.copyfile(source, to)
    _make_writable(source, to)


def _make_writable(source: str, to: str) -> None:
    os.chmod(to, 0o755 if os.stat(source).st_mode & 0o111 else 0o644)
