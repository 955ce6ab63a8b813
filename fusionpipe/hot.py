"""The no-op: says whether anything a build depends on has changed, from `stat` alone.

On the path of every bare `fp build`: it imports next to nothing, opens one file (the snapshot that
`build.snapshot` wrote), and never opens a file of a node. A "no" costs little and only means: look closely.
"""

from __future__ import annotations

import os
import stat

from fusionpipe import memo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from fusionpipe.workspace import Print

SHAPE = "snapshot 1"

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
    kept = memo.load(snapshot_path(root))
    if not isinstance(kept, tuple) or kept[:2] != (SHAPE, root):
        return None
    _, _, variables, prints, kinds, links, real_paths, data, saved = kept
    if any(variable(environment, name) != value for name, value in variables.items()):
        return None
    prefix = f"{root}/"
    is_same = (
        _are_as_seen(prefix, prints)
        and _are_linked(prefix, data)
        and all(_kind(prefix, path) == seen for path, seen in kinds.items())
        and all(_link(prefix, path) == text for path, text in links.items())
        and all(os.path.realpath(_join(prefix, path)) == was for path, was in real_paths.items())
    )
    return (len(data), saved) if is_same else None


def variable(environment: Mapping[str, str], name: str) -> str | None:
    """A variable's value; for `PREFIX*`, all there are of that prefix, whichever they will be."""
    if name[-1:] != "*":
        return environment.get(name)
    known = sorted(one for one in environment if one.startswith(name[:-1]))
    return "\0".join(f"{one}={environment[one]}" for one in known)


def _are_as_seen(prefix: str, prints: Mapping[str, Print]) -> bool:
    status = os.stat
    try:
        for path, (mtime, ctime, size, inode, device) in prints.items():
            now = status(path if path[:1] == "/" else prefix + path)
            if (
                now.st_mtime_ns != mtime
                or now.st_ctime_ns != ctime
                or now.st_size != size
                or now.st_ino != inode
                or now.st_dev != device
            ):
                return False
    except OSError:
        return False
    return True


def _are_linked(prefix: str, data: Mapping[str, tuple[int, int]]) -> bool:
    """Whether each node's data leads to the tree it led to, with nothing added at its root."""
    status = os.stat
    try:
        for node, (inode, mtime) in data.items():
            now = status(f"{prefix}{node}/data")
            if now.st_ino != inode or now.st_mtime_ns != mtime:
                return False
    except OSError:
        return False
    return True


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
