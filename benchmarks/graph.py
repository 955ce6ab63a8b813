"""The synthetic graph that everything is measured on: N nodes in layers of about √N, up to three parents each.

Every node reads its parents' outputs and writes one small file. The same N always gives the same graph.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Graph = tuple["Node", ...]
"""Nodes in topological order."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its name ("n000012") and the names of its parents, all in the layer above."""

    name: str
    parents: tuple[str, ...]


def layered(count: int, seed: int = 7) -> Graph:
    """`count` nodes in topological order; the first layer has no parents."""
    chance = random.Random(seed)
    width = max(1, math.isqrt(count))
    names = [f"n{number:06d}" for number in range(count)]
    nodes = []
    for start in range(0, count, width):
        above = names[max(0, start - width) : start]
        for name in names[start : start + width]:
            parents = chance.sample(above, min(len(above), chance.randint(1, 3))) if above else []
            nodes.append(Node(name, tuple(sorted(parents))))
    return tuple(nodes)


def fan_in(sources: int, readers: int, each: int) -> Graph:
    """`sources` nodes without parents, and `readers` nodes that each read the first `each` of them."""
    names = tuple(f"n{number:06d}" for number in range(sources))
    last = (f"n{number:06d}" for number in range(sources, sources + readers))
    return (*(Node(name, ()) for name in names), *(Node(name, names[:each]) for name in last))


def leaf(graph: Graph) -> str:
    """The node that nobody reads and whose edit is measured: the last one."""
    return graph[-1].name


def busiest_root(graph: Graph) -> str:
    """The node without parents that most others depend on, directly or not; the first of equals."""
    roots = [node.name for node in graph if not node.parents]
    counts = dict.fromkeys(roots, 0)
    for above in _roots_above(graph, roots).values():
        for number, root in enumerate(roots):
            counts[root] += above >> number & 1
    return max(roots, key=lambda root: counts[root])


def descendants(graph: Graph, name: str) -> frozenset[str]:
    """Everything that depends on a node, directly or not, without itself."""
    found = {name}
    for node in graph:
        if not found.isdisjoint(node.parents):
            found.add(node.name)
    return frozenset(found - {name})


def outputs(graph: Graph, constants: Sequence[int]) -> dict[str, int]:
    """What each node has to write, given each one's own constant: computed here, not built."""
    values: dict[str, int] = {}
    for node, constant in zip(graph, constants, strict=True):
        values[node.name] = combine(constant, (values[parent] for parent in node.parents))
    return values


def combine(constant: int, inputs: Iterable[int]) -> int:
    """What a node makes of its constant and its parents' outputs; the scripts do the same."""
    total = constant
    for value in inputs:
        total = (total * 31 + value) % 1000003
    return total


def _roots_above(graph: Graph, roots: Sequence[str]) -> dict[str, int]:
    """Each node's roots, one bit each: a hundred thousand nodes take a fraction of a second."""
    above = {root: 1 << number for number, root in enumerate(roots)}
    for node in graph:
        for parent in node.parents:
            above[node.name] = above.get(node.name, 0) | above[parent]
    return above
