"""The graph for the terminal: parents above, what reads them indented below.

A graph is no tree: a node that reads several others is shown in full where it first comes, later as
`name ↑`. What lies very deep is `name ↓` and continued further down, so that a chain of thousands stays
readable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO

from fusionpipe.model import Graph, NodeName
from fusionpipe.report.output import Ink, Output

_DEEPEST = 24
_QUIET_STATES = ("", "fresh", "source")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node is to be named: what is drawn before it, and before what is below it."""

    name: NodeName
    lead: str = ""
    indent: str = ""
    depth: int = 0


def to_tree(
    graph: Graph, states: Mapping[NodeName, str], focus: NodeName | None, *, colour: bool
) -> str:
    """One line a node and reference. Nodes that are not fresh say so, sources that they are."""
    output = Output(StringIO(), colour=colour)
    lines = []
    for place, mark in _places(graph):
        if mark:
            lines.append(f"{place.lead}{place.name} {mark}")
        else:
            lines.append(place.lead + _label(graph, place.name, states, focus, output))
    return "\n".join(lines or ["no nodes"]) + "\n"


def _places(graph: Graph) -> Iterator[tuple[_Place, str]]:
    """Every place in the order of the lines: "" for the one in full, "↑" or "↓" where to look for it."""
    below = graph.children()
    roots = deque(name for name, node in graph.nodes.items() if not node.parent_nodes())
    shown: set[NodeName] = set()
    while roots:
        root = roots.popleft()
        ahead = [] if root in shown else [_Place(root)]
        while ahead:
            place = ahead.pop()
            if place.name in shown:
                yield place, "↑"
            elif place.depth == _DEEPEST and below[place.name]:
                roots.append(place.name)
                yield place, "↓"
            else:
                shown.add(place.name)
                yield place, ""
                ahead += reversed(_places_below(place, below[place.name]))


def _places_below(place: _Place, children: list[NodeName]) -> list[_Place]:
    places = [
        _Place(child, place.indent + "├─ ", place.indent + "│  ", place.depth + 1)
        for child in children
    ]
    if children:
        places[-1] = _Place(
            children[-1], place.indent + "└─ ", place.indent + "   ", place.depth + 1
        )
    return places


def _label(
    graph: Graph,
    name: NodeName,
    states: Mapping[NodeName, str],
    focus: NodeName | None,
    output: Output,
) -> str:
    text = output.paint(name, Ink.STRONG) if name == focus else str(name)
    if graph.nodes[name].source is not None:
        text += "  " + output.paint("source", Ink.FAINT)
    state = states.get(name, "")
    if state not in _QUIET_STATES:
        text += "  " + output.paint(state, Ink.WARNING)
    return text + "  ◀" if name == focus else text
