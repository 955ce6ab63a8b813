"""From the files of a project to its graph, or to every mistake in them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fusionpipe.disk import Disk
from fusionpipe.errors import Problem, ProjectInvalid, UsageError
from fusionpipe.model import Graph, Node, NodeName
from fusionpipe.project.discover import NODE_FILE, Found, discover
from fusionpipe.project.ignore import Patterns, parse_patterns
from fusionpipe.project.maker import NodeMaker
from fusionpipe.project.nodefile import Declared, parse_node
from fusionpipe.project.order import cycles
from fusionpipe.project.override import Override, override
from fusionpipe.project.reading import Reading
from fusionpipe.project.resolve import NO_PARENTS, Names, Resolved, resolve_parents
from fusionpipe.project.rootfile import ROOT_FILE, RootFile, read_root
from fusionpipe.project.territory import Territory
from fusionpipe.project.tomlfile import TomlFile


def find_root(start: Path) -> Path:
    """The nearest directory, from `start` upward, with a fusionpipe.toml. Raises UsageError."""
    start = start.absolute()
    for directory in (start, *start.parents):
        if (directory / ROOT_FILE).is_file():
            return directory
    raise UsageError(
        f"no {ROOT_FILE} here or in any directory above {start}",
        "start a project here with: fp init",
    )


def load(disk: Disk, overrides: Sequence[Override] = ()) -> Graph:
    """The project's graph. Raises ProjectInvalid with all mistakes, UsageError for a bad override."""
    reading = Reading(disk)
    root = read_root(reading)
    if root is None:  # what it excludes and declares is unknown, so all else would be guesswork
        raise ProjectInvalid(reading.problems)
    found = discover(reading, _exclude(reading, root))
    if not found.nodes:
        raise _no_nodes(reading, found)
    names = Names(tuple(found.nodes), found.groups)
    maker = NodeMaker(reading, root, Territory(found.nodes, found.groups))
    nodes: dict[NodeName, Node] = {}
    uses: dict[NodeName, tuple[str, ...]] = {}
    for (
        name,
        has_file,
    ) in found.nodes.items():  # one by one: what files say takes more than nodes do
        declared = _declare(reading, name, has_file)
        if declared.is_broken:
            continue
        nodes[name] = maker.make(name, declared, _resolve(reading, names, name, declared).parents)
        if declared.use:
            uses[name] = tuple(word.text for word in declared.use)
    _refuse_circles(reading, found, names, nodes)
    if reading.problems:
        raise ProjectInvalid(reading.problems)
    if overrides:
        nodes = override(nodes, uses, root.settings.params, overrides)
    return Graph(nodes, root.settings, found.groups, tuple(sorted(found.near_misses)))


def names_in(disk: Disk) -> tuple[tuple[NodeName, ...], tuple[str, ...]]:
    """The names of a project's nodes and groups, whatever else may be wrong with it; opens no node's file."""
    reading = Reading(disk)
    root = read_root(reading)
    if root is None:
        return (), ()
    found = discover(reading, _exclude(reading, root))
    return tuple(found.nodes), found.groups


def may_be_passed(disk: Disk, name: str) -> bool:
    """Whether a node is given variables that no key holds (pass, secrets), as far as its own file and the root's
    tell; True where they cannot be read. For a project with mistakes: others' files are not looked at.
    """
    reading = Reading(disk)
    root = read_root(reading)
    if root is None:
        return True
    file = f"{name}/{NODE_FILE}"
    data = None if disk.kind(file) is None else reading.read(file)
    if data is None and (reading.problems or disk.kind(name) is None):
        return True
    own = Declared(TomlFile(file)) if data is None else parse_node(file, data)
    both = (own, root.defaults)
    return own.is_broken or bool(root.passed) or any(one.passed or one.secrets for one in both)


def _exclude(reading: Reading, root: RootFile) -> Patterns | None:
    """The root file's `exclude`; a pattern that is none is noted."""
    good: list[str] = []
    for at, line in enumerate(root.exclude):
        try:
            parse_patterns("", [line])
        except ValueError:
            what = f"{line!r} is no gitignore pattern"
            reading.add((root.toml.problem(("exclude", at), what, "see gitignore(5)"),))
        else:
            good.append(line)
    return parse_patterns("", good) if good else None


def _no_nodes(reading: Reading, found: Found) -> ProjectInvalid:
    """Why there is nothing to build: the mistakes, the near misses, or that there is nothing at all."""
    problems = [*reading.problems, *found.near_misses]
    if not problems:
        what = "this project has no node: no directory has a node.toml, or code/ with a main.py or main.sh"
        problems = [Problem(ROOT_FILE, 0, what, "make one: fp new NAME")]
    return ProjectInvalid(problems)


def _declare(reading: Reading, name: NodeName, has_file: bool) -> Declared:
    file = f"{name}/{NODE_FILE}"
    data = reading.read(file) if has_file else None
    if data is None:
        if has_file:
            reading.refuse(file, "is not a file", "write a file there, or remove it")
        return Declared(TomlFile(file), is_written=has_file, is_broken=has_file)
    declared = parse_node(file, data)
    reading.add(declared.problems)
    return declared


def _resolve(reading: Reading, names: Names, name: NodeName, declared: Declared) -> Resolved:
    """A node's parents that are there; the others are noted."""
    if not declared.parents:
        return NO_PARENTS
    return resolve_parents(names, name, declared, reading.problems)


def _refuse_circles(
    reading: Reading, found: Found, names: Names, nodes: Mapping[NodeName, Node]
) -> None:
    """Notes what runs in circles; the file that says so is read again for its line."""
    for circle in cycles({name: node.parent_nodes() for name, node in nodes.items()}):
        first, second = circle[0], circle[1 % len(circle)]
        path = " → ".join((*circle, first))
        mend = f"take one of these arrows out; here {first} reads {second}"
        declared = _declare(reading, first, found.nodes[first])
        key = _resolve(reading, names, first, declared).key_of(second)
        reading.add((declared.problem(key, f"nodes read each other in a circle: {path}", mend),))
