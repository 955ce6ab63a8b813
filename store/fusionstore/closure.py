"""What of a tree's blobs and directories is not there, or not good. Decides; never looks at a disk itself.

Trees share directories, so what was found of one is remembered by its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fusionstore.digest import Digest, digest_bytes
from fusionstore.errors import Corrupt
from fusionstore.holdings import Holdings
from fusionstore.layout import blob_name
from fusionstore.tree import Entry, Kind, decode


class Lack(NamedTuple):
    """Something of a tree that is altered, or not there."""

    path: str  # within the tree
    name: str  # of the object


_SOUND: tuple[Lack, ...] = ()


class Closure:
    """What records and roots name, compared with the objects there are."""

    def __init__(self, holdings: Holdings) -> None:
        self._inventory = holdings
        self._seen: dict[Digest, tuple[Lack, ...]] = {}

    def of_blob(self, digest: Digest, path: str = "") -> tuple[Lack, ...]:
        """A blob that may be there with or without its executable bit."""
        return _SOUND if self._inventory.has(digest) else (Lack(path, digest),)

    def of_tree(self, tree: Digest, encodings: Mapping[Digest, bytes]) -> tuple[Lack, ...]:
        """All that a tree lacks; its directories are looked for among `encodings`."""
        known = self._seen.get(tree)
        if known is None:
            known = self._seen[tree] = self._of_directory(tree, encodings)
        return known

    def _of_directory(self, tree: Digest, encodings: Mapping[Digest, bytes]) -> tuple[Lack, ...]:
        data = encodings.get(tree)
        if data is None or digest_bytes(data) != tree:
            return (Lack("", tree),)
        try:
            entries = decode(data)
        except Corrupt:
            return (Lack("", tree),)
        lacks: list[Lack] = []
        for entry in entries:
            if entry.kind is Kind.DIRECTORY:
                below = self.of_tree(entry.digest, encodings)
                lacks += (Lack(f"{entry.name}/{lack.path}", lack.name) for lack in below)
            elif entry.kind is not Kind.SYMLINK:
                lacks += self._of_file(entry)
        return tuple(lacks) or _SOUND

    def _of_file(self, entry: Entry) -> tuple[Lack, ...]:
        name = blob_name(entry.digest, executable=entry.kind is Kind.EXECUTABLE)
        # its own object, if altered, is what the laid out tree holds, whatever its twin is
        if name in self._inventory.altered or not self._inventory.has(name):
            return (Lack(entry.name, name),)
        return _SOUND
