"""What a store holds and who needs it, as one process saw it at one moment: facts for whoever decides.

Read from the files alone, which are the truth. What cannot be read stops the reader: of a record nobody can
read nobody knows what it needs. Nothing here writes.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fusionstore.contract import FullRecord, JsonObject, Record, Root
from fusionstore.copying import read_whole
from fusionstore.digest import Digest, RecordId
from fusionstore.errors import Corrupt
from fusionstore.layout import Layout, blob_name
from fusionstore.records import Filed, decode_record
from fusionstore.tree import Kind, decode

REMAINS = 1 << 20
"""Bytes up to which what a collected record kept to explain and repeat its run (its code, its log) stays."""


class Held(NamedTuple):
    """A record on disk. `used` is about when somebody last needed it; one that `is_gone` has no outputs left."""

    record: Record
    keeps: Mapping[str, Digest]
    named: Sequence[Digest]  # its log, and directories that are objects
    body: JsonObject
    used: float
    path: str
    is_gone: bool

    @property
    def id(self) -> RecordId:
        """Which record."""
        return self.record.id

    @property
    def trees(self) -> tuple[Digest, ...]:
        """All it names."""
        return (*self.record.slots.values(), *self.keeps.values())


class Blob(NamedTuple):
    """An object on disk."""

    size: int
    used: float


class Collected(NamedTuple):
    """What was, or would be, deleted."""

    inventory: Inventory  # as it was before
    records: tuple[Held, ...]  # whose results went
    trees: int
    objects: int
    bytes: int


@dataclass(slots=True)
class Inventory:
    """A store's records, objects and roots. Only `rooted` and `young` records may not be given up."""

    records: dict[RecordId, Held] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)
    roots: Sequence[Root] = ()
    rooted: frozenset[RecordId] = frozenset()
    young: frozenset[RecordId] = frozenset()  # needed lately, or by a process that lives
    now: float = 0.0
    horizon: float = 0.0  # what was needed since then stays
    _directories: dict[Digest, tuple[frozenset[str], tuple[Digest, ...]]] = field(
        default_factory=dict
    )

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(blob.size for blob in self.blobs.values())

    def live(self) -> Iterator[Held]:
        """The records that are results still."""
        return (held for held in self.records.values() if not held.is_gone)

    def may_go(self, id: RecordId) -> bool:
        """True if nothing in the store asks for a record."""
        return id not in self.rooted and id not in self.young

    def needs(self, held: Held) -> set[str]:
        """The objects a result is made of, with all that explains it."""
        found: set[str] = set()
        self.add_trees(held.trees, found, set())
        found.update(self._names(held.named))
        return found

    def remains(self, held: Held) -> set[str]:
        """The objects that stay of it once its result is gone."""
        found: set[str] = set()
        self.add_trees(held.keeps.values(), found, set())
        found.update(self._names(held.named))
        return {name for name in found if name in self.blobs and self.blobs[name].size <= REMAINS}

    def kept_by(self, gone: Collection[RecordId]) -> set[str]:
        """The objects that stay when these records' results go; what is young is not asked for here."""
        found: set[str] = set()
        seen: set[Digest] = set()
        for held in self.records.values():
            if held.is_gone or held.id in gone:
                found |= self.remains(held)
            else:
                self.add_trees(held.trees, found, seen)
                found.update(self._names(held.named))
        for root in self.roots:
            self.add_trees(root.trees, found, seen)
        return found

    def unneeded(self, gone: Collection[RecordId]) -> list[str]:
        """The objects that nothing would need if these records' results went: shared ones are named once."""
        kept = self.kept_by(gone)
        return [
            name
            for name, blob in self.blobs.items()
            if name not in kept and blob.used < self.horizon
        ]

    def bytes_of(self, names: Iterable[str]) -> int:
        """The bytes of objects."""
        return sum(self.blobs[name].size for name in names if name in self.blobs)

    def add_trees(self, trees: Collection[Digest], names: set[str], seen: set[Digest]) -> None:
        """Adds the names of all objects of these trees; directories in `seen` are done already."""
        open_ = [tree for tree in trees if tree not in seen]
        while open_:
            digest = open_.pop()
            seen.add(digest)
            files, below = self._directories.get(digest, (frozenset(), ()))
            names.update(self._there(name) for name in files)
            open_ += (child for child in below if child not in seen)

    def learn(self, encodings: Mapping[Digest, bytes]) -> None:
        """Takes directories in."""
        for digest, data in encodings.items():
            if digest in self._directories:
                continue
            entries = decode(data)
            files = frozenset(
                blob_name(entry.digest, executable=entry.kind is Kind.EXECUTABLE)
                for entry in entries
                if entry.kind in (Kind.FILE, Kind.EXECUTABLE)
            )
            below = tuple(entry.digest for entry in entries if entry.kind is Kind.DIRECTORY)
            self._directories[digest] = files, below

    def _names(self, digests: Collection[Digest]) -> Iterator[str]:
        return (self._there(digest) for digest in digests)

    def _there(self, name: str) -> str:
        """The name an object has: where one of twins is lost, the other stands in for it."""
        if name in self.blobs:
            return name
        twin = name[:64] if name.endswith("x") else f"{name}x"
        return twin if twin in self.blobs else name


Choose = Callable[[Inventory], Collection[RecordId]]
"""Which results may go. What the store must keep is kept whatever it says."""


def take_inventory(
    layout: Layout,
    roots: Sequence[Root],
    read_object: Callable[[Digest], bytes | None],
    horizon: float,
    now: float,
) -> Inventory:
    """Reads all of a store. Raises Corrupt for a record that cannot be read."""
    found = Inventory(roots=roots, now=now, horizon=horizon)
    found.blobs = dict(_all_blobs(layout))
    for root in roots:
        found.learn(root.encodings)
    for path, used, filed in _all_records(layout):
        held = _held(path, used, filed)
        found.records[held.id] = held
        found.learn(filed.full.trees)
        found.learn(_spilled(path, filed, read_object, is_gone=held.is_gone))
    found.rooted = frozenset(id for root in roots for id in root.records)
    found.young = frozenset(held.id for held in found.live() if held.used >= horizon)
    return found


def inventory_of(
    live: Iterable[FullRecord],
    gone: Iterable[FullRecord],
    blobs: Mapping[Digest, bytes],
    roots: Sequence[Root],
) -> Inventory:
    """The inventory of a store whose facts are at hand, and where nothing is young."""
    found = Inventory(roots=roots, now=time.time(), horizon=math.inf)
    found.blobs = {name: Blob(len(data), 0.0) for name, data in blobs.items()}
    for records, is_gone in ((live, False), (gone, True)):
        for full in records:
            record = full.record
            log = (record.log,) if record.log else ()
            held = Held(record, full.keeps, log, full.body, record.made, "", is_gone)
            found.records[record.id] = held
            found.learn(full.trees)
    for root in roots:
        found.learn(root.encodings)
    found.rooted = frozenset(id for root in roots for id in root.records)
    return found


def _held(path: str, used: float, filed: Filed) -> Held:
    record = filed.full.record
    return Held(
        record=record,
        keeps=filed.full.keeps,
        named=(*filed.spilled, *((record.log,) if record.log else ())),
        body=filed.full.body,
        used=used,
        path=path,
        is_gone=path.endswith(".gone"),
    )


def _all_records(layout: Layout) -> Iterator[tuple[str, float, Filed]]:
    for folder in sorted(os.listdir(layout.actions)):
        for name in sorted(os.listdir(f"{layout.actions}/{folder}")):
            path = f"{layout.actions}/{folder}/{name}"
            try:
                used = os.lstat(path).st_ctime
                yield path, used, decode_record(read_whole(path), path)
            except FileNotFoundError:  # retired by a process just now
                continue


def _all_blobs(layout: Layout) -> Iterator[tuple[str, Blob]]:
    for folder in os.listdir(layout.objects):
        with os.scandir(f"{layout.objects}/{folder}") as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                yield entry.name, Blob(status.st_size, status.st_ctime)


def _spilled(
    path: str, filed: Filed, read_object: Callable[[Digest], bytes | None], *, is_gone: bool
) -> dict[Digest, bytes]:
    found: dict[Digest, bytes] = {}
    for digest in filed.spilled:
        data = read_object(digest)
        if data is not None:
            found[digest] = data
        elif not is_gone:
            raise Corrupt(path, f"the directory {digest[:12]} it names is gone")
    return found
