"""Roots on disk: one small file each, replaced whole; what they name is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from fusionstore.contract import Root
from fusionstore.digest import Digest
from fusionstore.durable import barrier, write_new
from fusionstore.index import Index
from fusionstore.layout import Layout
from fusionstore.records import decode_root, encode_root
from fusionstore.scratch import Scratch
from fusionstore.tree import Tree


class Roots:
    """Reads and writes roots. `keep` makes trees that nobody committed durable first."""

    def __init__(
        self,
        layout: Layout,
        index: Index,
        scratch: Scratch,
        keep: Callable[[Sequence[Tree]], None],
        arrived: Callable[[Digest], Tree | None],
    ) -> None:
        self._layout = layout
        self._index = index
        self._scratch = scratch
        self._keep = keep
        self._arrived = arrived

    def write(self, root: Root) -> None:
        """Writes a root, durable, in place of one of the same name."""
        path = self._path(root.name)
        new = [tree for digest in root.trees if (tree := self._arrived(digest)) is not None]
        if new:
            self._keep(new)
        before = self.read(root.name) if os.path.lexists(path) else None
        temporary = self._scratch.fresh()
        write_new(temporary, encode_root(root), 0o644)
        barrier(self._layout.root, [temporary], [])
        os.rename(temporary, path)
        barrier(self._layout.root, [], [self._layout.roots])
        dropped = set(before.trees) - set(root.trees) if before else set()
        with self._index.writing() as writer:
            writer.drop_root(root.name, list(dropped))
            writer.put_root(root.name, root.trees)

    def read(self, name: str) -> Root | None:
        """A root by name. Raises Corrupt."""
        path = self._path(name)
        try:
            with open(path, "rb") as file:
                return decode_root(file.read(), path)
        except FileNotFoundError:
            return None

    def all(self, prefix: str = "") -> list[Root]:
        """All roots whose names begin so. Raises Corrupt: whoever deletes must not overlook one."""
        names = sorted(os.listdir(self._layout.roots))
        found = (self.read(name) for name in names if name.startswith(prefix))
        return [root for root in found if root is not None]

    def delete(self, name: str) -> None:
        """Forgets a root."""
        root = self.read(name)
        if root is None:
            return
        os.unlink(self._path(name))
        barrier(self._layout.root, [], [self._layout.roots])
        with self._index.writing() as writer:
            writer.drop_root(name, root.trees)

    def _path(self, name: str) -> str:
        assert name.strip("."), f"bad name of a root: {name!r}"
        assert "/" not in name, f"bad name of a root: {name!r}"
        return f"{self._layout.roots}/{name}"
