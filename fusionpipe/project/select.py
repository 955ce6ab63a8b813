"""What a command's targets stand for: names, groups, patterns, `node+` and `.` to nodes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fusionpipe.errors import UsageError
from fusionpipe.model import Graph, NodeName
from fusionpipe.project.order import topological
from fusionpipe.project.patterns import is_pattern
from fusionpipe.project.reading import directory_of, is_outside, join
from fusionpipe.project.resolve import Names
from fusionpipe.project.suggest import did_you_mean

_LISTED = "fp status -v lists them all"


def select(graph: Graph, targets: Sequence[str], *, here: str = "") -> tuple[NodeName, ...]:
    """The nodes to bring up to date for these targets: they and their ancestors, parents first.

    A target is a node, a group, a pattern (`train*`, `**/fit`) or `.`, each seen from `here` (the
    working directory below the root) or from the root. `+node` is the same as `node`; `node+` adds
    its descendants. No target means everything. Raises UsageError for what is not there.
    """
    order = topological(graph)
    if not targets:
        return order
    chosen = set(targets_of(graph, targets, here=here))
    chosen |= _reach(chosen, {name: node.parent_nodes() for name, node in graph.nodes.items()})
    return tuple(name for name in order if name in chosen)


def targets_of(graph: Graph, targets: Sequence[str], *, here: str = "") -> tuple[NodeName, ...]:
    """The nodes that targets name themselves, without their ancestors: what `-f` is about."""
    names = Names(topological(graph), graph.groups)
    chosen: set[NodeName] = set()
    for target in targets:
        text = target.removeprefix("+")
        found = _find(names, text.removesuffix("+"), here)
        chosen.update(found)
        if text.endswith("+"):
            chosen.update(_reach(found, graph.children()))
    return tuple(sorted(chosen))


def resolve_node(graph: Graph, text: str, here: str = "", *, is_exact: bool = False) -> NodeName:
    """The one node a word stands for. Raises UsageError for several, or none.

    With `is_exact` also for a group or a pattern that only happens to stand for one.
    """
    names = Names(tuple(graph.nodes), graph.groups)
    match _find(names, text, here):
        case (node,):
            if is_exact and (what := _several_by_nature(names, text, here)):
                raise UsageError(f'"{text}" is {what}, not a node', f"name its node: {node}")
            return node
        case many:
            listed = ", ".join(many[:5]) + (", …" if len(many) > 5 else "")
            raise UsageError(
                f'"{text}" stands for {len(many)} nodes', f"name one of them: {listed}"
            )


def _reach(
    start: Iterable[NodeName],
    steps: dict[NodeName, list[NodeName]] | dict[NodeName, tuple[NodeName, ...]],
) -> set[NodeName]:
    """Everything reached by following the steps, any number of times."""
    reached: set[NodeName] = set()
    waiting = list(start)
    while waiting:
        for name in steps[waiting.pop()]:
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached


def _find(names: Names, text: str, here: str) -> tuple[NodeName, ...]:
    if not text:
        raise UsageError("a target is empty", "name a node, a group or a pattern")
    paths = _paths(names, text, here)
    for path in paths:
        if found := _at(names, path):
            return found
    for path in paths:
        if owner := _owner_named(names, path, here):
            return (owner,)
    what = "matches no node" if is_pattern(text) else "is no node or group"
    raise UsageError(f'"{text}" {what}', did_you_mean(text.strip("/"), _all(names), _LISTED))


def _several_by_nature(names: Names, text: str, here: str) -> str:
    """What a word is that may stand for any number of nodes; "" for a node's name, or a path in a node."""
    if is_pattern(text):
        return "a pattern"
    for path in _paths(names, text, here):
        if _at(names, path):
            return "" if names.is_node(path) else "a group"
    return ""


def _paths(names: Names, text: str, here: str) -> list[str]:
    """Where a word may lead, the nearest first."""
    bases = _bases(names, text, here)
    joined = (join(base, text.lstrip("/")) for base in bases)
    return [path for path in joined if not is_outside(path)]


def _all(names: Names) -> tuple[str, ...]:
    return (*names.nodes, *names.groups)


def _owner_named(names: Names, path: str, here: str) -> NodeName | None:
    """The node whose file the path is. A word that only sounds so because we are in a node is none."""
    owner = _owner(names, path)
    is_inside_already = owner is not None and (here == owner or here.startswith(owner + "/"))
    is_above = here == path or here.startswith(path + "/")
    return None if is_inside_already and not is_above else owner


def _bases(names: Names, text: str, here: str) -> tuple[str, ...]:
    """The directories a word is seen from: here, beside the node we are in, the root."""
    if text.startswith("/"):
        return ("",)
    if text in (".", "..") or text.startswith(("./", "../")):
        return (here,)
    inside = _owner(names, here)
    beside = (directory_of(inside),) if inside else ()
    return tuple(dict.fromkeys((here, *beside, "")))


def _at(names: Names, path: str) -> tuple[NodeName, ...]:
    """The nodes at a path: the node, all of a group, or what a pattern matches."""
    if is_pattern(path):
        try:
            return names.matching(path)
        except re.error:
            return ()
    if names.is_node(path):
        return (NodeName(path),)
    return names.members(path) if not path or path in names.groups else ()


def _owner(names: Names, path: str) -> NodeName | None:
    """The node a path is or lies in."""
    while path:
        if names.is_node(path):
            return NodeName(path)
        path = directory_of(path)
    return None
