"""The graph of the last build that left everything fresh, so that the next one need not read the project.

Kept beside the snapshot and named in it: a snapshot of another graph does not belong to this one. Each node
is packed for itself, for a build after one edit needs few of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fusionpipe import memo
from fusionpipe.build.packed import SHAPE, PackedNodes, pack, unpack_settings
from fusionpipe.build.state import DIRECTORY
from fusionpipe.model import Graph, Node, NodeName
from fusionpipe.structure import Structure
from fusionpipe.workspace import Question

_SHAPE = ("graph 2", SHAPE, tuple(question.value for question in Question))


class Remembered:
    """A graph as it was, with what tells which nodes a changed path concerns."""

    def __init__(
        self,
        token: bytes,
        graph: Graph,
        structure: Structure,
        owners: Mapping[str, Sequence[NodeName]],
        children: Mapping[NodeName, Sequence[NodeName]],
        sources: Mapping[NodeName, str],
    ) -> None:
        self.token = token
        self.graph = graph
        self.structure = structure
        self.owners = owners  # by path: the nodes whose key holds the bytes there
        self.children = children
        self.sources = sources  # by node: where its bytes are
        self._sources_at: dict[str, list[NodeName]] = {}
        for name, place in sources.items():
            self._sources_at.setdefault(place, []).append(name)

    @classmethod
    def of(cls, graph: Graph, structure: Structure) -> Remembered:
        """What is to be remembered of a graph."""
        owners: dict[str, list[NodeName]] = {}
        sources: dict[NodeName, str] = {}
        for name, node in graph.nodes.items():
            if node.source is not None:
                sources[name] = node.source.path
            for path in _paths_of(node):
                owners.setdefault(path, []).append(name)
        return cls(os.urandom(8), graph, structure, owners, graph.children(), sources)

    def concerned_by(self, path: str) -> Iterator[NodeName]:
        """The nodes whose own part of the key may be another when this path is."""
        yield from self.owners.get(path, ())
        place = path
        while place:
            yield from self._sources_at.get(place, ())
            place = place.rpartition("/")[0]

    def save(self, root: Path) -> None:
        """Keeps it. Raises OSError."""
        nodes = {name: pack(node) for name, node in self.graph.nodes.items()}
        owners = {path: tuple(names) for path, names in self.owners.items()}
        children = {name: tuple(below) for name, below in self.children.items() if below}
        settings = pack(self.graph.settings)
        groups = self.graph.groups
        memo.save(
            _path(root),
            (_SHAPE, self.token, settings, groups, nodes, self.structure, owners, children, self.sources),
        )  # fmt: skip

    @classmethod
    def load(cls, root: Path, token: bytes) -> Remembered | None:
        """The graph that a snapshot names, if it is there."""
        kept = memo.load(_path(root))
        if not isinstance(kept, tuple) or kept[:2] != (_SHAPE, token):
            return None
        _, _, settings, groups, nodes, structure, owners, children, sources = kept
        graph = Graph(PackedNodes(nodes), unpack_settings(settings), groups)
        return cls(token, graph, structure, owners, children, sources)


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
