"""The synthetic graph that everything is measured on: N nodes in layers of about √N, up to three parents each.

Every node reads its parents' outputs and writes one small file. The same N always gives the same graph.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its name ("n00012") and the names of its parents, all in the layer above."""

    name: str
    parents: tuple[str, ...]


def layered(count: int, seed: int = 7) -> tuple[Node, ...]:
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
