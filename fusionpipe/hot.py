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
from itertools import islice

from fusionpipe import memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeVar

    from fusionpipe.model import NodeName
    from fusionpipe.workspace import Print

    _T = TypeVar("_T")
    _Part = tuple[dict[str, Print], dict[NodeName, tuple[int, int]]]
    _Differing = tuple[list[str], list[str]]

SHAPE = "snapshot 5"
ROOT = "."
"""How the root itself is written among the paths."""

MANY = 20_000
"""Paths: looking at half of them takes ten times as long as to fork."""

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
        "data", "digests", "kinds", "links", "prints", "real_paths", "root", "seconds", "token",
        "trees", "variables",
    )  # fmt: skip

    def __init__(
        self,
        root: str,
        token: bytes,
        variables: Mapping[str, str | None],
        prints: Mapping[str, Print],
        kinds: Mapping[str, str | None],
        links: Mapping[str, str | None],
        real_paths: Mapping[str, str],
        data: Mapping[NodeName, tuple[int, int]],
        digests: bytes,
        seconds: float,
        trees: str,
    ) -> None:
        self.root = root
        self.token = token  # which graph it belongs to: see build.remembered
        self.variables = variables  # of the environment
        self.prints = prints
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
        """Keeps it for the next build. Raises OSError.

        In two halves, each to be unpacked by the process that compares it.
        """
        at, nodes_at = len(self.prints) // 2, len(self.data) // 2
        halves = (
            marshal.dumps(
                (
                    dict(islice(self.prints.items(), *part)),
                    dict(islice(self.data.items(), *of_data)),
                )
            )
            for part, of_data in (((0, at), (0, nodes_at)), ((at, None), (nodes_at, None)))
        )
        head = (SHAPE, self.root, self.token, dict(self.variables))
        rest = (dict(self.kinds), dict(self.links), dict(self.real_paths))
        counts = (len(self.prints), len(self.data))
        last = (self.digests, self.seconds, self.trees)
        memo.save(snapshot_path(self.root), (head, rest, counts, last, *halves))


class Difference:
    """What looks other than in a snapshot: paths, and the nodes whose data does."""

    __slots__ = ("_halves", "_kept", "_snapshot", "count", "nodes", "paths", "root", "seconds")

    def __init__(
        self, kept: tuple[Any, ...], halves: list[_Part], paths: list[str], nodes: list[str]
    ) -> None:
        self._kept = kept
        self._halves = halves  # as far as they were unpacked
        self._snapshot: Snapshot | None = None
        self.paths = paths
        self.nodes = nodes
        self.root: str = kept[0][1]
        self.count: int = kept[2][1]  # of all nodes
        self.seconds: float = kept[3][1]  # of work saved

    @property
    def is_empty(self) -> bool:
        """Whether a build has nothing to look at."""
        return not (self.paths or self.nodes)

    @property
    def is_of_links(self) -> bool:
        """Whether nothing may differ but that nodes show no data: a link that goes changes its directory."""
        trees = self._kept[3][2]
        return bool(trees and self.nodes) and set(self.paths) == set(self.nodes)

    @property
    def snapshot(self) -> Snapshot:
        """All that was compared."""
        if self._snapshot is None:
            (_, root, token, variables), rest, _, last, first, second = self._kept
            kinds, links, real_paths = rest
            digests, seconds, trees = last
            halves = self._halves or [marshal.loads(first)]
            halves += [marshal.loads(second)] if len(halves) < 2 else []
            (prints, data), (more_prints, more_data) = halves
            prints.update(more_prints)
            data.update(more_data)
            self._snapshot = Snapshot(
                root, token, variables, prints, kinds, links, real_paths, data, digests, seconds,
                trees,
            )  # fmt: skip
        return self._snapshot


def check(root: str, environment: Mapping[str, str]) -> tuple[int, float] | None:
    """(nodes, seconds of work saved) if every path and variable is as it was; None otherwise."""
    found = compare(root, environment)
    return (found.count, found.seconds) if found is not None and found.is_empty else None


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
    kept: Any = memo.load(snapshot_path(root))
    if not isinstance(kept, tuple) or kept[0][:2] != (SHAPE, root):
        return None
    head, (kinds, links, real_paths), *_ = kept
    if any(variable(environment, name) != value for name, value in head[3].items()):
        return None
    difference = _differing(prefix, kept, many)
    is_same = (
        all(_kind(prefix, path) == seen for path, seen in kinds.items())
        and all(_link(prefix, path) == text for path, text in links.items())
        and all(os.path.realpath(_join(prefix, path)) == was for path, was in real_paths.items())
    )
    return difference if is_same else None


def variable(environment: Mapping[str, str], name: str) -> str | None:
    """A variable's value; for `PREFIX*`, all there are of that prefix, whichever they will be."""
    if name[-1:] != "*":
        return environment.get(name)
    known = sorted(one for one in environment if one.startswith(name[:-1]))
    return "\0".join(f"{one}={environment[one]}" for one in known)


def _differing(prefix: str, kept: Any, many: int) -> Difference:
    """The paths that are other than they were, and the nodes whose data is.

    Of many, a forked process looks at the second half meanwhile: it is all `stat`, one core's worth.
    """
    _, _, (paths, _), _, first, second = kept

    def look(part: _Part) -> _Differing:
        prints, data = part
        return _changed(prefix, prints.items()), _moved(prefix, data.items())

    if paths < many or cores() < 2:
        halves: list[_Part] = [marshal.loads(first), marshal.loads(second)]
        (changed, moved), (more_changed, more_moved) = map(look, halves)
    else:
        ask = in_a_fork(lambda: look(marshal.loads(second)))
        halves = [marshal.loads(first)]
        changed, moved = look(halves[0])
        more_changed, more_moved = ask()
    return Difference(kept, halves, changed + more_changed, moved + more_moved)


def in_a_fork(work: Callable[[], _T]) -> Callable[[], _T]:
    """Begins work in a forked process. What is returned waits for its answer, and does the work itself
    where there is none.
    """
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no more processes for this user, or no memory to promise
        os.close(reading)
        os.close(writing)
        return work
    if not child:
        try:
            with open(writing, "wb") as pipe:
                marshal.dump(work(), pipe)  # type: ignore[arg-type]  # checked when it is dumped
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)

    def answer() -> _T:
        with open(reading, "rb") as pipe:
            said = pipe.read()
        with suppress(ChildProcessError):  # who started us ignores SIGCHLD: nobody to wait for
            os.waitpid(child, 0)
        try:
            found: _T = marshal.loads(said)
        except (EOFError, TypeError, ValueError):  # it died before it had said all
            return work()
        return found

    return answer


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _changed(prefix: str, prints: Iterable[tuple[str, Print]]) -> list[str]:
    """The paths whose fingerprint is another now, or that are gone."""
    status = os.stat
    changed: list[str] = []
    rows = iter(prints)
    path = ""
    while True:
        try:
            for path, (mtime, ctime, size, inode, device) in rows:
                now = status(path if path[:1] == "/" else prefix + path)
                if (
                    now.st_mtime_ns != mtime
                    or now.st_ctime_ns != ctime
                    or now.st_size != size
                    or now.st_ino != inode
                    or now.st_dev != device
                ):
                    changed.append(path)
            return changed
        except OSError:  # the loop goes on behind the path that is gone
            changed.append(path)


def _moved(prefix: str, data: Iterable[tuple[NodeName, tuple[int, int]]]) -> list[str]:
    """The nodes whose data leads to another tree than it led to, or had something added at its root."""
    status = os.stat
    moved: list[str] = []
    rows = iter(data)
    node = ""
    while True:
        try:
            for node, (inode, mtime) in rows:
                now = status(f"{prefix}{node}/data")
                if now.st_ino != inode or now.st_mtime_ns != mtime:
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
