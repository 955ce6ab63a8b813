"""Private directories that nodes run in: laid out, looked through afterwards, reused.

No file is deleted while a build lasts: what is not wanted is renamed into `trash/`, for after many
deletions ext4 takes ten times as long to make files, for minutes. Names of code are unlinked (its bytes
live on in the store), directories that are empty serve the next run. What one run leaves must never be
there for the next.

Over 400 lines: a file for the pool alone would be one more module to read at each start.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

from fusionpipe.runner.layout import Layout, Placed
from fusionpipe.runner.leftovers import (
    CLOCK_TICK,
    DIRECTORIES,
    LOOKED_INTO,
    Before,
    Leftovers,
    find_leftovers,
)

__all__ = ["OBSERVED", "Layout", "Placed", "RunDirectories", "RunDirectory"]

OBSERVED = "{run}/.observed"
"""Where a run's observations go, as a value of `Run.extra`; an empty directory at start."""

# A socket's path has at most 108 bytes (104 on macOS), and Python's multiprocessing adds 32 to TMPDIR.
_LONGEST_TMPDIR = 70

# A hard link that cannot be: another file system, another's file, too many links, no such feature.
_COPY_INSTEAD = frozenset(
    {
        errno.EXDEV,
        errno.EPERM,
        errno.EACCES,
        errno.EMLINK,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.ENOSYS,
    }
)

_Stamp = tuple[int, int, int]


class _Params(NamedTuple):
    """What was last written as params.json, and what the file was then."""

    data: bytes
    stamp: _Stamp
    changed_at: int  # ns; nobody can set it


class RunDirectory:
    """One run's directory, of the shape of a node. Its names are fixed; their content is the run's."""

    __slots__ = (
        "_code", "_discard", "_empty", "_found", "_inside", "_laid_at", "_link", "_links", "_mode",
        "_params", "_root", "_strays",
        "code", "data", "is_kept", "layout", "log", "observed", "path", "reports", "tmp",
    )  # fmt: skip

    def __init__(
        self,
        path: Path,
        tmp: Path,
        discard: Callable[[str], None],
        link: Callable[[str, str], None],
    ) -> None:
        """Makes it. `discard` takes a path out of the way, `link` makes a symlink with a text at a path."""
        self.path = path
        self.code = path / "code"
        self.data = path / "data"
        self.reports = path / "reports"
        self.log = path / "logs.txt"
        self.observed = path / ".observed"
        self.tmp = tmp
        self.is_kept = False
        self._root = str(path)
        self._discard = discard
        self._link = link
        self._params: _Params | None = None
        self._empty: dict[str, int] = {}  # directories known to be empty, with their change times
        self._laid_at = 0
        self._forget()
        os.mkdir(self._root)
        for name in DIRECTORIES:
            os.mkdir(f"{self._root}/{name}")
        self._mode = os.stat(self._root).st_mode

    def _forget(self) -> None:
        self.layout = Layout()
        self._inside: tuple[str, ...] = ()  # the directories laid out, outer ones first
        self._code: tuple[str, ...] = ()  # its files
        self._links: tuple[tuple[str, Path], ...] = ()
        self._found: Leftovers | None = None
        self._strays: tuple[str, ...] | None = None

    @property
    def links(self) -> tuple[tuple[str, Path], ...]:
        """The symlinks laid out besides code/: name from the run directory, and where it leads."""
        return self._links

    # -- before the run -----------------------------------------------------------------------
    def lay(self, layout: Layout) -> None:
        """Puts everything of a layout in its place. The directory must be as new. Raises OSError."""
        self.layout = layout
        root = self._root
        inside = tuple(f"code/{name}" for name in layout.directories())
        self._inside = (*inside, *layout.link_directories())
        self._code = tuple(f"code/{placed.at}" for placed in layout.code)
        self._links = layout.links()
        for name in self._inside:
            os.mkdir(f"{root}/{name}")
        for placed, name in zip(layout.code, self._code, strict=True):
            _place(placed, f"{root}/{name}")
        for name, target in self._links:
            self._link(str(target), f"{root}/{name}")
        self._put_params(layout.params)
        self._laid_at = time.time_ns()

    def _put_params(self, params: bytes) -> None:
        """Leaves those of the last run where they are the same, and surely untouched."""
        path = f"{self._root}/params.json"
        there, last = _lstat(path), self._params
        if there is not None and last is not None and _is_as_written(there, last):
            # A change made in one tick of the clock with ours shows in no time: then they are read.
            is_old = last.changed_at < self._laid_at - CLOCK_TICK
            if params == last.data and (is_old or _read(path) == params):
                return
        elif there is not None:
            self._discard(path)  # the last run changed it, or linked it into its output
            there = None
        self._write_params(path, params, 0 if there is None else there.st_size)

    def _write_params(self, path: str, params: bytes, size: int) -> None:
        """Over what has `size` bytes there, which nobody else has: a new file costs more.

        Never truncated to nothing on the way: ext4 takes that for a replaced file and flushes it.
        """
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            os.write(file, params)
            if size > len(params):
                os.ftruncate(file, len(params))
            status = os.fstat(file)
            self._params = _Params(params, _stamp(status), status.st_ctime_ns)
        finally:
            os.close(file)

    # -- after the run ------------------------------------------------------------------------
    def settle_outputs(self) -> None:
        """Makes `data` and `reports` again where the run removed them. To be called when it is over."""
        for name in ("data", "reports"):
            if name in self._leftovers().missing:
                os.mkdir(f"{self._root}/{name}")

    def has_reports(self) -> bool:
        """False if the run surely left reports/ alone."""
        return "reports" not in self._leftovers().untouched

    def has_output(self) -> bool:
        """True if anything is in data/ or reports/, or stands in their place."""
        return any(not self._is_empty_directory(name) for name in ("data", "reports"))

    def strays(self) -> tuple[str, ...]:
        """What the run made or changed outside data/ and reports/, relative to its directory, sorted.

        To be asked when the run is over. A new directory is named once, with a `/` at its end. Python's
        caches do not count.
        """
        if self._strays is None:
            new = (n for n in self._leftovers().unexpected if not n.endswith("__pycache__/"))
            self._strays = tuple(sorted({*new, *self._changed_files()}))
        return self._strays

    def _leftovers(self) -> Leftovers:
        """Looked for once: nobody but us changes anything after the run."""
        if self._found is None:
            expected = {*self._inside, *self._code, *(name for name, _ in self._links)}
            before = Before(self._mode, self._laid_at, self._empty)
            self._found = find_leftovers(self._root, expected, self._inside, before)
        return self._found

    def _changed_files(self) -> Iterator[str]:
        for placed, name in zip(self.layout.code, self._code, strict=True):
            if placed.link is None and self._is_changed(name):
                yield name
        status = _lstat(f"{self._root}/params.json")
        if status is not None and (self._params is None or _stamp(status) != self._params.stamp):
            yield "params.json"

    def _is_changed(self, name: str) -> bool:
        """Written to or replaced since it was laid out, as far as the file system's clock can tell."""
        status = _lstat(f"{self._root}/{name}")
        return status is not None and status.st_mtime_ns > self._laid_at

    def _is_empty_directory(self, name: str) -> bool:
        status = _lstat(f"{self._root}/{name}")
        if status is None:
            return True
        return stat.S_ISDIR(status.st_mode) and not os.listdir(f"{self._root}/{name}")

    # -- for the next run ---------------------------------------------------------------------
    def clear(self) -> None:
        """Makes the directory as new. Raises OSError when it had better be given up."""
        found = self._leftovers()
        laid = (*self._code, *(name for name, _ in self._links))
        resisting = self._unlink(laid)
        for name in (*self._own_log(), *self._observations(found)):
            self._discard(f"{self._root}/{name}")
        resisting += self._remove_directories()
        unclean = {_top(name) for name in (*found.unexpected, *resisting)}
        for name in unclean.difference(DIRECTORIES):
            self._discard(f"{self._root}/{name}")
        self._renew_directories(found, unclean, {_top(name) for name in laid})
        self._forget()

    def _renew_directories(self, found: Leftovers, unclean: set[str], used: set[str]) -> None:
        """Makes our directories empty; remembers of those that nobody used when they last changed."""
        for name in DIRECTORIES:
            if name in found.untouched and name not in used:
                continue
            is_reused = name in found.sound and name not in unclean and self._is_reusable(name)
            if not is_reused:
                self._renew(name)
            if is_reused and name not in used:
                self._empty[name] = found.sound[name]
            else:
                self._empty.pop(name, None)

    def _is_reusable(self, name: str) -> bool:
        """Empty: by what `clear` did to it, or as a look into it tells."""
        if name in LOOKED_INTO:
            return True
        try:
            return not os.listdir(f"{self._root}/{name}")
        except FileNotFoundError:  # it became a result
            return False

    def _renew(self, name: str) -> None:
        path = f"{self._root}/{name}"
        try:
            os.mkdir(path)
        except FileExistsError:
            self._discard(path)
            os.mkdir(path)

    def _unlink(self, names: Sequence[str]) -> list[str]:
        """Takes away names of what lives on elsewhere; those that resist are something else now."""
        return [name for name in names if not _is_gone(os.unlink, f"{self._root}/{name}")]

    def _remove_directories(self) -> list[str]:
        inner_first = reversed(self._inside)
        return [name for name in inner_first if not _is_gone(os.rmdir, f"{self._root}/{name}")]

    def _own_log(self) -> list[str]:
        """The log, unless it lives on as an object and its name here can simply go."""
        status = _lstat(f"{self._root}/logs.txt")
        if status is None or (status.st_nlink > 1 and not self._unlink(["logs.txt"])):
            return []
        return ["logs.txt"]

    def _observations(self, found: Leftovers) -> list[str]:
        """The few small files of every Python run: they go, their directory stays."""
        if ".observed" in found.sound and ".observed" not in found.untouched:
            return [f".observed/{name}" for name in os.listdir(f"{self._root}/.observed")]
        return []

    def discard_to_trash(self, path: str) -> None:
        """Renames something on this file system out of the way. Raises OSError."""
        self._discard(path)


class RunDirectories:
    """The pool of run directories below `scratch`, which is this process's alone and stays the store's
    to delete. Used from one thread.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._trash = f"{scratch}/trash"
        os.makedirs(self._trash, exist_ok=True)
        self._symlinks = f"{scratch}/links"
        self._symlink_of: dict[str, str] = {}  # what it says -> where it lies in `_symlinks`
        self._free: list[RunDirectory] = []
        self._numbers = count()
        self._discarded = count()
        self._short: Path | None = None

    def acquire(self) -> RunDirectory:
        """A directory for one run, empty but for its shape. Raises OSError."""
        if self._free:
            return self._free.pop()
        number = next(self._numbers)
        path = self.scratch / str(number)
        return RunDirectory(path, self._tmp_of(path, number), self._discard, self._link)

    def recycle(self, rundir: RunDirectory) -> None:
        """Takes a directory back; what the run left there goes to the trash."""
        if rundir.is_kept:
            return
        try:
            rundir.clear()
        except OSError:
            # Whatever the run did to it, the next run gets one that nobody touched.
            with contextlib.suppress(OSError):
                self._discard(str(rundir.path))
            return
        self._free.append(rundir)

    def close(self) -> None:
        """Gives back what lies outside scratch; scratch itself is left to its owner."""
        if self._short is not None:
            with contextlib.suppress(OSError):  # somebody else's clean-up was faster
                for name in os.listdir(self._short):
                    os.unlink(f"{self._short}/{name}")
                os.rmdir(self._short)
            self._short = None

    def _tmp_of(self, path: Path, number: int) -> Path:
        """A run's TMPDIR; through a short link when sockets could not be made there otherwise."""
        tmp = path / "tmp"
        if len(os.fsencode(tmp)) <= _LONGEST_TMPDIR:
            return tmp
        if self._short is None:
            self._short = _short_directory()
        short = self._short / str(number)
        short.symlink_to(tmp)
        return short

    def _link(self, text: str, path: str) -> None:
        """Makes a symlink: one inode for all that say the same. It is made, and later deleted, once, and
        a tree is read by many runs.
        """
        first = self._symlink_of.get(text)
        if first is None:
            os.makedirs(self._symlinks, exist_ok=True)
            first = f"{self._symlinks}/{len(self._symlink_of)}"
            os.symlink(text, first)
            self._symlink_of[text] = first
        try:
            os.link(first, path, follow_symlinks=False)
        except (OSError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno not in _COPY_INSTEAD:
                raise
            os.symlink(text, path)

    def _discard(self, path: str) -> None:
        away = f"{self._trash}/{next(self._discarded)}"
        try:
            os.rename(path, away)
        except FileNotFoundError:
            return
        except PermissionError:
            # Moving a directory writes its "..", which a mode without `w` forbids.
            os.chmod(path, 0o700)
            os.rename(path, away)


def _short_directory() -> Path:
    """A private directory with a short path. `tempfile` would take 4 ms to import."""
    place = f"/tmp/fp-{os.urandom(8).hex()}"
    try:
        os.mkdir(place, 0o700)
        return Path(place)
    except OSError:  # no /tmp, or not for us: it knows where else to look
        import tempfile

        return Path(tempfile.mkdtemp(prefix="fp-"))


def _place(placed: Placed, at: str) -> None:
    if placed.link is not None:
        os.symlink(placed.link, at)
        return
    try:
        os.link(placed.path, at)
    except OSError as error:
        if error.errno not in _COPY_INSTEAD:
            raise
        import shutil  # slow to import, seldom needed

        shutil.copyfile(placed.path, at)
        os.chmod(at, 0o555 if placed.is_executable else 0o444)


def _is_gone(remove: Callable[[str], None], path: str) -> bool:
    try:
        remove(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _top(name: str) -> str:
    return name.partition("/")[0]


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.read(file, 1 << 20)
    finally:
        os.close(file)


def _is_as_written(there: os.stat_result, last: _Params) -> bool:
    """Nobody has it under another name, or wrote to it and let that be seen."""
    return (
        there.st_nlink == 1 and there.st_ctime_ns == last.changed_at and _stamp(there) == last.stamp
    )


def _stamp(status: os.stat_result) -> _Stamp:
    return (status.st_ino, status.st_mtime_ns, status.st_size)
