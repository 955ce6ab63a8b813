"""Whose place a path is: a node's own, a group's, what a build writes, or outside of the project.

Code, libs and inputs may come from anywhere but from what a build writes: that would be read before it
is made, and around the key. Pure.
"""

from __future__ import annotations

from collections.abc import Collection

from fusionpipe.model import NodeName
from fusionpipe.project.ignore import GENERATED
from fusionpipe.project.patterns import below
from fusionpipe.project.reading import directory_of


class Territory:
    """The project's nodes and groups, to ask about paths."""

    def __init__(self, nodes: Collection[NodeName], groups: Collection[str]) -> None:
        self._nodes = nodes
        self._groups = frozenset(groups)

    def owner(self, path: str) -> NodeName | None:
        """The node a path is or lies in."""
        while path:
            if path in self._nodes:
                return NodeName(path)
            path = directory_of(path)
        return None

    def generated_by(self, path: str) -> NodeName | None:
        """The node whose build writes this path, None for a path that is the user's."""
        owner = self.owner(path)
        if owner is None or path == owner:
            return None
        return owner if below(path, owner).partition("/")[0] in GENERATED else None

    def holds_nodes(self, path: str) -> bool:
        """True when a directory is a node or has nodes below it."""
        return path in self._groups or path in self._nodes or (not path and bool(self._nodes))
