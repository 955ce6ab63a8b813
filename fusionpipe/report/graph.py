"""`fp graph`: the nodes and who reads whom, in the form asked for. Looks at nothing but the graph.

The forms live beside this file: tree.py for the terminal, markup.py for dot, mermaid and json,
svg.py (with layout.py) for a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, assert_never

from fusionpipe.model import Graph, Node, NodeName, Parent
from fusionpipe.report.markup import to_dot, to_json, to_mermaid
from fusionpipe.report.svg import to_svg
from fusionpipe.report.tree import to_tree

Form = Literal["tree", "dot", "mermaid", "json", "svg"]
States = Mapping[NodeName, str]


def render_graph(
    graph: Graph,
    *,
    form: Form,
    states: States = MappingProxyType({}),
    focus: NodeName | None = None,
    colour: bool = False,
) -> str:
    """The graph as text, ending in a newline.

    `states` are those of status.py, for any of the nodes. With `focus` only that node and what it depends
    on or what depends on it is shown, the node itself marked. `colour` is for the tree.
    """
    if focus is not None:
        graph = _around(graph, focus)
    match form:
        case "tree":
            return to_tree(graph, states, focus, colour=colour)
        case "dot":
            return to_dot(graph, states, focus)
        case "mermaid":
            return to_mermaid(graph, states, focus)
        case "json":
            return to_json(graph, states)
        case "svg":
            return to_svg(graph, states, focus)
        case _:
            assert_never(form)


def _around(graph: Graph, focus: NodeName) -> Graph:
    """The ancestors and descendants of a node, with itself. Raises KeyError if there is no such node."""
    above = _reached(focus, {name: list(node.parent_nodes()) for name, node in graph.nodes.items()})
    kept = above | _reached(focus, graph.children())
    nodes = {
        name: node._replace(parents=_parents_within(node, kept))
        for name, node in graph.nodes.items()
        if name in kept
    }
    return graph._replace(nodes=nodes)


def _parents_within(node: Node, kept: set[NodeName]) -> tuple[Parent, ...]:
    return tuple(
        Parent(parent.alias, {at: name for at, name in parent.members.items() if name in kept})
        for parent in node.parents
    )


def _reached(start: NodeName, edges: Mapping[NodeName, list[NodeName]]) -> set[NodeName]:
    seen, ahead = {start}, [start]
    while ahead:
        for name in edges[ahead.pop()]:
            if name not in seen:
                seen.add(name)
                ahead.append(name)
    return seen
