"""What would break in a project on another machine: names and links. Pure: told what there is.

Linux keeps any bytes as a name and tells `A` from `a`; macOS and Windows do neither, and archives and git
pass on what they are given.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LONGEST_NAME = 143  # bytes: what encrypted home directories allow
_LONGEST_PATH = 200  # characters below the root: Windows allows 260 in all
_NOT_ON_WINDOWS = frozenset('<>:"|?*\\') | {chr(code) for code in range(32)}


class Named(NamedTuple):
    """A name in a project; `target` is a symlink's text, None for anything else."""

    path: str  # from the root
    target: str | None = None


class Trouble(NamedTuple):
    """What is wrong with one path elsewhere."""

    path: str
    what: str


def troubles(names: Iterable[Named]) -> Iterator[Trouble]:
    """What another machine would not take, or take for something else."""
    folded: dict[str, str] = {}
    for path, target in names:
        # as a file system that folds case and composes letters sees it
        fold = unicodedata.normalize("NFC", path).casefold()
        other = folded.setdefault(fold, path)
        if other != path:
            yield Trouble(path, f"is {_shown(other)} where upper and lower case are one")
        what = of_name(path)
        if what:
            yield Trouble(path, what)
        if target is not None:
            what = _of_link(path, target)
            if what:
                yield Trouble(path, what)


def of_name(path: str) -> str:
    """What is wrong with a path's last name, or its length; "" if nothing is."""
    name = path.rpartition("/")[2]
    try:
        raw = name.encode("utf-8")
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    if len(raw) > _LONGEST_NAME:
        return f"has a name of {len(raw)} bytes: some file systems allow {_LONGEST_NAME}"
    if len(path) > _LONGEST_PATH:
        return f"has a path of {len(path)} characters: Windows allows 260 in all"
    bad = sorted(_NOT_ON_WINDOWS & set(name))
    if bad:
        return f"has {bad[0]!r} in its name, which Windows does not allow"
    if name.endswith((".", " ")):
        return "has a name that ends in a dot or a blank, which Windows drops"
    return ""


def _of_link(path: str, target: str) -> str:
    if target.startswith("/"):
        return f"is a link to {_shown(target)}, which is elsewhere on another machine"
    depth = path.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return f"is a link to {_shown(target)}, outside the project"
    return ""


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
