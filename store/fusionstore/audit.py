"""An audit: index, files, records, roots and trees of a store, each against all others. Changes nothing.

Quick, it costs a `stat` for every object and every name in a laid out tree, and reads every record; deep, it
reads every byte once. It runs beside builds and collections: what looks wrong is looked at again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from fusionstore.arrivals import Arrivals
from fusionstore.catalogue import Catalogue, place_of
from fusionstore.closure import Closure, Lack
from fusionstore.contract import Root
from fusionstore.copying import read_whole
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.errors import Corrupt, StoreError
from fusionstore.findings import Audit, Fault, Finding, Progress, Tell, tell_nobody
from fusionstore.holdings import Holdings, hash_objects, take_holdings
from fusionstore.index import Index, Place
from fusionstore.layout import Layout
from fusionstore.locks import Locks
from fusionstore.records import Filed, decode_record, decode_root
from fusionstore.seal import Stamp, stamp
from fusionstore.standing import Standing, StandingTrees
from fusionstore.verify import Verify


@dataclass(slots=True)
class _Suffering:
    """What needs an object that is altered or not there."""

    trees: dict[Digest, str] = field(default_factory=dict)  # with the path there
    records: set[RecordId] = field(default_factory=set)  # results that are lost with it
    is_rooted: bool = False  # a root names a tree of it


@dataclass(slots=True)
class _Seen:
    """What one audit has seen so far."""

    holdings: Holdings
    closure: Closure
    findings: list[Finding] = field(default_factory=list)
    records: dict[RecordId, set[Place]] = field(default_factory=dict)
    keys: dict[RecordId, ActionKey] = field(default_factory=dict)
    lacking: dict[str, _Suffering] = field(default_factory=dict)
    named: set[Digest] = field(default_factory=set)  # by a record, gone ones too, or a root
    wanted: dict[Digest, RecordId | None] = field(default_factory=dict)  # slots, and trees of roots
    trees_of: dict[RecordId, tuple[Digest, ...]] = field(default_factory=dict)
    rooted: dict[str, tuple[Digest, ...]] = field(default_factory=dict)  # trees, by root
    unindexed: dict[RecordId, str] = field(default_factory=dict)  # and its file
    roots: int = 0

    def suffering(self, lack: Lack, tree: Digest) -> _Suffering:
        """Whoever needs what is lacking; this tree does."""
        found = self.lacking.setdefault(lack.name, _Suffering())
        found.trees.setdefault(tree, lack.path)
        return found


class Auditor:
    """Audits one store."""

    def __init__(
        self,
        layout: Layout,
        index: Index,
        arrivals: Arrivals,
        catalogue: Catalogue,
        verify: Verify,
        locks: Locks,
    ) -> None:
        self._layout = layout
        self._index = index
        self._arrivals = arrivals
        self._catalogue = catalogue
        self._verify = verify
        self._locks = locks
        self._standing = StandingTrees(layout, index, catalogue.read_tree)

    def audit(self, tell: Tell | None, *, deep: bool) -> Audit:
        """Everything that is wrong. Raises OSError where the disk refuses to be read."""
        try:
            return self._audit(tell or tell_nobody, deep=deep)
        except Corrupt as error:  # only the index is read through what can raise this
            what = f"{error.what}; it is made anew from the store's files"
            return Audit([Finding(Fault.INDEX_DAMAGED, self._layout.index, what)])

    def _audit(self, tell: Tell, *, deep: bool) -> Audit:
        holdings = take_holdings(self._layout, self._index, tell)
        hash_objects(self._layout, holdings, tell, deep=deep)
        # an altered object is more than a writable one
        findings = [one for one in holdings.findings if one.name not in holdings.altered]
        seen = _Seen(holdings, Closure(holdings), findings)
        self._records(seen, tell)
        self._roots(seen)
        self._rows(seen)
        self._objects(seen)
        harmed = {tree for one in seen.lacking.values() for tree in one.trees}
        standing = self._standing.look(holdings, seen.named - harmed, seen.wanted, tell, deep=deep)
        seen.findings += standing.findings
        self._learn(holdings, standing, deep=deep)
        places = list(seen.records.values())
        gone = sum(found == {Place.GONE} for found in places)
        return Audit(
            sorted(seen.findings, key=lambda one: (not one.fault.is_damage, one.fault, one.path)),
            objects=len(holdings.objects),
            stored=holdings.stored,
            hashed=holdings.hashed,
            unproven=len(holdings.unproven),
            trees=standing.count,
            records=len(places) - gone,
            gone=gone,
            roots=seen.roots,
        )

    def _learn(self, holdings: Holdings, standing: Standing, *, deep: bool) -> None:
        """What was looked at, byte by byte, need not be looked at again."""
        for name in [*holdings.unproven] if deep else holdings.touched:
            known = holdings.objects[name]
            if name not in holdings.altered and _is_still(self._layout.object(name), known):
                self._arrivals.add_blob(name, known)
                holdings.unproven.discard(name)
        for tree in standing.to_learn:
            with suppress(KeyError, StoreError):
                self._verify.check(tree, partial(self._catalogue.read_tree, tree))
        self._arrivals.settle()

    # -- records ----------------------------------------------------------------------------
    def _records(self, seen: _Seen, tell: Tell) -> None:
        folders = sorted(os.listdir(self._layout.actions))
        for number, folder in enumerate(folders):
            tell(Progress("records", number, len(folders)))
            for name in _names(f"{self._layout.actions}/{folder}"):
                self._record(seen, folder, name)

    def _record(self, seen: _Seen, folder: str, name: str) -> None:
        path = f"{self._layout.actions}/{folder}/{name}"
        if not _is_record_name(name) or not name.startswith(folder):
            seen.findings.append(Finding(Fault.STRANGER, path))
            return
        key = ActionKey(name[:64])
        try:
            filed = decode_record(read_whole(path), path)
        except FileNotFoundError:  # collected meanwhile
            return
        except (Corrupt, OSError) as error:
            what = error.what if isinstance(error, Corrupt) else f"it cannot be read: {error}"
            seen.findings.append(Finding(Fault.RECORD_TORN, path, what, name, key))
            return
        id, place = filed.full.record.id, place_of(name)
        if filed.full.record.key != key or (place is not Place.FIRST and name[65:129] != id):
            what = "it holds another record than its name says"
            seen.findings.append(Finding(Fault.RECORD_TORN, path, what, name, key))
            return
        seen.records.setdefault(id, set()).add(place)
        seen.keys[id] = key
        slots, keeps = filed.full.record.slots.values(), filed.full.keeps.values()
        seen.named.update(slots, keeps)
        seen.trees_of[id] = (*slots, *keeps)
        if place is not Place.GONE:
            self._closure(seen, path, filed, is_imported=place is Place.IMPORTED)

    def _closure(self, seen: _Seen, path: str, filed: Filed, *, is_imported: bool) -> None:
        """What a live record lacks: of its slots it is lost with it, of the rest it is only the poorer.

        The bytes of an imported one's slots may never have been here.
        """
        record, encodings = filed.full.record, self._encodings(filed)
        for tree in () if is_imported else record.slots.values():
            seen.wanted.setdefault(tree, record.id)
            for lack in seen.closure.of_tree(tree, encodings):
                suffering = seen.suffering(lack, tree)
                suffering.records.add(record.id)
        poorer: list[Lack] = []
        for name, tree in filed.full.keeps.items():
            for lack in seen.closure.of_tree(tree, encodings):
                seen.suffering(lack, tree)
                poorer.append(Lack(f"{name}/{lack.path}", lack.name))
        if record.log is not None:
            poorer += seen.closure.of_blob(record.log, "its log")
        if poorer and os.path.lexists(path):
            what = ", ".join(sorted({lack.path for lack in poorer})[:3])
            id, key = record.id, record.key
            seen.findings.append(Finding(Fault.INCOMPLETE, path, what, id, key, records=(id,)))

    def _encodings(self, filed: Filed) -> Mapping[Digest, bytes]:
        if not filed.spilled:
            return filed.full.trees
        found = dict(filed.full.trees)
        for digest in filed.spilled:
            try:
                found[digest] = read_whole(self._layout.object(digest))
            except OSError:  # the closure tells that it is not there
                continue
        return found

    # -- roots ------------------------------------------------------------------------------
    def _roots(self, seen: _Seen) -> None:
        for name in _names(self._layout.roots):
            path = f"{self._layout.roots}/{name}"
            try:
                root = decode_root(read_whole(path), path)
            except FileNotFoundError:
                continue
            except (Corrupt, OSError) as error:
                what = error.what if isinstance(error, Corrupt) else f"it cannot be read: {error}"
                seen.findings.append(Finding(Fault.ROOT_TORN, path, what, name))
                continue
            seen.roots += 1
            self._root(seen, path, root)

    def _root(self, seen: _Seen, path: str, root: Root) -> None:
        missing = [id for id in root.records if id not in seen.records and not self._has(id)]
        if missing:
            what = f"it names {len(missing)} results that the store does not know"
            seen.findings.append(Finding(Fault.ROOT_DANGLING, path, what, root.name))
        for id in root.records:
            if seen.records.get(id) == {Place.GONE}:
                key = seen.keys[id]
                finding = Finding(Fault.KEPT_GONE, path, name=root.name, key=key, records=(id,))
                seen.findings.append(finding)
        seen.rooted[root.name] = tuple(root.trees)
        for tree in root.trees:
            seen.named.add(tree)
            seen.wanted.setdefault(tree, None)
            for lack in seen.closure.of_tree(tree, root.encodings):
                seen.suffering(lack, tree).is_rooted = True

    def _has(self, id: RecordId) -> bool:
        """True if a record was published since the records were read."""
        return self._index.place(id) is not None

    # -- the index --------------------------------------------------------------------------
    def _rows(self, seen: _Seen) -> None:
        """The rows of records and holders, both ways."""
        rows = self._index.places()
        for id, places in seen.records.items():
            at = rows.get(id)
            if at is None or at[1] not in places:
                self._unindexed(seen, id, min(places))
        for id in rows.keys() - seen.records.keys():
            key, place = rows[id]
            path = self._catalogue.path(key, id, place)
            if self._is_missing(id, key, place, path):
                finding = Finding(Fault.RECORD_MISSING, path, name=id, key=key, records=(id,))
                seen.findings.append(finding)
        known = self._index.holdings()
        for id, trees in seen.trees_of.items():
            mine = b"r" + bytes.fromhex(id)
            if any(bytes.fromhex(tree) + mine not in known for tree in trees):
                self._unindexed(seen, id, min(seen.records[id]))
        for name, trees in seen.rooted.items():
            mine = b"k" + name.encode()
            if any(mine not in self._index.holders(tree) for tree in trees):
                path = f"{self._layout.roots}/{name}"
                seen.findings.append(Finding(Fault.ROOT_UNINDEXED, path, name=name))
        for id, path in seen.unindexed.items():
            key = seen.keys[id]
            finding = Finding(Fault.RECORD_UNINDEXED, path, name=id, key=key, records=(id,))
            seen.findings.append(finding)
        stale = seen.holdings.rows_without_file - set(seen.lacking)
        if stale:
            what = f"{len(stale)} that nothing needs"
            seen.findings.append(Finding(Fault.INDEX_STALE, self._layout.index, what))

    def _unindexed(self, seen: _Seen, id: RecordId, place: Place) -> None:
        key = seen.keys[id]
        path = self._catalogue.path(key, id, place)
        lock = self._locks.try_key(key)
        if lock is None:  # it is being published: its row comes
            return
        try:
            if not self._is_indexed(seen, id, place, path):
                seen.unindexed[id] = path
        finally:
            self._locks.release(lock)

    def _is_indexed(self, seen: _Seen, id: RecordId, place: Place, path: str) -> bool:
        """False for a file that lies there, but not in the index: no collection is moving it just now."""
        mine = b"r" + bytes.fromhex(id)
        lock = self._locks.share_store()
        try:
            at = self._index.place(id)
            is_held = all(mine in self._index.holders(tree) for tree in seen.trees_of[id])
            return (at is not None and at[1] is place and is_held) or not os.path.lexists(path)
        finally:
            self._locks.release(lock)

    def _is_missing(self, id: RecordId, key: ActionKey, place: Place, path: str) -> bool:
        lock = self._locks.share_store()
        try:
            return self._index.place(id) == (key, place) and not os.path.lexists(path)
        finally:
            self._locks.release(lock)

    # -- objects and trees ------------------------------------------------------------------
    def _objects(self, seen: _Seen) -> None:
        holdings = seen.holdings
        for name in holdings.altered.keys() | seen.lacking.keys():
            path = self._layout.object(name)
            suffering = seen.lacking.get(name, _Suffering())
            wrong = holdings.altered.get(name)
            if wrong is None and (os.path.lexists(path) or not self._is_needed(suffering)):
                continue  # it came meanwhile; or only what explains a result is lost
            fault = Fault.OBJECT_MISSING if wrong is None else Fault.OBJECT_ALTERED
            trees = tuple(sorted(suffering.trees))
            records = tuple(sorted(suffering.records))
            paths = tuple(suffering.trees[tree] for tree in trees)
            seen.findings.append(
                Finding(fault, path, wrong or "", name, trees=trees, records=records, paths=paths)
            )

    def _is_needed(self, suffering: _Suffering) -> bool:
        """True unless a collection has taken all that named it since it was read."""
        places = [self._index.place(id) for id in suffering.records]
        return suffering.is_rooted or any(at is None or at[1] is not Place.GONE for at in places)


def _is_still(path: str, known: Stamp) -> bool:
    try:
        return stamp(os.lstat(path)) == known
    except FileNotFoundError:
        return False


def _names(directory: str) -> Sequence[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _is_record_name(name: str) -> bool:
    key, _, rest = name.partition(".")
    id, _, mark = rest.partition(".")
    return _is_digest(key) and (not rest or _is_digest(id)) and mark in ("", "gone", "imported")


def _is_digest(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")
