"""Records as files and as rows: reading, finding, proving and setting aside. The files are the truth.

A row that a reindex made is not proven: nobody has looked at its bytes since the index was lost. It is
proven, or dropped, the first time it would be a hit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from fusionstore.arrivals import Arrivals
from fusionstore.contract import Accepts, FullRecord, JsonObject, Record, Root, Standing
from fusionstore.copying import read_whole
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.errors import Corrupt, StoreError, TreeLost
from fusionstore.index import Index, Place, Row, Writer
from fusionstore.layout import Layout, blob_name
from fusionstore.leases import Leases
from fusionstore.locks import Locks
from fusionstore.objects import Objects
from fusionstore.quarantine import Quarantine
from fusionstore.records import Filed, decode_record, decode_root
from fusionstore.tree import Kind, Tree, decode
from fusionstore.verify import Verify


class Catalogue:
    """Finds and reads records."""

    def __init__(
        self,
        layout: Layout,
        index: Index,
        objects: Objects,
        arrivals: Arrivals,
        quarantine: Quarantine,
        verify: Verify,
        leases: Leases,
        locks: Locks,
    ) -> None:
        self._layout = layout
        self._index = index
        self._objects = objects
        self._arrivals = arrivals
        self._quarantine = quarantine
        self._verify = verify
        self._leases = leases
        self._locks = locks

    # -- finding ----------------------------------------------------------------------------
    def lookup(self, key: ActionKey, accepts: Accepts, choice: RecordId | None) -> Record | None:
        """The first record, the choice before all, that is accepted and whose bytes are there."""
        for row in _by_preference(self.rows(key), choice):
            if accepts(row.record) and self._is_whole(row) and self.hold(row):
                return row.record
        return None

    def hold(self, row: Row) -> bool:
        """Keeps gc from a record while this process lives; False if it was taken meanwhile."""
        record = row.record
        return self._leases.holds_record(record.id, self.path(record.key, record.id, row.place))

    def hold_id(self, id: RecordId) -> bool:
        """The same of a record by its id; False if it, or its bytes, are gone."""
        at = self._index.place(id)
        if at is None or at[1] is Place.GONE:
            return False
        return self._leases.holds_record(id, self.path(at[0], id, at[1]))

    def made(self, id: RecordId) -> None:
        """This process published a record: gc leaves it alone."""
        self._leases.made_record(id)

    def let_go(self, id: RecordId) -> None:
        """A root lets go of a record: it is in use until now, whenever it was last looked up."""
        at = self._index.place(id)
        if at is not None and at[1] is not Place.GONE:
            self._leases.renew(self.path(at[0], id, at[1]))

    def rows(self, key: ActionKey) -> list[Row]:
        """The rows of a key; one the index does not know is looked for on disk."""
        return self._index.rows(key) or self._found_on_disk(key, [])

    def catch_up(self, key: ActionKey) -> list[Row]:
        """The rows of a key, after indexing what a crash left on disk without a row."""
        return self._found_on_disk(key, self._index.rows(key))

    def _found_on_disk(self, key: ActionKey, rows: list[Row]) -> list[Row]:
        if not rows and not os.path.lexists(self._layout.action(key)):
            return []
        known = {row.record.id for row in rows}
        has_first = any(row.place is Place.FIRST for row in rows)
        unknown = [
            (place, path)
            for place, path in self._files(key)
            if not (has_first if place is Place.FIRST else os.path.basename(path)[65:129] in known)
        ]
        if unknown:
            # else gc, which drops rows first, could have them again
            lock = self._locks.share_store()
            try:
                self._index_found(key, unknown)
            finally:
                self._locks.release(lock)
        return self._index.rows(key)

    def _index_found(self, key: ActionKey, found: Sequence[tuple[Place, str]]) -> None:
        known: set[RecordId] = set()  # a crash may have left one under two names, the better first
        for place, path in found:
            filed = self._read_or_set_aside(path, key)
            if filed is not None and filed.full.record.id not in known:
                known.add(filed.full.record.id)
                with self._index.writing() as writer:
                    self._put(writer, filed.full, place)

    def has_bytes(self, slots: Sequence[Digest]) -> bool:
        """True if every tree stands or could be made to: a few stats when it stands."""
        return all(self._stands(tree) or self._has_objects(tree) for tree in slots)

    # -- reading ----------------------------------------------------------------------------
    def read(self, id: RecordId) -> FullRecord:
        """A record from its file. Raises KeyError, or Corrupt; a damaged file is set aside first."""
        at = self._index.place(id)
        if at is None:
            raise KeyError(id)
        key, place = at
        path = self.path(key, id, place)
        try:
            filed = self._read_file(path, id)
        except (Corrupt, FileNotFoundError) as error:
            is_moved = isinstance(error, FileNotFoundError)
            if is_moved and place is not Place.GONE and self._has_moved(key, id, place):
                return self.read(id)
            moved = self._read_moved(key, id) if is_moved else None
            if moved is not None:
                return moved
            self.drop(key, id, path)
            raise Corrupt(path, "it is not there any more") from error
        full = self._whole(filed, path, is_gone=place is Place.GONE)
        return full._replace(record=as_placed(full.record, place))

    def _read_moved(self, key: ActionKey, id: RecordId) -> FullRecord | None:
        """A record that is not where its row says: gc gives it up just now, somebody trusts it, or died
        between the two."""
        for place in (Place.GONE, Place.FIRST, Place.FURTHER, Place.IMPORTED):
            path = self.path(key, id, place)
            with suppress(FileNotFoundError, Corrupt):
                full = self._whole(self._read_file(path, id), path, is_gone=place is Place.GONE)
                return full._replace(record=as_placed(full.record, place))
        return None

    def file_of(self, id: RecordId) -> bytes:
        """A record's file as it is. Raises as `read`."""
        record = self.read(id).record
        at = self._index.place(id)
        if at is None:
            raise KeyError(id)
        return read_whole(self.path(record.key, id, at[1]))

    def read_body(self, id: RecordId) -> JsonObject | None:
        """What a record's maker left in it; None if that cannot be read. Moves nothing, wherever it lies."""
        at = self._index.place(id)
        if at is None:
            return None
        try:
            return self._read_file(self.path(at[0], id, at[1]), id).full.body
        except (Corrupt, OSError):
            return None

    def read_tree(self, tree: Digest) -> Tree:
        """The encodings of a tree, from whoever names it. Raises KeyError."""
        arrived = self._arrivals.tree(tree)
        if arrived is not None:
            return arrived.tree
        for holder in self._index.holders(tree):
            with suppress(KeyError, Corrupt, FileNotFoundError):
                encodings = self._encodings(holder)
                return Tree(tree, dict(_reachable(tree, encodings)))
        raise KeyError(tree)

    def drop(self, key: ActionKey, id: RecordId, path: str) -> None:
        """Sets a damaged record aside, on disk and in the index."""
        self._quarantine.move(path, "actions", "is damaged")
        with self._index.writing() as writer:
            writer.drop_row(key, id)

    def retire(self, row: Row) -> None:
        """A record's bytes are gone: its file stays for those who ask what was, its name becomes free."""
        record = row.record
        path = self.path(record.key, record.id, row.place)
        with suppress(FileNotFoundError):
            os.rename(path, self._layout.gone(record.key, record.id))
        with self._index.writing() as writer:
            writer.put_row(Row(record, Place.GONE, proven=False))

    # -- making anew ------------------------------------------------------------------------
    def reindex(self) -> None:
        """Makes the index anew from the files of records and roots; damaged ones are set aside."""
        records = sorted(self._all_records(), key=lambda one: _LAST_WINS[one[1]])
        roots = list(self._all_roots())
        with self._index.writing() as writer:
            writer.clear()
            for full, place in records:
                self._put(writer, full, place)
            for root in roots:
                writer.put_root(root.name, [*root.trees])
            writer.set_figure("stored", self._stored())
            writer.set_figure("complete", 1)

    def _all_records(self) -> Iterator[tuple[FullRecord, Place]]:
        for folder in sorted(os.listdir(self._layout.actions)):
            for name in sorted(os.listdir(f"{self._layout.actions}/{folder}")):
                key = ActionKey(name[:64])
                filed = self._read_or_set_aside(f"{self._layout.actions}/{folder}/{name}", key)
                if filed is not None:
                    yield filed.full, place_of(name)

    def _all_roots(self) -> Iterator[Root]:
        for name in sorted(os.listdir(self._layout.roots)):
            path = f"{self._layout.roots}/{name}"
            try:
                with open(path, "rb") as file:
                    yield decode_root(file.read(), path)
            except Corrupt:
                self._quarantine.move(path, "roots", "is damaged")

    def _stored(self) -> int:
        total = 0
        for folder in os.listdir(self._layout.objects):
            with os.scandir(f"{self._layout.objects}/{folder}") as names:
                total += sum(name.stat(follow_symlinks=False).st_size for name in names)
        return total

    # -- within -----------------------------------------------------------------------------
    def _put(self, writer: Writer, full: FullRecord, place: Place) -> None:
        """Indexes a record whose bytes are not proven."""
        trees = [*full.record.slots.values(), *full.keeps.values()]
        writer.put_row(Row(as_placed(full.record, place), place, proven=False), trees)

    def _has_moved(self, key: ActionKey, id: RecordId, before: Place) -> bool:
        """True, and indexed so, if a record's file stands at another of its places: a crash came between."""
        for place, path in self._files(key):
            if place is not before:
                filed = self._read_or_set_aside(path, key)
                if filed is not None and filed.full.record.id == id:
                    with self._index.writing() as writer:
                        self._put(writer, filed.full, place)
                    return True
        return False

    def _is_whole(self, row: Row) -> bool:
        trees = list(row.record.slots.values())
        if row.proven:
            return self.has_bytes(trees)
        try:
            for tree in trees:
                self._verify.check(tree, lambda tree=tree: self.read_tree(tree))  # type: ignore[misc]  # bound now
        except (TreeLost, KeyError):
            return False
        with self._index.writing() as writer:
            writer.mark_proven(row.record.key, row.record.id)
        return True

    def _stands(self, tree: Digest) -> bool:
        return os.path.isdir(self._layout.tree(tree))

    def _has_objects(self, tree: Digest) -> bool:
        try:
            entries = [entry for _, entry in self.read_tree(tree).walk()]
        except (KeyError, StoreError):
            return False
        files = (entry for entry in entries if entry.kind in (Kind.FILE, Kind.EXECUTABLE))
        return all(self._has_object(entry.digest) for entry in files)

    def _has_object(self, digest: Digest) -> bool:
        return any(
            os.path.lexists(self._layout.object(blob_name(digest, executable=executable)))
            for executable in (False, True)
        )

    def path(self, key: ActionKey, id: RecordId, place: Place) -> str:
        """Where a record's file lies."""
        match place:
            case Place.FIRST:
                return self._layout.action(key)
            case Place.FURTHER:
                return self._layout.further(key, id)
            case Place.GONE:
                return self._layout.gone(key, id)
            case Place.IMPORTED:
                return self._layout.imported(key, id)

    def _files(self, key: ActionKey) -> list[tuple[Place, str]]:
        folder = f"{self._layout.actions}/{key[:2]}"
        try:
            names = [name for name in os.listdir(folder) if name.startswith(key)]
        except FileNotFoundError:
            return []
        found = [(place_of(name), f"{folder}/{name}") for name in sorted(names)]
        return [(place, path) for place, path in found if place is not Place.GONE]

    def _read_file(self, path: str, id: RecordId | None = None) -> Filed:
        filed = decode_record(read_whole(path), path)
        if id is not None and filed.full.record.id != id:
            raise Corrupt(path, "it holds another record than its name and the index say")
        return filed

    def _read_or_set_aside(self, path: str, key: ActionKey) -> Filed | None:
        try:
            filed = self._read_file(path)
            if filed.full.record.key != key:
                raise Corrupt(path, "it holds the record of another key")
            return filed
        except FileNotFoundError:
            return None
        except Corrupt:
            self._quarantine.move(path, "actions", "is damaged")
            return None

    def _whole(self, filed: Filed, path: str, *, is_gone: bool) -> FullRecord:
        if not filed.spilled:
            return filed.full
        trees = dict(filed.full.trees)
        for digest in filed.spilled:
            data = self._objects.read(digest)
            if data is None and is_gone:  # it tells what is left to be told
                continue
            if data is None:
                raise Corrupt(path, f"the directory {digest[:12]} it names is gone")
            trees[digest] = data
        return FullRecord(filed.full.record, filed.full.keeps, filed.full.body, trees)

    def _encodings(self, holder: bytes) -> dict[Digest, bytes]:
        if holder[:1] == b"r":
            return dict(self.read(RecordId(holder[1:].hex())).trees)
        path = f"{self._layout.roots}/{holder[1:].decode()}"
        with open(path, "rb") as file:
            return dict(decode_root(file.read(), path).encodings)


def _reachable(tree: Digest, encodings: dict[Digest, bytes]) -> Iterator[tuple[Digest, bytes]]:
    """The directories of a tree. Raises KeyError if one is not among the encodings."""
    yield tree, encodings[tree]
    for entry in decode(encodings[tree]):
        if entry.kind is Kind.DIRECTORY:
            yield from _reachable(entry.digest, encodings)


_LAST_WINS = {Place.GONE: 0, Place.IMPORTED: 1, Place.FURTHER: 2, Place.FIRST: 3}
"""A crash may leave a record's file under its old name beside the new one: the better one is believed."""


def as_placed(record: Record, place: Place) -> Record:
    """A record as it stands here: its file tells how it stood where it was made."""
    return record._replace(standing=Standing.IMPORTED) if place is Place.IMPORTED else record


def _by_preference(rows: Sequence[Row], choice: RecordId | None) -> Iterator[Row]:
    ours = [row for row in rows if row.place is not Place.IMPORTED]
    yield from (row for row in ours if row.record.id == choice)
    for row in ours:
        if row.record.standing is not Standing.DISAGREES and row.record.id != choice:
            yield row


def place_of(name: str) -> Place:
    """What the name of a record's file says of its standing."""
    if name.endswith(".imported"):
        return Place.IMPORTED
    if name.endswith(".gone"):
        return Place.GONE
    return Place.FURTHER if "." in name else Place.FIRST
