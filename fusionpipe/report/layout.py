"""Where the boxes of a picture go: a layered layout, parents left of what reads them.

After Sugiyama, Tagawa and Toda (1981): layers by longest path; an edge over several layers bends at way
points, which take part in all that follows; within layers the order of fewest crossings found by
barycentres; heights by least squares towards the neighbours. Pure, and the same for the same graph.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fusionpipe.model import Graph, NodeName

_SWEEPS = 12
_MOST_WAY_POINTS = 4000  # beyond, long edges run straight: a picture of that size is no longer read
_WAY_POINT = 0.4  # height of a way point, in boxes

# A box or a way point: the node, or an edge and the layer it crosses.
_Place = NodeName | tuple[NodeName, NodeName, int]
_Links = Mapping[_Place, list[_Place]]


@dataclass(frozen=True, slots=True)
class Layout:
    """`layer` counts from the left; `height` is a centre in units of one box and its gap, from 0.

    `routes` has for every edge the (layer, height) of its way points between the two boxes.
    """

    layer: Mapping[NodeName, int]
    height: Mapping[NodeName, float]
    routes: Mapping[tuple[NodeName, NodeName], Sequence[tuple[int, float]]]
    layers: int
    tallest: float


def lay_out(graph: Graph) -> Layout:
    """The layout of a graph without cycles. Some tenths of a second for a few hundred nodes."""
    layer = _layers(graph)
    edges = [(parent, name) for name, node in graph.nodes.items() for parent in node.parent_nodes()]
    routes = _routes(edges, layer)
    columns, before, after = _linked(layer, routes)
    _order(columns, before, after)
    heights = _heights(columns, before, after)
    top = min(heights.values(), default=0.0)
    return Layout(
        layer=layer,
        height={name: heights[name] - top for name in graph.nodes},
        routes={
            edge: [(place[2], heights[place] - top) for place in places]
            for edge, places in routes.items()
        },
        layers=len(columns),
        tallest=max(heights.values(), default=0.0) - top,
    )


def _layers(graph: Graph) -> dict[NodeName, int]:
    # Here for start-up: importing networkx takes longer than a whole build that has nothing to do.
    import networkx as nx

    digraph = nx.DiGraph()
    digraph.add_nodes_from(graph.nodes)
    digraph.add_edges_from(
        (parent, name) for name, node in graph.nodes.items() for parent in node.parent_nodes()
    )
    return {
        name: number
        for number, names in enumerate(nx.topological_generations(digraph))
        for name in names
    }


_Routes = dict[tuple[NodeName, NodeName], list[tuple[NodeName, NodeName, int]]]


def _routes(edges: Sequence[tuple[NodeName, NodeName]], layer: Mapping[NodeName, int]) -> _Routes:
    count = sum(layer[child] - layer[parent] - 1 for parent, child in edges)
    if count > _MOST_WAY_POINTS:
        return {edge: [] for edge in edges}
    return {
        (parent, child): [
            (parent, child, crossed) for crossed in range(layer[parent] + 1, layer[child])
        ]
        for parent, child in edges
    }


def _linked(
    layer: Mapping[NodeName, int], routes: _Routes
) -> tuple[list[list[_Place]], _Links, _Links]:
    """The places of every layer in a first order, and the neighbours of each on either side."""
    columns: list[list[_Place]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in sorted(layer):
        columns[layer[name]].append(name)
    for places in routes.values():
        for place in places:
            columns[place[2]].append(place)
    before: dict[_Place, list[_Place]] = {place: [] for column in columns for place in column}
    after: dict[_Place, list[_Place]] = {place: [] for column in columns for place in column}
    for (parent, child), places in routes.items():
        path: list[_Place] = [parent, *places, child]
        for left, right in pairwise(path):
            before[right].append(left)
            after[left].append(right)
    return columns, before, after


def _order(columns: list[list[_Place]], before: _Links, after: _Links) -> None:
    """Sorts every layer by the mean position of neighbours, to and fro; keeps the best order seen."""
    best, fewest = [list(column) for column in columns], _crossings(columns, after)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        if sweep % 2 == 0:
            _sort_columns(columns[1:], columns[:-1], before)
        else:
            _sort_columns(columns[-2::-1], columns[:0:-1], after)
        found = _crossings(columns, after)
        if found < fewest:
            best, fewest = [list(column) for column in columns], found
    columns[:] = best


def _sort_columns(
    columns: Sequence[list[_Place]], beside: Sequence[list[_Place]], links: _Links
) -> None:
    for column, fixed in zip(columns, beside, strict=True):
        position = _positions(fixed)
        own = _positions(column)
        # Scaled to its neighbours' column: a place without neighbours stays about where it is.
        scale = len(fixed) / max(1, len(column))
        column.sort(key=lambda place: _mean(links[place], position, own[place] * scale))


def _positions(column: Sequence[_Place]) -> dict[_Place, float]:
    return {place: float(at) for at, place in enumerate(column)}


def _mean(places: Sequence[_Place], position: Mapping[_Place, float], otherwise: float) -> float:
    known = [position[place] for place in places if place in position]
    return sum(known) / len(known) if known else otherwise


def _crossings(columns: Sequence[Sequence[_Place]], after: _Links) -> int:
    """How many pairs of edges between neighbouring layers cross: inversions, counted by insertion."""
    total = 0
    for left, right in pairwise(columns):
        position = _positions(right)
        seen: list[float] = []
        for place in left:
            ends = sorted(position[end] for end in after[place] if end in position)
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _heights(
    columns: Sequence[Sequence[_Place]], before: _Links, after: _Links
) -> dict[_Place, float]:
    heights: dict[_Place, float] = {}
    for column in columns:
        heights |= _spread(column, lambda _: 0.0)
    both = {place: [*before[place], *after[place]] for place in heights}
    for sweep in range(_SWEEPS):
        links = (before, after)[sweep % 2] if sweep < _SWEEPS - 4 else both
        for column in columns if sweep % 2 == 0 else reversed(columns):
            heights |= _spread(
                column,
                lambda place: _mean(links[place], heights, heights[place]),  # noqa: B023
            )
    return heights


def _spread(column: Sequence[_Place], wish: Callable[[_Place], float]) -> dict[_Place, float]:
    """Heights as near to the wished ones as keeping the order and the gaps allows (least squares).

    Less its least distance from the first, every height must not fall: isotonic regression, by pooling
    neighbours that want to pass each other.
    """
    offsets = [0.0]
    for above, below in pairwise(column):
        offsets.append(offsets[-1] + (_room(above) + _room(below)) / 2)
    pools: list[tuple[float, int]] = []  # sum of wishes, members
    for place, offset in zip(column, offsets, strict=False):
        total, count = wish(place) - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            more, others = pools.pop()
            total, count = total + more, count + others
        pools.append((total, count))
    levels = [total / count for total, count in pools for _ in range(count)]
    return {
        place: level + offset for place, level, offset in zip(column, levels, offsets, strict=False)
    }


def _room(place: Hashable) -> float:
    return _WAY_POINT if isinstance(place, tuple) else 1.0
