"""Names and paths with wildcards: `*` and `?` and `[..]` within a part, `**` over any number of parts.

Pure, except that `expand` lists directories through the window it is given.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from fusionpipe.disk import FileKind, Listed

Scan = Callable[[str], Sequence[Listed]]
"""The names in a directory, none if it is not there."""


def is_pattern(text: str) -> bool:
    """True when a name contains a wildcard."""
    return "*" in text or "?" in text or "[" in text


def fixed_prefix(pattern: str) -> str:
    """The leading parts without wildcards: "fits" of "fits/*/x", "" of "train*"."""
    parts = pattern.split("/")
    fixed = next(at for at, part in enumerate((*parts, "*")) if is_pattern(part))
    return "/".join(parts[:fixed])


def below(path: str, directory: str) -> str:
    """The path as seen from a directory above it."""
    return path[len(directory) + 1 :] if directory else path


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """What matches whole paths."""
    parts = pattern.split("/")
    expression = ""
    for at, part in enumerate(parts):
        is_last = at == len(parts) - 1
        if part == "**":
            expression += ".+" if is_last else "(?:[^/]+/)*"
        else:
            expression += _part_expression(part) + ("" if is_last else "/")
    return re.compile(expression + r"\Z", re.DOTALL)


def _part_expression(part: str) -> str:
    """One part, whose wildcards never stand for a slash."""
    expression = ""
    at = 0
    while at < len(part):
        character = part[at]
        end = part.find("]", at + 2) if character == "[" else -1
        if character == "*":
            expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif end > 0:
            chosen = part[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            expression += "[" + ("^" + chosen[1:] if chosen[0] == "!" else chosen) + "]"
            at = end
        else:
            expression += re.escape(character)
        at += 1
    return expression


def expand(pattern: str, scan: Scan) -> tuple[str, ...]:
    """The files and directories a path pattern matches, sorted; hidden ones only where it says so.

    `**` does not go through symlinked directories, which could lead round in a circle.
    """
    start = fixed_prefix(pattern)
    parts = below(pattern, start).split("/") if start else pattern.split("/")
    return tuple(sorted(set(_expand(start, parts, scan))))


def _expand(directory: str, parts: list[str], scan: Scan) -> Iterator[str]:
    import fnmatch  # slow to import, and most projects have no patterns

    first, rest = parts[0], parts[1:]
    for listed in scan(directory):
        if listed.name.startswith(".") and not first.startswith("."):
            continue
        path = posixpath.join(directory, listed.name)
        if first == "**":
            if not rest:
                yield path
            if listed.kind is FileKind.DIRECTORY:
                yield from _expand(path, parts, scan)
        elif fnmatch.fnmatchcase(listed.name, first):
            if not rest:
                yield path
            elif listed.kind in (FileKind.DIRECTORY, FileKind.SYMLINK):
                yield from _expand(path, rest, scan)
    if first == "**" and rest:
        yield from _expand(directory, rest, scan)
