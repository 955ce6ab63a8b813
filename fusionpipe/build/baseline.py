"""What a build may take for granted because the last one left everything fresh, and what it must look at.

A snapshot is compared path by path (`hot.compare`). Where the answers the graph was made from are the same,
the graph is; then only the nodes whose own files or data changed are touched, and below them only those
whose parents turn out to hold other bytes than they held. Everything else is as it was left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fusionpipe.build.remembered import Remembered
from fusionpipe.hot import ROOT
from fusionpipe.model import NodeName
from fusionpipe.structure import is_as_it_was, marks_at
from fusionpipe.workspace import Workspace
from fusionstore.digest import Digest

if TYPE_CHECKING:
    from fusionpipe.hot import Difference, Snapshot

_DIGEST_BYTES = 32
_EXECUTABLE_ENTRY = "main"  # an entry by a bit that no listing shows


class Baseline:
    """The last fresh state of a project, and the nodes that differ from it."""

    def __init__(
        self,
        snapshot: Snapshot,
        remembered: Remembered,
        touched: frozenset[NodeName],
    ) -> None:
        self.snapshot = snapshot
        self.remembered = remembered
        self.touched = touched
        self._digests = snapshot.digests
        self._position = {name: at for at, name in enumerate(snapshot.data[0])}

    @classmethod
    def of(
        cls, root: Path, difference: Difference, disk: Workspace, unsettled: Iterable[NodeName]
    ) -> Baseline | None:
        """What the difference leaves; None if the project has to be read again.

        `unsettled` are nodes that were linked anew since: another result may have equal bytes.
        """
        snapshot = difference.snapshot
        remembered = Remembered.load(root, snapshot.token)
        if remembered is None:
            return None
        touched = {name for name in unsettled if name in remembered.graph.nodes}
        touched.update(NodeName(name) for name in difference.nodes)
        differing = ["" if path == ROOT else path for path in difference.paths]
        structural = marks_at(remembered.structure, frozenset(differing))
        concerned = remembered.concerned_by(differing)
        for path in differing:
            is_node = path in remembered.graph.nodes
            if not is_node and not concerned[path] and path not in structural:
                # an interpreter, an installed package: what it changes is anybody's guess
                return None
            if path.rpartition("/")[2] == _EXECUTABLE_ENTRY:
                return None
            if is_node:  # something a build put there may be gone
                touched.add(NodeName(path))
            touched.update(concerned[path])
        try:
            is_same = is_as_it_was(structural, disk, remembered.graph.nodes)
        except OSError:
            return None
        if not is_same:
            return None
        return cls(snapshot, remembered, frozenset(touched))

    @property
    def seconds(self) -> float:
        """What the runs of all linked results took."""
        return self.snapshot.seconds

    def digest(self, node: NodeName) -> Digest:
        """The digest of the data that a node had."""
        at = self._position[node] * _DIGEST_BYTES
        return Digest(self._digests[at : at + _DIGEST_BYTES].hex())

    def digests(self, anew: Mapping[NodeName, Digest]) -> bytes:
        """All nodes' digests as a snapshot keeps them, these in place of what was."""
        every = bytearray(self._digests)
        for name, digest in anew.items():
            at = self._position[name] * _DIGEST_BYTES
            every[at : at + _DIGEST_BYTES] = bytes.fromhex(digest)
        return bytes(every)

    def affected(self) -> tuple[NodeName, ...]:
        """What is touched, and all below it, parents first; and the sources that these read.

        Sources are in for the fingerprints of their files, which must hold while a node reads them (L3).
        """
        below = self.below(self.touched)
        children = self.remembered.children
        read = (one for one in self.remembered.sources if below.intersection(children.get(one, ())))
        return self.in_order(below.union(read))

    def below(self, nodes: Iterable[NodeName]) -> set[NodeName]:
        """The nodes, with all that depends on them."""
        reached = set(nodes)
        waiting = list(reached)
        while waiting:
            for child in self.remembered.children.get(waiting.pop(), ()):
                if child not in reached:
                    reached.add(child)
                    waiting.append(child)
        return reached

    def parents_among(self, names: Sequence[NodeName]) -> Mapping[NodeName, Sequence[NodeName]]:
        """For each of these nodes, its parents among them. No node is unpacked for it."""
        parents: dict[NodeName, list[NodeName]] = {name: [] for name in names}
        below = self.remembered.children
        for name in names:
            for child in below.get(name, ()):
                if child in parents:
                    parents[child].append(name)
        return parents

    def in_order(self, names: set[NodeName]) -> tuple[NodeName, ...]:
        """In topological order, the same each time."""
        below = self.remembered.children
        children = {name: [one for one in below.get(name, ()) if one in names] for name in names}
        left = dict.fromkeys(sorted(names), 0)
        for name in names:
            for child in children[name]:
                left[child] += 1
        order = [name for name, count in left.items() if not count]
        for name in order:  # it grows while it is walked
            for child in children[name]:
                left[child] -= 1
                if not left[child]:
                    order.append(child)
        return tuple(order)
