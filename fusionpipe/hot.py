"""The no-op: says whether anything a build depends on has changed, from `stat` alone.

On the path of every bare `fp build`: it imports next to nothing, opens one file (the snapshot that
`build.fresh` wrote), and never opens a file of a node. A "no" costs little and only means: look closely.
"""

from __future__ import annotations

import gc
import marshal
import os
import stat
from contextlib import suppress

from fusionpipe import memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from fusionpipe.model import NodeName

    Packed = tuple[tuple[str, ...], bytes]
    """Names, and for each as many 64-bit words as belong to one: a tuple for each would take ten times the time
    to load, and the memory."""

    _T = TypeVar("_T")
    _U = TypeVar("_U")
    _Differing = tuple[list[str], list[str]]

SHAPE = "snapshot 5"
ROOT = "."
"""How the root itself is written among the paths."""

MANY = 20_000
"""Paths: looking at half of them takes ten times as long as to fork."""

_WORD = (1 << 64) - 1

_LETTERS = {stat.S_IFREG: "f", stat.S_IFDIR: "d"}


def snapshot_path(root: str) -> str:
    """Where a project keeps its snapshot."""
    return f"{root}/.fusionpipe/state/snapshot"


def root_above(here: str) -> str | None:
    """The project's root; None, without a word, if there is none: the full path says what is wrong."""
    place = here
    while not os.path.exists(f"{place}/fusionpipe.toml"):
        if place in ("/", ""):
            return None
        place = os.path.dirname(place)
    return place


class Snapshot:
    """How a build that left everything fresh saw its project."""

    __slots__ = (
        "data",
        "digests",
        "kinds",
        "links",
        "prints",
        "real_paths",
        "root",
        "seconds",
        "token",
        "trees",
        "variables",
    )  # fmt: skip

    def __init__(
        self,
        root: str,
        token: bytes,
        variables: Mapping[str, str | None],
        prints: Packed,
        kinds: Mapping[str, str | None],
        links: Mapping[str, str | None],
        real_paths: Mapping[str, str],
        data: tuple[tuple[NodeName, ...], bytes],
        digests: bytes,
        seconds: float,
        trees: str,
    ) -> None:
        self.root = root
        self.token = token  # which graph it belongs to: see build.remembered
        self.variables = variables  # of the environment
        self.prints = prints  # every path with its fingerprint: see fusionpipe.prints
        self.kinds = kinds  # of what was only asked for its kind
        self.links = links  # texts of symlinks
        self.real_paths = real_paths
        self.data = data  # (inode, mtime_ns) of each node's
        self.digests = digests  # of each node's data, in the same order, 32 bytes each
        self.seconds = seconds  # of work saved
        self.trees = (
            trees  # what links to trees say before a digest, seen from the root; "" without links
        )

    def save(self) -> None:
        """Keeps it for the next build. Raises OSError."""
        seen = (self.prints, self.kinds, self.links, self.real_paths)
        results = (self.data, self.digests, self.seconds, self.trees)
        facts = (self.root, self.token, self.variables, *seen, *results)  # as __init__ has them
        memo.save_parts(snapshot_path(self.root), (SHAPE, *facts))

    @classmethod
    def load(cls, root: str) -> Snapshot | None:
        """The snapshot of the project at this root, if there is one to be trusted."""
        kept: tuple[Any, ...] = tuple(memo.load_parts(snapshot_path(root)))
        return cls(*kept[1:]) if kept[:2] == (SHAPE, root) else None


class Difference:
    """What looks other than in a snapshot: paths, and the nodes whose data does."""

    __slots__ = ("nodes", "paths", "snapshot")

    def __init__(self, snapshot: Snapshot, paths: list[str], nodes: list[str]) -> None:
        self.snapshot = snapshot
        self.paths = paths
        self.nodes = nodes

    @property
    def is_empty(self) -> bool:
        """Whether a build has nothing to look at."""
        return not (self.paths or self.nodes)

    @property
    def is_of_links(self) -> bool:
        """Whether nothing may differ but that nodes show no data: a link that goes changes its directory."""
        return bool(self.snapshot.trees and self.nodes) and set(self.paths) == set(self.nodes)

    @property
    def count(self) -> int:
        """How many nodes there are in all."""
        return len(self.snapshot.data[0])


def check(root: str, environment: Mapping[str, str]) -> tuple[int, float] | None:
    """(nodes, seconds of work saved) if every path and variable is as it was; None otherwise."""
    found = compare(root, environment)
    if found is None or not found.is_empty:
        return None
    return found.count, found.snapshot.seconds


def compare(
    root: str, environment: Mapping[str, str], *, is_here: bool = False, many: int = MANY
) -> Difference | None:
    """What differs from the snapshot; None when there is none, or more differs than can be told apart.

    `is_here`: the root is the working directory. Paths are looked up from there then, which is quicker.
    From so `many` paths on, two processes look at them.
    """
    gc.disable()  # nothing that is loaded is garbage, and looking for some costs a fifth of the time
    try:
        return _compare(root, environment, "" if is_here else f"{root}/", many)
    finally:
        gc.enable()


def _compare(
    root: str, environment: Mapping[str, str], prefix: str, many: int
) -> Difference | None:
    before = Snapshot.load(root)
    if before is None:
        return None
    if any(variable(environment, name) != value for name, value in before.variables.items()):
        return None
    paths, nodes = _differing(prefix, before.prints, before.data, many)
    real_paths = before.real_paths.items()
    is_same = (
        all(_kind(prefix, path) == seen for path, seen in before.kinds.items())
        and all(_link(prefix, path) == text for path, text in before.links.items())
        and all(os.path.realpath(_join(prefix, path)) == was for path, was in real_paths)
    )
    return Difference(before, paths, nodes) if is_same else None


def variable(environment: Mapping[str, str], name: str) -> str | None:
    """A variable's value; for `PREFIX*`, all there are of that prefix, whichever they will be."""
    if name[-1:] != "*":
        return environment.get(name)
    known = sorted(one for one in environment if one.startswith(name[:-1]))
    return "\0".join(f"{one}={environment[one]}" for one in known)


def _differing(prefix: str, prints: Packed, data: Packed, many: int) -> _Differing:
    """The paths that are other than they were, and the nodes whose data is.

    Of many, a forked process looks at the second half meanwhile: it is all `stat`, one core's worth.
    """
    count = len(prints[0])
    if count < many or cores() < 2:
        return _changed(prefix, prints, 0, count), _moved(prefix, data, 0, len(data[0]))
    half, half_of_data = count // 2, len(data[0]) // 2

    def look(paths: tuple[int, int], nodes: tuple[int, int]) -> _Differing:
        return _changed(prefix, prints, *paths), _moved(prefix, data, *nodes)

    (changed, moved), (more_changed, more_moved) = both(
        lambda: look((0, half), (0, half_of_data)),
        lambda: look((half, count), (half_of_data, len(data[0]))),
    )
    return changed + more_changed, moved + more_moved


def both(here: Callable[[], _T], there: Callable[[], _U]) -> tuple[_T, _U]:
    """What two pieces of work give, the second done by a forked process meanwhile.

    It is done here where there is no such process, or it died. None goes on when this has returned, or raised.
    """
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no more processes for this user, or no memory to promise
        os.close(reading)
        os.close(writing)
        return here(), there()
    if not child:
        try:
            with open(writing, "wb") as pipe:
                marshal.dump(there(), pipe)  # type: ignore[arg-type]  # checked when it is dumped
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    try:
        with open(reading, "rb") as pipe:
            first = here()
            said = pipe.read()
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(child, 9)
        raise
    finally:
        with suppress(ChildProcessError):  # who started us ignores SIGCHLD: nobody to wait for
            os.waitpid(child, 0)
    try:
        second: _U = marshal.loads(said)
    except (EOFError, TypeError, ValueError):  # it died before it had said all
        second = there()
    return first, second


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _changed(prefix: str, prints: Packed, first: int, last: int) -> list[str]:
    """The paths of a part whose fingerprint is another now, or that are gone."""
    status = os.stat
    changed: list[str] = []
    word = iter(memoryview(prints[1]).cast("Q")[5 * first : 5 * last])
    rows = zip(prints[0][first:last], word, word, word, word, word, strict=False)
    path = ""
    while True:
        try:
            for path, mtime, ctime, size, inode, device in rows:
                now = status(path if path[:1] == "/" else prefix + path)
                if (
                    now.st_mtime_ns != mtime
                    or now.st_ctime_ns != ctime
                    or now.st_size != size
                    or now.st_ino != inode
                    or now.st_dev != device
                ) and _words(now) != (mtime, ctime, size, inode, device):
                    changed.append(path)
            return changed
        except OSError:  # the loop goes on behind the path that is gone
            changed.append(path)


def _words(now: os.stat_result) -> tuple[int, ...]:
    """As a fingerprint has them, a time before 1970 too."""
    times = now.st_mtime_ns & _WORD, now.st_ctime_ns & _WORD
    return (*times, now.st_size, now.st_ino, now.st_dev)


def _moved(prefix: str, data: Packed, first: int, last: int) -> list[str]:
    """The nodes of a part whose data leads to another tree, or had something added at its root."""
    status = os.stat
    moved: list[str] = []
    word = iter(memoryview(data[1]).cast("Q")[2 * first : 2 * last])
    rows = zip(data[0][first:last], word, word, strict=False)
    node = ""
    while True:
        try:
            for node, inode, mtime in rows:
                now = status(f"{prefix}{node}/data")
                if now.st_ino != inode or now.st_mtime_ns & _WORD != mtime:
                    moved.append(node)
            return moved
        except OSError:
            moved.append(node)


def _kind(prefix: str, path: str) -> str | None:
    try:
        mode = os.stat(_join(prefix, path)).st_mode
    except OSError:
        return None
    return _LETTERS.get(stat.S_IFMT(mode), "o")


def _link(prefix: str, path: str) -> str | None:
    try:
        return os.readlink(_join(prefix, path))
    except OSError:
        return None


def _join(prefix: str, path: str) -> str:
    return path if path.startswith("/") else prefix + path
