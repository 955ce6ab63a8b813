"""Which directories are nodes: a walk from the root that stops at each node it finds.

A directory is a node when it has a node.toml, or code/ with an entry. Nothing is registered, nothing
below a node is searched, and symlinked directories are not walked into (they may lead round in a circle).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from fusionpipe.disk import FileKind, Listed
from fusionpipe.errors import Problem
from fusionpipe.model import NodeName
from fusionpipe.project.ignore import Patterns, is_dropping
from fusionpipe.project.reading import Reading, directory_of
from fusionpipe.project.rootfile import ROOT_FILE

NODE_FILE = "node.toml"
ENTRIES = ("main.py", "main.sh", "main.R", "main.jl", "main.m")
EXECUTABLE_ENTRY = "main"
NOTEBOOK_ENTRY = "main.ipynb"

_NOT_WALKED = frozenset(("__pycache__", "node_modules"))
_EXCLUDED_CHARACTERS = "@ : = , [ ] { } * ? + \\"
_BAD_CHARACTER = r"[@:=,\[\]{}*?+\\\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_BAD_IF_PRINTABLE = frozenset(_EXCLUDED_CHARACTERS.replace(" ", ""))


class Found(NamedTuple):
    """What the walk found. `nodes` maps each node, in name order, to whether it has a node.toml."""

    nodes: dict[NodeName, bool]
    groups: tuple[str, ...]
    near_misses: list[Problem]


def discover(reading: Reading, exclude: Patterns | None) -> Found:
    """The nodes, groups and near misses of the project; bad names and misplaced files are noted."""
    walk = _Walk(reading, exclude)
    walk.root()
    nodes = {NodeName(name): walk.nodes[name] for name in sorted(walk.nodes)}
    groups = _groups(nodes)
    for name in nodes:
        if bad := _bad_character(name):
            reading.refuse(name, _bad_name(bad), "rename the directory")
    _refuse_twins(reading, [*groups, *nodes])
    return Found(nodes, groups, walk.near_misses)


class _Walk:
    """One walk. Depth is bounded by the file system, width by nothing: no recursion."""

    def __init__(self, reading: Reading, exclude: Patterns | None) -> None:
        self.reading = reading
        self.exclude = exclude
        self.nodes: dict[str, bool] = {}
        self.near_misses: list[Problem] = []
        self._maybe_misses: list[tuple[str, Problem]] = []

    def root(self) -> None:
        listing = self.reading.scan("")
        names = {listed.name: listed for listed in listing}
        if NODE_FILE in names:
            self.reading.refuse(
                NODE_FILE,
                "the project's root cannot be a node",
                "move it into a directory of its own",
            )
        if "code" in names and any(e in ENTRIES for e in self._file_names("code")):
            self.near_misses.append(
                Problem(
                    "code", 0, "the project's root cannot be a node", "mkdir work && mv code work/"
                )
            )
        waiting = self._below("", listing)
        while waiting:
            waiting.extend(self._visit(waiting.pop()))
        self._settle_misses()

    def _visit(self, directory: str) -> Iterable[str]:
        """Takes a directory for a node, or gives the directories to look at below it."""
        listing = self.reading.scan(directory)
        has_code = False
        for listed in listing:
            if listed.name == NODE_FILE:
                self.nodes[directory] = True
                return ()
            if listed.name in (ROOT_FILE, "pyvenv.cfg"):
                return ()
            if listed.name == "code" and listed.kind in (FileKind.DIRECTORY, FileKind.SYMLINK):
                has_code = True
        if has_code and self._is_node(directory):
            self.nodes[directory] = False
            return ()
        return self._below(directory, listing)

    def _is_node(self, directory: str) -> bool:
        """True when code/ has an entry; else what is amiss with it is remembered."""
        code = directory + "/code"
        listing = self.reading.scan(code)
        names = [
            e.name for e in listing if not is_dropping(e.name) and e.kind is not FileKind.DIRECTORY
        ]
        if any(name in ENTRIES for name in names):
            return True
        if EXECUTABLE_ENTRY in names and self._is_program(code, listing):
            return True
        if NOTEBOOK_ENTRY in (listed.name for listed in listing):
            self.reading.refuse(
                f"{code}/{NOTEBOOK_ENTRY}",
                "notebooks are not supported yet",
                "export it to main.py (jupyter nbconvert --to script)",
            )
        elif names:
            self._maybe_misses.append((code, _near_miss(code, names)))
        return False

    def _is_program(self, code: str, listing: Iterable[Listed]) -> bool:
        return any(
            listed.name == EXECUTABLE_ENTRY
            and (listed.is_executable or self.reading.disk.is_executable(f"{code}/{listed.name}"))
            and self.reading.is_file(f"{code}/{listed.name}")
            for listed in listing
        )

    def _below(self, directory: str, listing: Iterable[Listed]) -> list[str]:
        prefix = directory + "/" if directory else ""
        return [
            prefix + listed.name
            for listed in listing
            if listed.kind is FileKind.DIRECTORY
            and not listed.name.startswith(".")
            and listed.name not in _NOT_WALKED
            and not (self.exclude and self.exclude.matches(prefix + listed.name, is_directory=True))
        ]

    def _file_names(self, directory: str) -> list[str]:
        listing = self.reading.scan(directory)
        return [listed.name for listed in listing if listed.kind is not FileKind.DIRECTORY]

    def _settle_misses(self) -> None:
        """A directory called code that holds nodes further down is a group, and no near miss."""
        above = {group for name in self.nodes for group in _above(name)}
        self.near_misses += [miss for code, miss in self._maybe_misses if code not in above]


def _near_miss(code: str, names: list[str]) -> Problem:
    node = directory_of(code)
    scripts = [name for name in names if name.endswith((".py", ".sh", ".R", ".r", ".jl", ".m"))]
    if EXECUTABLE_ENTRY in names:
        mend = f"make it executable: chmod +x {code}/{EXECUTABLE_ENTRY}"
    elif scripts:
        mend = f'write {node}/{NODE_FILE} with the line: main = "{scripts[0]}"'
    else:
        mend = f'write {node}/{NODE_FILE} with the line: run = ["command", "argument"]'
    listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return Problem(code, 0, f"has no entry (main.py, main.sh, …), only {listed}", mend)


def _above(name: str) -> Iterable[str]:
    at = name.find("/")
    while at > 0:
        yield name[:at]
        at = name.find("/", at + 1)


def _groups(nodes: Iterable[NodeName]) -> tuple[str, ...]:
    groups: set[str] = set()
    for name in nodes:
        group = directory_of(name)
        while group and group not in groups:
            groups.add(group)
            group = directory_of(group)
    return tuple(sorted(groups))


def _bad_character(name: str) -> str:
    """The first character that cannot be in a name, "" if there is none."""
    if name.isprintable() and _BAD_IF_PRINTABLE.isdisjoint(name):
        return ""  # nearly every name: the expression is not even compiled
    bad = re.search(_BAD_CHARACTER, name)
    return bad[0] if bad else ""


def _bad_name(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "a node's name must be valid UTF-8"
    shown = character if character.isprintable() else repr(character)
    return f"a node's name cannot contain {shown} (excluded are {_EXCLUDED_CHARACTERS} and control characters)"


def _refuse_twins(reading: Reading, names: Iterable[str]) -> None:
    """Notes names that one file system tells apart and another does not."""
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(_folded(name), name)
        if first != name and directory_of(_folded(first)) == directory_of(_folded(name)):
            reading.refuse(
                name,
                f'differs from "{first}" only in case or accents, and is the same on other machines',
                "rename one of them",
            )


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    import unicodedata  # only names beyond ASCII have several spellings

    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
