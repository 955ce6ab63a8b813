"""What this process brought in or re-hashed and the index does not know yet.

Arrivals are good but not known to be durable; they become known by `commit`, or by `settle` for all
that is left. Held in memory only: after a crash they are unknown again, and are re-hashed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from fusionstore.digest import Digest
from fusionstore.durable import barrier
from fusionstore.index import Index, Writer
from fusionstore.layout import Layout
from fusionstore.seal import Stamp, stamp
from fusionstore.tree import Tree


class Arrived(NamedTuple):
    """A tree that stands in its place and was looked at, byte by byte, by this process."""

    tree: Tree
    seal: bytes
    blobs: frozenset[str]  # names of the objects it holds
    directories: tuple[str, ...] = ()  # all below the root, as paths from it
    loose: tuple[str, ...] = ()  # files with an inode of their own, not their object's


class Arrivals:
    """Stamps and seals ahead of the index. Any thread may use it."""

    def __init__(self, layout: Layout, index: Index) -> None:
        self._layout = layout
        self._index = index
        self._lock = threading.Lock()
        self._blobs: dict[str, Stamp] = {}
        self._trees: dict[Digest, Arrived] = {}
        self._grown = 0

    def add_blob(self, name: str, stamp: Stamp, *, grown: int = 0) -> None:
        """An object is good now; `grown` is what it added to the store."""
        with self._lock:
            self._blobs[name] = stamp
            self._grown += grown

    def add_tree(self, arrived: Arrived) -> None:
        """A tree stands now."""
        with self._lock:
            self._trees[arrived.tree.root] = arrived

    def stamp(self, name: str) -> Stamp | None:
        """The stamp of a good object, from here or the index."""
        return self._blobs.get(name) or self._index.stamp(name)

    def seal(self, tree: Digest) -> bytes | None:
        """The seal of a tree, from here or the index."""
        arrived = self._trees.get(tree)
        return self._index.seal(tree) if arrived is None else arrived.seal

    def blob(self, name: str) -> Stamp | None:
        """The stamp of an object that is not yet known to be durable."""
        return self._blobs.get(name)

    def tree(self, digest: Digest) -> Arrived | None:
        """A tree the index does not know yet."""
        return self._trees.get(digest)

    def lose_blob(self, name: str) -> None:
        """An object is gone, or was found bad."""
        with self._lock:
            self._blobs.pop(name, None)

    def lose_tree(self, tree: Digest) -> None:
        """A tree no longer stands."""
        with self._lock:
            self._trees.pop(tree, None)

    def settle(self) -> None:
        """Makes all that arrived durable and known."""
        with self._lock:
            blobs, trees = dict(self._blobs), dict(self._trees)
        blobs = {name: known for name, known in blobs.items() if self._is_there(name, known)}
        if not blobs and not trees:
            return
        if blobs:
            barrier_for(self._layout, blobs, ())
        with self._index.writing() as writer:
            self.write(writer, blobs, trees)
        self.forget(blobs, trees)

    def write(
        self, writer: Writer, blobs: Mapping[str, Stamp], trees: Mapping[Digest, Arrived]
    ) -> None:
        """Puts what has become durable into the index."""
        for name, known in blobs.items():
            writer.put_stamp(name, known)
        for digest, arrived in trees.items():
            writer.put_seal(digest, arrived.seal)
        with self._lock:
            grown, self._grown = self._grown, 0
        if grown:
            writer.add_to_figure("stored", grown)

    def forget(self, blobs: Mapping[str, Stamp], trees: Mapping[Digest, Arrived]) -> None:
        """Drops what the index knows now, unless it changed meanwhile."""
        with self._lock:
            for name, known in blobs.items():
                if self._blobs.get(name) == known:
                    del self._blobs[name]
            for digest, arrived in trees.items():
                if self._trees.get(digest) is arrived:
                    del self._trees[digest]

    def _is_there(self, name: str, known: Stamp) -> bool:
        try:
            return stamp(os.lstat(self._layout.object(name))) == known
        except FileNotFoundError:
            return False


def barrier_for(
    layout: Layout, names: Collection[str], trees: Iterable[Arrived], others: Iterable[str] = ()
) -> bool:
    """Returns once these objects, trees and other files are on the disk; True as `barrier` does."""
    files = [layout.object(name) for name in names]
    directories = {f"{layout.objects}/{name[:2]}" for name in names}
    if files:
        directories.add(layout.objects)
    files += others
    for arrived in trees:
        at = layout.tree(arrived.tree.root)
        files += (f"{at}/{path}" for path in arrived.loose)
        directories |= {layout.trees, at, *(f"{at}/{path}" for path in arrived.directories)}
    return barrier(layout.root, files, directories)
