"""The words of the project as types: nodes, parents, code, parameters. Facts only, no behaviour.

Paths are relative to the project root, with `/`, unless a field says otherwise; a path outside the
project starts with `../` or `/`.
"""

# No `from __future__ import annotations`: a named tuple compiles each annotation that is a string (0.5 ms).
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, NewType

from fusionpipe.errors import Problem

NodeName = NewType("NodeName", str)
"""A node's path in the project, with `/`: "prep/clean"."""

ParamValue = None | bool | int | float | str | list["ParamValue"] | dict[str, "ParamValue"]
"""A parameter as TOML knows it; dates and times have become tagged strings (see params.py)."""

Params = dict[str, ParamValue]

NO_PARAMS: Params = {}
NO_TOOLS: Mapping[str, str] = {}
"""What most nodes have: one of each for all. Params are never changed in place."""


class Language(StrEnum):
    """What runs an entry."""

    PYTHON = "python"
    SHELL = "sh"
    BASH = "bash"
    R = "r"
    JULIA = "julia"
    OCTAVE = "octave"
    MATLAB = "matlab"
    EXECUTABLE = "executable"  # a file `main` with its executable bit
    COMMAND = "command"  # `run = [...]` whose first word is no known language


class Entry(NamedTuple):
    """How a node is started, from its `code/` directory.

    `main` is the entry file below `code/` ("" for a command), `argv` the words of `run = [...]` as written
    (empty otherwise). `python main.py`, `run = ["python", "fit.py", "-v"]` and `run = ["make"]` are
    PYTHON/main.py/(), PYTHON/""/("python", "fit.py", "-v") and COMMAND/""/("make",).
    """

    language: Language
    main: str = ""
    argv: tuple[str, ...] = ()


class Laid(NamedTuple):
    """A file or symlink of the user's to be laid out at `at` (below code/, inputs/NAME, libs/NAME)."""

    at: str
    path: str
    is_link: bool = False  # a symlink that stays within what is laid out: kept as a symlink


class FileSet(NamedTuple):
    """Files laid out together under one name. A set with one Laid at "" is a plain file."""

    name: str
    files: tuple[Laid, ...]
    empty: tuple[str, ...] = ()  # empty directories, as `at`
    # picked by a glob: by hand each is linked for itself, lest the code see what was not picked
    is_gathered: bool = False

    @property
    def is_file(self) -> bool:
        """True when the name stands for one file and not for a directory."""
        return len(self.files) == 1 and self.files[0].at == ""


class Parent(NamedTuple):
    """One alias under `parents/` and the node, or nodes, it stands for.

    For a plain parent `members` has the one key "". For a group or a glob it maps the member's name in
    the alias directory (its path below the group or the glob's fixed prefix) to the node.
    """

    alias: str
    members: Mapping[str, NodeName]

    @property
    def is_many(self) -> bool:
        """True when the alias is a directory with one entry per member."""
        return "" not in self.members


class Source(NamedTuple):
    """A node whose data is the user's own.

    `path` is where the bytes are: "<node>/data" or anything; never keyed. `is_kept` says `source =
    "keep"`: the bytes are also stored.
    """

    path: str
    is_kept: bool = False


class Node(NamedTuple):
    """A node as its files declare it, defaults and project-wide params merged in, nothing hashed."""

    name: NodeName
    parents: tuple[Parent, ...] = ()
    code: FileSet | None = None  # None for a source
    entry: Entry | None = None
    libs: tuple[FileSet, ...] = ()
    inputs: tuple[FileSet, ...] = ()
    params: Params = NO_PARAMS
    overridden: tuple[str, ...] = ()  # dotted params that came from -p
    env: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    python: str = (
        ""  # as declared: a path (relative to the root) or a command; "" for the default search
    )
    tools: Mapping[str, str] = NO_TOOLS
    locks: tuple[str, ...] = ()
    source: Source | None = None
    is_cached: bool = True
    version: str = ""
    is_named: bool = False
    seed: int = 0
    declared_in: str = ""  # its node.toml, "" without one

    def parent_nodes(self) -> tuple[NodeName, ...]:
        """The nodes it reads, each once, in the order declared."""
        return tuple(dict.fromkeys(name for p in self.parents for name in p.members.values()))


class ProjectSettings(NamedTuple):
    """What fusionpipe.toml and local.toml say of the whole project, already merged."""

    store: str = ""  # as written, relative to the root; "" for <root>/.fusionpipe/store
    link: str = "symlink"  # symlink | hardlink | reflink | copy
    jobs: int = 0  # 0: the cores
    params: Params = NO_PARAMS
    python: str = ""
    matlab: str = ""  # "octave" | "matlab": what runs main.m, when configured
    quota: int = 0  # bytes the store is kept under after each build; 0: as much as there is room


class Graph(NamedTuple):
    """A valid project: every parent exists, there is no cycle. Nodes are in name order.

    `near_misses` are directories that look as if they were meant as nodes, each with the line that
    would make it one; they do no harm.
    """

    nodes: Mapping[NodeName, Node]
    settings: ProjectSettings = ProjectSettings()
    groups: tuple[str, ...] = ()
    near_misses: tuple[Problem, ...] = ()

    def children(self) -> dict[NodeName, list[NodeName]]:
        """For every node, the nodes that read it, in name order."""
        below: dict[NodeName, list[NodeName]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            for parent in node.parent_nodes():
                below[parent].append(node.name)
        return below
