"""The no-op: says whether anything a build depends on has changed, from `stat` alone.

On the path of every bare `fp build`: it imports next to nothing, opens one file (the snapshot that
`build.snapshot` wrote), and never opens a file of a node. A "no" costs little and only means: look closely.
"""

from __future__ import annotations

import gc
import marshal
import os
import stat
from itertools import islice

from fusionpipe import memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fusionpipe.model import NodeName
    from fusionpipe.workspace import Print

    Snapshot = tuple[
        str,
        str,
        bytes,  # which graph it belongs to: see build.remembered
        Mapping[str, str | None],  # environment variables
        Mapping[str, Print],
        Mapping[str, str | None],  # kinds of what was only asked for its kind
        Mapping[str, str | None],  # texts of symlinks
        Mapping[str, str],  # real paths
        Mapping[NodeName, tuple[int, int]],  # (inode, mtime_ns) of each node's data
        bytes,  # the digest of each node's data, in the same order, 32 bytes each
        float,  # seconds of work saved
    ]

    _Differing = tuple[list[str], list[str]]

    Difference = tuple[Snapshot, list[str], list[str]]
    """The snapshot; the paths that look other than they did; the nodes whose data does."""

SHAPE = "snapshot 3"
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


def check(root: str, environment: Mapping[str, str]) -> tuple[int, float] | None:
    """(nodes, seconds of work saved) if every path and variable is as it was; None otherwise."""
    found = compare(root, environment)
    return None if found is None or is_changed(found) else summary(found)


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
    kept = memo.load(snapshot_path(root))
    if not isinstance(kept, tuple) or kept[:2] != (SHAPE, root):
        return None
    snapshot: Snapshot = kept
    _, _, _, variables, prints, kinds, links, real_paths, data, _, _ = snapshot
    if any(variable(environment, name) != value for name, value in variables.items()):
        return None
    paths, nodes = _differing(prefix, prints, data, many)
    is_same = (
        all(_kind(prefix, path) == seen for path, seen in kinds.items())
        and all(_link(prefix, path) == text for path, text in links.items())
        and all(os.path.realpath(_join(prefix, path)) == was for path, was in real_paths.items())
    )
    return (snapshot, paths, nodes) if is_same else None


def is_changed(found: Difference) -> bool:
    """Whether a build has anything to look at."""
    return bool(found[1] or found[2])


def summary(found: Difference) -> tuple[int, float]:
    """(nodes, seconds of work saved) of a snapshot that still holds."""
    return len(found[0][8]), found[0][10]


def root_of(found: Difference) -> str:
    """The root of the project that was compared."""
    return found[0][1]


def variable(environment: Mapping[str, str], name: str) -> str | None:
    """A variable's value; for `PREFIX*`, all there are of that prefix, whichever they will be."""
    if name[-1:] != "*":
        return environment.get(name)
    known = sorted(one for one in environment if one.startswith(name[:-1]))
    return "\0".join(f"{one}={environment[one]}" for one in known)


def _differing(
    prefix: str,
    prints: Mapping[str, Print],
    data: Mapping[NodeName, tuple[int, int]],
    many: int,
) -> _Differing:
    """The paths that are other than they were, and the nodes whose data is.

    Of many, a forked process looks at the second half meanwhile: it is all `stat`, one core's worth.
    """
    if len(prints) < many or _cores() < 2:
        return _changed(prefix, prints.items()), _moved(prefix, data.items())
    half, half_of_data = len(prints) // 2, len(data) // 2

    def look(first: int | None, last: int | None, of_data: tuple[int | None, ...]) -> _Differing:
        return (
            _changed(prefix, islice(prints.items(), first, last)),
            _moved(prefix, islice(data.items(), *of_data)),
        )

    ask = in_a_fork(lambda: look(half, None, (half_of_data, None)))
    paths, nodes = look(None, half, (None, half_of_data))
    more_paths, more_nodes = ask()
    return paths + more_paths, nodes + more_nodes


def in_a_fork(work: Callable[[], _Differing]) -> Callable[[], _Differing]:
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
                marshal.dump(work(), pipe)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)

    def answer() -> _Differing:
        with open(reading, "rb") as pipe:
            said = pipe.read()
        try:
            _, status = os.waitpid(child, 0)
        except ChildProcessError:  # who started us ignores SIGCHLD: nobody hears how a child ended
            return work()
        return work() if status else marshal.loads(said)

    return answer


def _cores() -> int:
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
