"""The graph of the last build that left everything fresh, so that the next one need not read the project.

Kept beside the snapshot and named in it: a snapshot of another graph does not belong to this one. Each node
is packed for itself, for a build after one edit needs few of them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from struct import pack as pack_words
from typing import Any

from fusionpipe import memo
from fusionpipe.build.packed import SHAPE, PackedNodes, pack, unpack_settings
from fusionpipe.build.state import DIRECTORY
from fusionpipe.model import Graph, Node, NodeName
from fusionpipe.structure import Structure
from fusionpipe.workspace import Question

_AT_ONCE = 1000
"""Nodes that are packed at a time."""

_Owned = tuple[tuple[str, ...], bytes]
"""Paths whose bytes are in the key of a node, and for each the position of that node."""

_SHAPE = ("graph 2", SHAPE, tuple(question.value for question in Question))


class Remembered:
    """A graph as it was, with what tells which nodes a changed path concerns."""

    def __init__(
        self,
        graph: Graph,
        structure: Structure,
        owned: _Owned,
        children: Mapping[NodeName, Sequence[NodeName]],
        sources: Mapping[NodeName, str],
    ) -> None:
        self.graph = graph
        self.structure = structure
        self.children = children
        self.sources = sources  # by node: where its bytes are
        self._owned = owned

    def concerned_by(self, paths: Collection[str]) -> dict[str, set[NodeName]]:
        """By path, the nodes whose own part of the key may be another when this path is."""
        names = tuple(self.graph.nodes)
        owners = memoryview(self._owned[1]).cast("I")
        concerned: dict[str, set[NodeName]] = {path: set() for path in paths}
        for at, path in enumerate(self._owned[0]):
            if path in concerned:
                concerned[path].add(names[owners[at]])
        sources = _by_place(self.sources)
        for path in paths:
            place = path
            while place:
                concerned[path].update(sources.get(place, ()))
                place = place.rpartition("/")[0]
        return concerned

    @classmethod
    def load(cls, root: Path, token: bytes) -> Remembered | None:
        """The graph that a snapshot names, if it is there."""
        parts: Iterator[Any] = memo.load_parts(_path(root))
        head = next(parts, None)
        if not isinstance(head, tuple) or head[:2] != (_SHAPE, token):
            return None
        _, _, settings, groups = head
        structure, owned, sources = next(parts)
        nodes: dict[NodeName, bytes] = {}
        children: dict[NodeName, tuple[NodeName, ...]] = {}
        for some, below in parts:
            nodes |= some
            children |= below
        graph = Graph(PackedNodes(nodes), unpack_settings(settings), groups)
        return cls(graph, structure, owned, children, sources)


def keep_graph(root: Path, graph: Graph, structure: Structure) -> bytes:
    """Keeps what the next build needs of a graph; the token for its snapshot. Raises OSError."""
    token = os.urandom(8)
    memo.save_parts(_path(root), _parts(token, graph, structure))
    return token


def _parts(token: bytes, graph: Graph, structure: Structure) -> Iterator[object]:
    """What is kept, piece by piece: as a whole it would take as much memory as the graph itself."""
    yield _SHAPE, token, pack(graph.settings), graph.groups
    sources = {name: node.source.path for name, node in graph.nodes.items() if node.source}
    yield structure, _owned_by(graph), sources
    children = graph.children()
    names = iter(graph.nodes)
    while some := tuple(islice(names, _AT_ONCE)):
        nodes = {name: pack(graph.nodes[name]) for name in some}
        yield nodes, {name: tuple(below) for name in some if (below := children.pop(name))}


def _owned_by(graph: Graph) -> _Owned:
    paths: list[str] = []
    owners: list[int] = []
    for at, node in enumerate(graph.nodes.values()):
        for path in _paths_of(node):
            paths.append(path)
            owners.append(at)
    return tuple(paths), pack_words(f"={len(owners)}I", *owners)


def _by_place(sources: Mapping[NodeName, str]) -> dict[str, list[NodeName]]:
    found: dict[str, list[NodeName]] = {}
    for name, place in sources.items():
        found.setdefault(place, []).append(name)
    return found


def _path(root: Path) -> Path:
    return root / DIRECTORY / "state" / "graph"


def _paths_of(node: Node) -> Iterator[str]:
    sets = (
        (*node.libs, *node.inputs) if node.code is None else (node.code, *node.libs, *node.inputs)
    )
    for files in sets:
        for laid in files.files:
            yield laid.path
    yield from node.locks
