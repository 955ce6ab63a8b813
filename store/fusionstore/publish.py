"""Publishing: the one place where results become durable and visible (L6), many at once.

The order is the point; see `STEPS`. Until "record linked" nothing of a draft can be found; from
"names durable" on it survives a power cut, with or without its row in the index.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from fusionstore.arrivals import Arrivals, Arrived, barrier_for
from fusionstore.catalogue import Catalogue
from fusionstore.claims import Claims
from fusionstore.contract import Draft, NotPublished, Published, Record, Standing
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.durable import (
    SYNC_EACH,
    SYNC_EACH_AGAIN,
    as_store_error,
    barrier,
    link_new,
    write_new,
)
from fusionstore.errors import ChangedWhileStored, Corrupt, StoreError
from fusionstore.index import Index, Place, Row
from fusionstore.layout import Layout, blob_name
from fusionstore.objects import Objects
from fusionstore.records import body_number, canonical, encode_record, spilled_directories
from fusionstore.scratch import Scratch
from fusionstore.seal import Stamp, scan_seal, stamp
from fusionstore.tree import Kind, Tree
from fusionstore.verify import Verify

STEPS = (
    "object linked",  # ingest: a crash leaves an object nobody names
    "tree in place",  # ingest: … and a tree nobody names
    "records written",  # their files are in tmp/
    "durable",  # objects, trees and record files are on the disk
    "unchanged",  # nobody wrote to them since they were hashed
    "record linked",  # after each: it can be found on disk, and is indexed at the next lookup
    "names durable",
    "indexed",
)
"""Told to `step` as each is done; a crash may come after any."""

_RAN = (Standing.REALISATION, Standing.DISAGREES)


class _Closing:
    """A draft on its way, with what of its closure is not yet known to be durable."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.trees: dict[Digest, Arrived] = {}
        self.blobs: dict[str, Stamp] = {}
        self.standing: Standing = Standing.REALISATION
        self.realisation: Record | None = None  # the one it disagrees with
        self.agrees_with: Record | None = None  # the one that already says the same
        self.declared: Sequence[Record] = ()  # of its key and observations, what nobody ran
        self.record: Record | None = None
        self.place: Place = Place.FIRST
        self.written: str = ""  # its record's file in tmp/
        self.error: Exception | None = None


class Publish:
    """Publishes drafts."""

    def __init__(
        self,
        layout: Layout,
        index: Index,
        objects: Objects,
        arrivals: Arrivals,
        scratch: Scratch,
        verify: Verify,
        catalogue: Catalogue,
        claims: Claims,
        step: Callable[[str], None],
    ) -> None:
        self._layout = layout
        self._index = index
        self._objects = objects
        self._arrivals = arrivals
        self._scratch = scratch
        self._verify = verify
        self._catalogue = catalogue
        self._claims = claims
        self._step = step

    def commit(self, drafts: Sequence[Draft]) -> list[Published | NotPublished]:
        """Publishes drafts of different keys together. None is visible before all of it is durable."""
        closings = [self._gather(draft) for draft in drafts]
        for closing in _going(closings):
            self._guarded(closing, self._write_record)
        self._step("records written")
        is_all_synced = False
        try:
            is_all_synced = self._make_durable(_going(closings))
        except (StoreError, OSError) as error:
            for closing in _going(closings):
                closing.error = as_store_error(error, self._layout.root)
        self._step("durable")
        for closing in _going(closings):
            self._guarded(closing, self._stay_unchanged)
        self._step("unchanged")
        for closing in _going(closings):
            self._guarded(closing, self._link)
        self._make_visible(_going(closings), SYNC_EACH_AGAIN if is_all_synced else SYNC_EACH)
        return [self._outcome(closing) for closing in closings]

    def make_durable(self, trees: Sequence[Tree]) -> None:
        """Makes trees that a root is to name durable and known. Raises ChangedWhileStored."""
        closing = _Closing(Draft(ActionKey(""), {}))
        for tree in trees:
            self._gather_slot(closing, tree)
        self._make_durable([closing])
        self._stay_unchanged(closing)
        with self._index.writing() as writer:
            self._arrivals.write(writer, closing.blobs, closing.trees)
        self._arrivals.forget(closing.blobs, closing.trees)

    # -- gathering --------------------------------------------------------------------------
    def _gather(self, draft: Draft) -> _Closing:
        closing = _Closing(draft)
        self._guarded(closing, self._gather_closure)
        if closing.error is None:
            self._guarded(closing, self._classify)
        return closing

    def _gather_closure(self, closing: _Closing) -> None:
        draft = closing.draft
        for tree in draft.slots.values():
            self._gather_slot(closing, tree)
        for tree in draft.keeps.values():
            self._gather_blobs(closing, tree)
        if draft.log is not None:
            self._gather_blob(closing, draft.log)
        for data in spilled_directories(draft).values():
            self._gather_blob(closing, self._objects.store_bytes(data))

    def _gather_slot(self, closing: _Closing, tree: Tree) -> None:
        arrived = self._arrivals.tree(tree.root)
        if arrived is None and not self._is_stored(tree.root):
            self._verify.check(tree.root, lambda: tree)
            arrived = self._arrivals.tree(tree.root)
        if arrived is not None:
            closing.trees[tree.root] = arrived
            for name in arrived.blobs:
                self._gather_blob(closing, name)

    def _is_stored(self, tree: Digest) -> bool:
        return self._index.seal(tree) is not None and self._catalogue.has_bytes([tree])

    def _gather_blobs(self, closing: _Closing, tree: Tree) -> None:
        for _, entry in tree.walk():
            if entry.kind in (Kind.FILE, Kind.EXECUTABLE):
                name = blob_name(entry.digest, executable=entry.kind is Kind.EXECUTABLE)
                self._gather_blob(closing, name)

    def _gather_blob(self, closing: _Closing, name: str) -> None:
        known = self._arrivals.blob(name)
        if known is None and self._index.stamp(name) is None:
            if self._objects.good(name) is None:
                raise Corrupt(self._layout.object(name), "it is not in the store")
            known = self._arrivals.blob(name)
        if known is not None:
            closing.blobs[name] = known

    def _classify(self, closing: _Closing) -> None:
        """How the draft stands beside the records its key has (L5)."""
        draft = closing.draft
        found = self._catalogue.catch_up(draft.key)
        rows = [
            row for row in found if row.place is not Place.IMPORTED
        ]  # nobody here vouches for those
        if not rows:  # nearly always
            closing.standing = Standing.ASSERTED if draft.asserted else Standing.REALISATION
            return
        observed, slots = canonical(draft.observed), _roots(draft.slots)
        same = [row for row in rows if canonical(row.record.observed) == observed]
        lost = [row for row in same if not self._answers(row, slots)]
        for row in lost:
            self._catalogue.retire(row)
        present = [row.record for row in same if row not in lost]
        # what runs gave: a run is not measured by what somebody only declared
        runs = [record for record in present if record.standing in _RAN]
        realised = [record for record in runs if record.standing is Standing.REALISATION]
        closing.declared = [record for record in present if record not in runs]
        known = runs if draft.asserted or realised else []
        # where the realisation is lost, a run that agrees with a once disagreeing record takes its place
        closing.agrees_with = next((r for r in known if dict(r.slots) == slots), None)
        closing.realisation = next((r for r in realised if dict(r.slots) != slots), None)
        if draft.asserted:
            closing.standing = Standing.ASSERTED
        elif realised:
            closing.standing = Standing.DISAGREES
        taken = any(row.place is Place.FIRST for row in rows if row not in lost)
        closing.place = Place.FURTHER if taken else Place.FIRST

    def _answers(self, row: Row, slots: dict[str, Digest]) -> bool:
        """True if a record's bytes are there: they are the draft's own, or still stored."""
        own = dict(row.record.slots)
        is_there = own == slots or self._catalogue.has_bytes(list(own.values()))
        return is_there and self._catalogue.hold(row)

    # -- writing ----------------------------------------------------------------------------
    def _write_record(self, closing: _Closing) -> None:
        if closing.agrees_with is not None:
            return
        draft = closing.draft
        data = encode_record(draft, closing.standing)
        id = data[-65:-1].decode()
        closing.agrees_with = next((one for one in closing.declared if one.id == id), None)
        if closing.agrees_with is not None:  # declared again, in the very words
            return
        closing.written = self._scratch.fresh()
        write_new(closing.written, data)
        closing.record = Record(
            id=RecordId(id),
            key=draft.key,
            slots=_roots(draft.slots),
            log=draft.log,
            observed=draft.observed,
            standing=closing.standing,
            seconds=body_number(draft.body, "seconds"),
            made=body_number(draft.body, "made"),
        )

    def _make_durable(self, closings: Sequence[_Closing]) -> bool:
        names = {name for closing in closings for name in closing.blobs}
        trees = {d: arrived for closing in closings for d, arrived in closing.trees.items()}
        written = [closing.written for closing in closings if closing.written]
        return barrier_for(self._layout, names, trees.values(), written)

    def _stay_unchanged(self, closing: _Closing) -> None:
        for digest, arrived in closing.trees.items():
            place = self._layout.tree(digest)
            if scan_seal(place) != arrived.seal:
                raise ChangedWhileStored(place)
        for name, known in closing.blobs.items():
            path = self._layout.object(name)
            if stamp(os.lstat(path)) != known:
                raise ChangedWhileStored(path)

    def _link(self, closing: _Closing) -> None:
        record = closing.record
        if record is None:
            return
        if closing.place is Place.FIRST:
            try:
                link_new(closing.written, self._layout.action(record.key))
            except FileExistsError:
                self._lose_the_race(closing)
                return
        else:
            link_new(closing.written, self._layout.further(record.key, record.id))
        self._catalogue.made(record.id)
        self._step("record linked")

    def _lose_the_race(self, closing: _Closing) -> None:
        """Somebody published the key without a claim just now: theirs is first, this one follows."""
        closing.record, closing.standing = None, Standing.REALISATION
        self._classify(closing)
        self._write_record(closing)
        if closing.written:
            barrier(self._layout.root, [closing.written], [])
        self._link(closing)

    def _make_visible(self, closings: Sequence[_Closing], sync_each: int) -> None:
        records = [closing for closing in closings if closing.record is not None]
        folders = {f"{self._layout.actions}/{closing.draft.key[:2]}" for closing in records}
        try:
            if folders:
                folders.add(self._layout.actions)
                barrier(self._layout.root, [], folders, each=sync_each)
            self._step("names durable")
            self._index_all(closings)
        except (StoreError, OSError) as error:
            for closing in closings:
                self._take_back(closing, as_store_error(error, self._layout.root))
            return
        # their names in tmp/ stay until the scratch is swept: deleting during builds is slow on ext4
        self._step("indexed")

    def _index_all(self, closings: Sequence[_Closing]) -> None:
        blobs = {name: s for closing in closings for name, s in closing.blobs.items()}
        trees = {d: arrived for closing in closings for d, arrived in closing.trees.items()}
        with self._index.writing() as writer:
            self._arrivals.write(writer, blobs, trees)
            for closing in closings:
                if closing.record is not None:
                    draft = closing.draft
                    named = [t.root for t in (*draft.slots.values(), *draft.keeps.values())]
                    writer.put_row(Row(closing.record, closing.place, proven=True), named)
        self._arrivals.forget(blobs, trees)

    def _take_back(self, closing: _Closing, error: Exception) -> None:
        """The index could not be written: what was linked must not be found later as a result."""
        closing.error = error
        record = closing.record
        if record is not None:
            first = closing.place is Place.FIRST
            os.unlink(
                self._layout.action(record.key)
                if first
                else self._layout.further(record.key, record.id)
            )

    # -- telling ----------------------------------------------------------------------------
    def _outcome(self, closing: _Closing) -> Published | NotPublished:
        if closing.error is not None:
            return NotPublished(closing.draft.key, closing.error)
        self._claims.publish(closing.draft.key)
        record = closing.record or closing.agrees_with
        assert record is not None
        return Published(record, closing.record is not None, closing.realisation)

    def _guarded(self, closing: _Closing, act: Callable[[_Closing], None]) -> None:
        try:
            act(closing)
        except (StoreError, OSError) as error:
            closing.error = as_store_error(error, self._layout.root)


def _going(closings: Sequence[_Closing]) -> list[_Closing]:
    return [closing for closing in closings if closing.error is None]


def _roots(slots: Mapping[str, Tree]) -> dict[str, Digest]:
    return {name: tree.root for name, tree in slots.items()}
