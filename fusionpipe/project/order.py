"""The order nodes can run in, and the circles that allow none. Pure and deterministic."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from fusionpipe.model import Graph, NodeName

ParentsOf = Mapping[NodeName, Iterable[NodeName]]


def topological(graph: Graph) -> tuple[NodeName, ...]:
    """Every node after all its parents, in the same order each time: roots first, by name."""
    return sort_nodes({name: node.parent_nodes() for name, node in graph.nodes.items()})


def sort_nodes(parents: ParentsOf) -> tuple[NodeName, ...]:
    """The nodes that lie on no circle and below none, parents first."""
    children: dict[NodeName, list[NodeName]] = {name: [] for name in parents}
    left: dict[NodeName, int] = {}
    for name in sorted(parents):
        above = {parent for parent in parents[name] if parent in parents}
        left[name] = len(above)
        for parent in above:
            children[parent].append(name)
    ready = deque(name for name, count in left.items() if not count)
    order: list[NodeName] = []
    while ready:
        name = ready.popleft()
        order.append(name)
        for child in children[name]:
            left[child] -= 1
            if not left[child]:
                ready.append(child)
    return tuple(order)


def cycles(parents: ParentsOf) -> list[tuple[NodeName, ...]]:
    """Circles that share no node, each as [a, b, …] where a reads b, b reads …, the last reads a.

    Breaking the ones found may show more; there is none exactly when the graph can be sorted.
    """
    left: dict[NodeName, Iterable[NodeName]] = dict(parents)
    found: list[tuple[NodeName, ...]] = []
    while stuck := left.keys() - set(sort_nodes(left)):
        found.append(_one_cycle({name: left[name] for name in stuck}))
        for name in found[-1]:
            del left[name]
    return found


def _one_cycle(stuck: ParentsOf) -> tuple[NodeName, ...]:
    """A circle reached from the first stuck node; each stuck node has a stuck parent."""
    path: dict[NodeName, None] = {}
    name = min(stuck)
    while name not in path:
        path[name] = None
        name = min(parent for parent in stuck[name] if parent in stuck)
    nodes = list(path)
    circle = nodes[nodes.index(name) :]
    first = circle.index(min(circle))
    return (*circle[first:], *circle[:first])
