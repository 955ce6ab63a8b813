"""Records made in another store: bringing them in, all or none, and trusting one.

Their files are kept as they are under a name of their own, `<key>.<record>.imported`: a digest proves what
bytes a record names, not that its key gives them. Whoever ran it again here, or the user, may trust it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from fusionstore.arrivals import Arrivals, barrier_for
from fusionstore.catalogue import Catalogue, as_placed
from fusionstore.contract import Brought, NotTrusted, Record, Root, Standing
from fusionstore.copying import read_whole
from fusionstore.digest import ActionKey, RecordId
from fusionstore.durable import barrier, link_new, write_new
from fusionstore.errors import Corrupt
from fusionstore.index import Index, Place, Row
from fusionstore.layout import Layout
from fusionstore.locks import Locks
from fusionstore.objects import Objects
from fusionstore.records import canonical, decode_record
from fusionstore.scratch import Scratch
from fusionstore.seal import Stamp, stamp

IMPORT_STEPS = (
    "blob brought",  # after each: an object nobody names
    "record files written",  # in tmp/
    "brought bytes durable",
    "record brought",  # after each: a file without a row; bringing it in again finds it
    "brought names durable",
    "brought indexed",  # visible, and not yet rooted: only its age keeps it from being collected
    "trusted name linked",  # `trust`: the record has two names, and the better one is believed
    "trusted name durable",
    "trusted indexed",
)
"""Told to `step` as each is done; a crash may come after any."""

BYTES_MISSING = "its data was not brought along, or is gone"
BEING_RUN = "its key is being run just now"
_DISAGREED = "it disagreed with the result of its key where it was made"
_KEY_HAS_ONE = "this store has a result of its key already, and keeps it"


class Bringing:
    """Takes in what other stores made."""

    def __init__(
        self,
        layout: Layout,
        index: Index,
        objects: Objects,
        arrivals: Arrivals,
        scratch: Scratch,
        locks: Locks,
        catalogue: Catalogue,
        write_root: Callable[[Root], None],
        step: Callable[[str], None],
    ) -> None:
        self._layout = layout
        self._index = index
        self._objects = objects
        self._arrivals = arrivals
        self._scratch = scratch
        self._locks = locks
        self._catalogue = catalogue
        self._write_root = write_root
        self._step = step

    def bring_in(self, brought: Brought) -> list[Record]:
        """Stores them; none is visible before all that all of them name is durable. Raises Corrupt."""
        for name, path in brought.files.items():
            self._objects.adopt(str(path), name, stamp(os.lstat(path)))
            self._step("blob brought")
        stored = [self._objects.store_bytes(brought.encodings[one]) for one in brought.spilled]
        blobs = dict(self._not_durable([*brought.needs, *stored]))
        new = [id for id in brought.records if self._is_new(id)]
        written = {id: self._written(brought.records[id]) for id in new}
        self._step("record files written")
        barrier_for(self._layout, blobs, (), written.values())
        self._step("brought bytes durable")
        rows = [self._link(id, brought.records[id], path) for id, path in written.items()]
        folders = {f"{self._layout.actions}/{row.record.key[:2]}" for row in rows}
        barrier(self._layout.root, [], {self._layout.actions, *folders} if folders else ())
        self._step("brought names durable")
        self._show(rows, brought, blobs)
        self._step("brought indexed")
        self._write_root(brought.root)
        return [row.record for row in rows]

    def trust(self, id: RecordId) -> Record | NotTrusted:
        """Gives an imported record the name of a result, where its key has none. Raises KeyError."""
        record = self._catalogue.read(id).record
        if record.standing is not Standing.IMPORTED:
            return record
        lock = self._locks.try_key(record.key)
        if lock is None:
            return NotTrusted(record, BEING_RUN)
        try:
            return self._trust(record)
        finally:
            self._locks.release(lock)

    # -- bringing in ------------------------------------------------------------------------
    def _not_durable(self, names: Iterable[str]) -> Iterable[tuple[str, Stamp]]:
        """The objects not yet known to be durable. Raises Corrupt for one that is not there."""
        for name in names:
            if self._arrivals.blob(name) is None and self._objects.good(name) is None:
                raise Corrupt(self._layout.object(name), "it is not in the store")
            known = self._arrivals.blob(name)
            if known is not None:
                yield name, known

    def _is_new(self, id: RecordId) -> bool:
        at = self._index.place(id)
        return at is None or at[1] is Place.GONE

    def _written(self, data: bytes) -> str:
        path = self._scratch.fresh()
        write_new(path, data)
        return path

    def _link(self, id: RecordId, data: bytes, written: str) -> Row:
        record = as_placed(decode_record(data, id).full.record, Place.IMPORTED)
        path = self._layout.imported(record.key, id)
        self._catalogue.made(id)  # gc leaves alone what this process brought
        try:
            link_new(written, path)
        except FileExistsError:  # a crash left it without a row, or another process was faster
            if read_whole(path) != data:
                raise Corrupt(path, "it is not the record its name says") from None
        self._step("record brought")
        return Row(record, Place.IMPORTED, proven=False)

    def _show(self, rows: Sequence[Row], brought: Brought, blobs: Mapping[str, Stamp]) -> None:
        with self._index.writing() as writer:
            self._arrivals.write(writer, blobs, {})
            for row in rows:
                full = decode_record(brought.records[row.record.id], row.record.id).full
                writer.put_row(row, [*full.record.slots.values(), *full.keeps.values()])
        self._arrivals.forget(blobs, {})
        for row in rows:  # its bytes are back, and a record has one name
            with suppress(FileNotFoundError):
                os.unlink(self._layout.gone(row.record.key, row.record.id))

    # -- trusting ---------------------------------------------------------------------------
    def _trust(self, record: Record) -> Record | NotTrusted:
        rows = self._catalogue.catch_up(record.key)
        path = self._layout.imported(record.key, record.id)
        there = decode_record(read_whole(path), path).full.record
        # a result whose bytes are gone is none: who needs it would have to run
        present = [
            row.record for row in rows if self._catalogue.has_bytes([*row.record.slots.values()])
        ]
        why = why_not_trusted(there, present)
        if why is None and not self._catalogue.has_bytes([*record.slots.values()]):
            why = BYTES_MISSING
        if why is not None:
            return NotTrusted(record, why)
        self._arrivals.settle()  # bytes that somebody just made here are to be as durable as the record
        place = self._linked(path, there.key, there.id)
        self._step("trusted name linked")
        barrier(self._layout.root, [], [os.path.dirname(path)])
        self._step("trusted name durable")
        with self._index.writing() as writer:
            writer.put_row(Row(there, place, proven=False))
        self._step("trusted indexed")
        os.unlink(path)
        return there

    def _linked(self, path: str, key: ActionKey, id: RecordId) -> Place:
        try:
            link_new(path, self._layout.action(key))
        except FileExistsError:
            with suppress(FileExistsError):  # left by a crash
                link_new(path, self._layout.further(key, id))
            return Place.FURTHER
        return Place.FIRST


def why_not_trusted(record: Record, others: Sequence[Record]) -> str | None:
    """Why a record from elsewhere, as its own file tells it, cannot be a result beside others of its key."""
    if record.standing is Standing.DISAGREES:
        return _DISAGREED
    observed = canonical(record.observed)
    no_result = (Standing.DISAGREES, Standing.IMPORTED)
    rivals = [one for one in others if one.standing not in no_result and one.id != record.id]
    return _KEY_HAS_ONE if any(canonical(one.observed) == observed for one in rivals) else None
