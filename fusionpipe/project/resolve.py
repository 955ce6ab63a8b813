"""Parents as written to nodes: plain names, paths, groups and globs. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from fusionpipe.errors import Problem
from fusionpipe.model import NodeName, Parent
from fusionpipe.project.nodefile import Declared, Written, is_plain_name
from fusionpipe.project.patterns import below, compile_pattern, fixed_prefix, is_pattern
from fusionpipe.project.reading import directory_of, is_outside, join
from fusionpipe.project.suggest import did_you_mean
from fusionpipe.project.toml_lines import KeyPath

_NO_SUCH = "there is no such node or group"
_NEAR_NAMES = 20


class Names:
    """All nodes and groups of a project, by name. Nodes are given in name order."""

    def __init__(self, nodes: Sequence[NodeName], groups: Sequence[str]) -> None:
        self.nodes = tuple(sorted(nodes))
        self.groups = frozenset(groups)
        self._known = {name: name for name in nodes}
        self._alone: dict[str, Parent] = {}
        self._matches: dict[str, tuple[NodeName, ...]] = {}
        self._near: dict[str, str] = {}

    def is_node(self, path: str) -> bool:
        """True for a node's name."""
        return path in self._known

    def alone(self, path: str) -> Parent:
        """A node as a parent under its own last part: one and the same for all its children."""
        found = self._alone.get(path)
        if found is None:
            name = self._known[NodeName(path)]
            found = self._alone[path] = Parent(name.rpartition("/")[2], {"": name})
        return found

    def is_known(self, path: str) -> bool:
        """True for a node's or a group's name."""
        return path in self._known or path in self.groups

    def members(self, group: str) -> tuple[NodeName, ...]:
        """The nodes anywhere below a group, in name order; "" is the whole project."""
        if not group:
            return self.nodes
        start = bisect_left(self.nodes, group + "/")
        return self.nodes[start : bisect_left(self.nodes, group + "0")]  # "0" follows "/"

    def matching(self, pattern: str) -> tuple[NodeName, ...]:
        """The nodes a pattern (seen from the root) matches, in name order."""
        found = self._matches.get(pattern)
        if found is None:
            expression = compile_pattern(pattern)
            among = self.members(fixed_prefix(pattern))
            found = tuple(name for name in among if expression.match(name))
            self._matches[pattern] = found
        return found

    def near(self, text: str) -> str:
        """A sentence with the names most like this one.

        Looking takes up to 0.1 s in 10,000 nodes: a project with many different mistakes is told the
        near names of the first ones only.
        """
        known = self._near.get(text)
        if known is None and len(self._near) < _NEAR_NAMES:
            among = (*self.nodes, *self.groups)
            known = self._near[text] = did_you_mean(text.strip("/"), among, _NO_SUCH)
        return known or _NO_SUCH


class Refused(Exception):
    """A parent that cannot be; `what` and `mend` are told at its line."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what, mend)
        self.what = what
        self.mend = mend


class Resolved(NamedTuple):
    """A node's parents, and as what each was written."""

    parents: tuple[Parent, ...] = ()
    written: tuple[Written, ...] = ()

    def parent_nodes(self) -> tuple[NodeName, ...]:
        """The nodes read, each once."""
        return tuple(dict.fromkeys(name for p in self.parents for name in p.members.values()))

    def key_of(self, node: NodeName) -> KeyPath:
        """Where the file says that this node is read."""
        pairs = zip(self.parents, self.written, strict=True)
        return next(written.key for parent, written in pairs if node in parent.members.values())


NO_PARENTS = Resolved()


def resolve_parents(
    names: Names, node: NodeName, declared: Declared, problems: list[Problem]
) -> Resolved:
    """The node's parents that can be; the others are noted."""
    parents: dict[str, Parent] = {}
    written_as: list[Written] = []
    variables: dict[str, str] = {}
    for written in declared.parents:
        try:
            parent = _resolve(names, node, written)
            _check_alias(parent.alias, parents, variables)
        except Refused as refused:
            problems.append(declared.problem(written.key, refused.what, refused.mend))
        else:
            parents[parent.alias] = parent
            written_as.append(written)
    return Resolved(tuple(parents.values()), tuple(written_as))


def _resolve(names: Names, node: NodeName, written: Written) -> Parent:
    if is_pattern(written.text):
        return _resolve_pattern(names, node, written)
    path = _find(names, node, written.text)
    if names.is_node(path):
        parent = names.alone(path)
        return parent._replace(alias=written.name) if written.name else parent
    alias = written.name or path.rpartition("/")[2]
    members = {below(name, path): name for name in names.members(path) if name != node}
    if not members:
        raise Refused(
            f'the group "{path}" has no node besides this one', "name the nodes it should read"
        )
    return Parent(alias, members)


def _find(names: Names, node: NodeName, text: str) -> str:
    """The node or group that a name stands for, as seen from a node."""
    found = [path for path in _candidates(node, text) if names.is_known(path)]
    if len(found) > 1 and node in found:
        found.remove(node)  # a node is never its own parent, so the other one is meant
    match found:
        case [path]:
            return path
        case [beside, root]:
            raise Refused(
                f'"{text}" is both {beside} and {root}',
                f'write "./{text}" for {beside} or "/{text}" for {root}',
            )
        case _:
            raise Refused(f'parent "{text}" is not there', names.near(text))


def _candidates(node: NodeName, text: str) -> tuple[str, ...]:
    """The paths a name may stand for: beside the node, then at the root."""
    if "/" not in text and text not in (".", ".."):
        above = directory_of(node)
        return (f"{above}/{text}", text) if above else (text,)
    beside = (
        join(directory_of(node), text) if not text.startswith("/") else join("", text.lstrip("/"))
    )
    if is_outside(beside):
        raise Refused(
            f'parent "{text}" is outside of the project',
            "only nodes of this project can be parents",
        )
    if not beside:
        raise Refused("the whole project cannot be a parent", "name nodes or groups")
    if text.startswith(("/", "./", "../")) or text == "..":
        return (beside,)
    at_root = join("", text)
    return (beside,) if at_root == beside else (beside, at_root)


def _resolve_pattern(names: Names, node: NodeName, written: Written) -> Parent:
    text = written.text
    _check_brackets(text)
    found: dict[str, tuple[NodeName, ...]] = {}
    for pattern in _candidates(node, text):
        matches = tuple(name for name in names.matching(pattern) if name != node)
        if matches and matches not in found.values():
            found[pattern] = matches
    match list(found.items()):
        case [(pattern, matches)]:
            alias = written.name or _pattern_alias(pattern, text)
            prefix = fixed_prefix(pattern)
            return Parent(alias, {below(name, prefix): name for name in matches})
        case []:
            raise Refused(f'parent "{text}" matches no node', names.near(text.replace("*", "")))
        case _:
            mend = f'write "./{text}" for those beside this node or "/{text}" for those at the root'
            raise Refused(f'"{text}" matches nodes beside this one and at the root', mend)


def _check_brackets(text: str) -> None:
    try:
        compile_pattern(text)
    except re.error:
        raise Refused(f'"{text}" is no valid pattern', "mend its [..]") from None


def _pattern_alias(pattern: str, text: str) -> str:
    """A pattern's own alias: its last part if that is plain, else the last part of its fixed prefix."""
    last = pattern.rpartition("/")[2]
    alias = last if not is_pattern(last) else fixed_prefix(pattern).rpartition("/")[2]
    if not alias:
        raise Refused(f'"{text}" needs a name', f'write it as a table: [parents] name = "{text}"')
    return alias


def _check_alias(alias: str, parents: dict[str, Parent], variables: dict[str, str]) -> None:
    mend = '[parents] as a table gives each its own name: other = "path/of/node"'
    if not is_plain_name(alias):
        raise Refused(f"{alias!r} cannot be the name of a parent", mend)
    if alias in parents:
        raise Refused(f'two parents are called "{alias}"', mend)
    variable = alias.upper()
    if not (variable.isascii() and variable.isidentifier()):
        variable = re.sub(r"[^A-Z0-9]", "_", variable)
    other = variables.setdefault(variable, alias)
    if other != alias:
        raise Refused(f'"{alias}" and "{other}" would both be FP_PARENT_{variable}', mend)
