"""A store in memory: the obvious way to keep what `ResultStore` promises, for tests.

Records, claims and roots are dictionaries; blobs and trees are `MemoryTrees`. One process, no durability.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from fusionstore.bringing import BEING_RUN, BYTES_MISSING, why_not_trusted
from fusionstore.contract import (
    Accepts,
    Brought,
    Busy,
    Claim,
    Draft,
    FailedElsewhere,
    FullRecord,
    JsonObject,
    Named,
    NamedAs,
    NotPublished,
    NotTrusted,
    Published,
    Record,
    Root,
    Standing,
)
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.errors import Corrupt
from fusionstore.findings import Audit, Fault, Finding, Repair, Tell
from fusionstore.inventory import Choose, Collected, Held, inventory_of
from fusionstore.memory_trees import MemoryTrees, files_in
from fusionstore.records import body_number, canonical, decode_record, encode_record
from fusionstore.tree import EMPTY_TREE, Tree


class MemoryStore:
    """Keeps results in memory; `directory` is where trees are laid out."""

    def __init__(self, directory: Path) -> None:
        self._trees = MemoryTrees(directory)
        self._records: dict[ActionKey, list[FullRecord]] = {}
        self._gone: dict[RecordId, FullRecord] = {}
        self._files: dict[RecordId, bytes] = {}
        self._roots: dict[str, Root] = {}
        self._failures: dict[ActionKey, tuple[str, JsonObject]] = {}
        self._held: dict[ActionKey, int] = {}
        self._numbers = itertools.count(1)
        self._changed = threading.Condition(threading.RLock())

    # -- finding ----------------------------------------------------------------------------
    def lookup(
        self, key: ActionKey, accepts: Accepts, choice: RecordId | None = None
    ) -> Record | None:
        """The choice, or the first accepted record."""
        records = [r for r in self.records(key) if r.standing is not Standing.IMPORTED]
        chosen = [record for record in records if record.id == choice]
        others = [record for record in records if record.standing is not Standing.DISAGREES]
        return next((r for r in (*chosen, *others) if accepts(r) and self._is_whole(r)), None)

    def records(self, key: ActionKey) -> Sequence[Record]:
        """All records of a key, the realisation first."""
        records = [full.record for full in self._records.get(key, [])]
        return sorted(records, key=lambda r: r.standing is not Standing.REALISATION)

    def read_record(self, id: RecordId) -> FullRecord:
        """Everything about a record."""
        for full in itertools.chain.from_iterable(self._records.values()):
            if full.record.id == id:
                return full
        return self._gone[id]

    def named(self, prefix: str, limit: int = 100) -> Sequence[Named]:
        """What has a hash that begins so."""
        all_records = list(itertools.chain.from_iterable(self._records.values()))
        hashes = {
            NamedAs.KEY: {str(key) for key in self._records},
            NamedAs.RECORD: {str(full.record.id) for full in all_records},
            NamedAs.TREE: {str(tree) for full in all_records for tree in _named_trees(full)}
            | {str(tree) for root in self._roots.values() for tree in root.trees},
        }
        return [
            Named(kind, one)
            for kind, known in hashes.items()
            for one in sorted(one for one in known if one.startswith(prefix))[:limit]
        ]

    def holders(self, tree: Digest) -> Sequence[RecordId]:
        """The records that name a tree."""
        all_records = itertools.chain.from_iterable(self._records.values())
        return sorted(full.record.id for full in all_records if tree in _named_trees(full))

    # -- single flight ----------------------------------------------------------------------
    def claim(
        self,
        key: ActionKey,
        accepts: Accepts,
        choice: RecordId | None = None,
        *,
        rerun: bool = False,
    ) -> Record | Claim | Busy:
        """A hit, the claim, or word that it is held."""
        with self._changed:
            record = None if rerun else self.lookup(key, accepts, choice)
            if record is not None:
                return record
            if key in self._held:
                return Busy(key, self._failures.get(key, ("", {}))[0])
            claim = Claim(key, next(self._numbers))
            self._held[key] = claim.token
            return claim

    def wait(
        self, busy: Busy, accepts: Accepts, choice: RecordId | None = None, *, rerun: bool = False
    ) -> Record | Claim | FailedElsewhere:
        """Blocks until the key is free."""
        with self._changed:
            self._changed.wait_for(lambda: busy.key not in self._held)
            outcome = self.claim(busy.key, accepts, choice, rerun=rerun)
            assert not isinstance(outcome, Busy)
            note = self._failures.get(busy.key)
            if isinstance(outcome, Record) or note is None or note[0] == busy.failure_seen:
                return outcome
            self.release(outcome)
            return FailedElsewhere(busy.key, note[1])

    def fail(self, claim: Claim, failure: JsonObject) -> None:
        """Leaves word and gives the claim up."""
        with self._changed:
            self._failures[claim.key] = (str(next(self._numbers)), failure)
            self.release(claim)

    def release(self, claim: Claim) -> None:
        """Gives the claim up."""
        with self._changed:
            if self._held.get(claim.key) == claim.token:
                del self._held[claim.key]
            self._changed.notify_all()

    # -- bringing in ------------------------------------------------------------------------
    def ingest(self, directory: Path) -> Tree:
        """Reads a directory in and lays it out at its place."""
        tree = self.ingest_copy(directory)
        shutil.rmtree(directory)
        return tree

    def ingest_copy(self, directory: Path) -> Tree:
        """Reads a directory in."""
        with self._changed:
            return self._trees.read_in(directory)

    def store_file(self, path: Path, *, executable: bool = False) -> Digest:
        """Reads a file in."""
        return self._trees.read_file(path)

    def ingest_file(self, path: Path) -> Digest:
        """Reads a file in."""
        return self._trees.read_file(path)

    def adopt(self, tree: Tree) -> Path:
        """Lays a tree out whose blobs are all stored."""
        with self._changed:
            return self._trees.adopt(tree)

    def object_path(self, digest: Digest, *, executable: bool = False) -> Path:
        """A file with a blob's bytes."""
        return self._trees.object_path(digest, executable=executable)

    def commit(self, drafts: Sequence[Draft]) -> Sequence[Published | NotPublished]:
        """Publishes drafts, in order."""
        with self._changed:
            return [self._commit(draft) for draft in drafts]

    # -- using ------------------------------------------------------------------------------
    def tree_path(self, tree: Digest) -> Path:
        """Where a tree is laid out."""
        return self._trees.path(tree)

    def materialise(self, tree: Digest) -> Path:
        """Makes sure it is laid out."""
        path = self.tree_path(tree)
        return path if path.is_dir() else self.check(tree)

    def check(self, tree: Digest) -> Path:
        """Compares every byte with memory, and lays the tree out again if any differs."""
        with self._changed:
            return self._trees.check(tree)

    def check_small(self, tree: Digest, most: int) -> bool:
        """The same, of a tree that is not large."""
        path = self.tree_path(tree)
        if path.is_dir() and sum(1 for _ in path.rglob("*")) > most:
            return False
        self.check(tree)
        return True

    def take_findings(self) -> Sequence[str]:
        """What `check` found."""
        return self._trees.take_findings()

    def read_tree(self, tree: Digest) -> Tree:
        """The encodings of a tree."""
        return self._trees.tree(tree)

    # -- keeping ----------------------------------------------------------------------------
    def write_root(self, root: Root) -> None:
        """Keeps a root."""
        self._roots[root.name] = root
        self._trees.encodings.update(root.encodings)

    def read_root(self, name: str) -> Root | None:
        """A root by name."""
        return self._roots.get(name)

    def roots(self, prefix: str = "") -> Sequence[Root]:
        """The roots whose names begin so, by name."""
        return [self._roots[name] for name in sorted(self._roots) if name.startswith(prefix)]

    def delete_root(self, name: str) -> None:
        """Forgets a root."""
        self._roots.pop(name, None)

    def hold(self, ids: Sequence[RecordId]) -> Sequence[RecordId]:
        """Those that are there: nothing else needs them."""
        there = {full.record.id for records in self._records.values() for full in records}
        return [id for id in ids if id in there]

    def collect(
        self, choose: Choose, *, dry_run: bool = False, now: float | None = None
    ) -> Collected:
        """Gives up what may go, at once."""
        with self._changed:
            live = [full for many in self._records.values() for full in many]
            inventory = inventory_of(live, self._gone.values(), self._trees.blobs, self.roots())
            gone = {
                id for id in choose(inventory) if id in inventory.records and inventory.may_go(id)
            }
            doomed = [held for held in inventory.live() if held.id in gone]
            going = inventory.unneeded({held.id for held in doomed})
            size = inventory.bytes_of(going)
            if not dry_run:
                self._give_up(doomed)
                for name in going:
                    del self._trees.blobs[Digest(name)]
            return Collected(inventory, tuple(doomed), 0, len(going), size)

    def reindex(self) -> None:
        """There is no index."""

    # -- from store to store ----------------------------------------------------------------
    def record_file(self, id: RecordId) -> bytes:
        """A record's file."""
        self.read_record(id)
        return self._files[id]

    def bring_in(self, brought: Brought) -> Sequence[Record]:
        """Keeps what was made elsewhere."""
        with self._changed:
            blobs = {Digest(n[:64]): path.read_bytes() for n, path in brought.files.items()}
            missing = {Digest(name[:64]) for name in brought.needs} - {*blobs, *self._trees.blobs}
            if missing:
                raise Corrupt(missing.pop(), "it is not in the store")
            self._trees.blobs.update(blobs)
            self._trees.encodings.update(brought.encodings)
            self.write_root(brought.root)
            new = [id for id in brought.records if id not in self._files]
            return [self._bring(id, brought.records[id]) for id in new]

    def trust(self, id: RecordId) -> Record | NotTrusted:
        """Makes an imported record a result."""
        full = self.read_record(id)
        if full.record.standing is not Standing.IMPORTED:
            return full.record
        with self._changed:
            there = decode_record(self._files[id], "memory").full.record
            why = why_not_trusted(there, self.records(there.key))
            slots = [Tree(tree, full.trees) for tree in there.slots.values()]
            missing = [digest for digest in files_in(slots) if digest not in self._trees.blobs]
            if why is None and (missing or there.key in self._held):
                why = BYTES_MISSING if missing else BEING_RUN
            if why is not None:
                return NotTrusted(full.record, why)
            records = self._records[there.key]
            records[records.index(full)] = full._replace(record=there)
            return there

    def audit(self, tell: Tell | None = None, *, deep: bool = False) -> Audit:
        """Compares every tree that is laid out with memory, which cannot be damaged."""
        full = [full for records in self._records.values() for full in records]
        wanted = sorted({tree for one in full for tree in one.record.slots.values()})
        findings = [
            Finding(Fault.TREE_ALTERED, str(self.tree_path(tree)), name=tree, trees=(tree,))
            for tree in wanted
            if self.tree_path(tree).is_dir() and not self._trees.is_whole(tree)
        ]
        stored = sum(len(data) for data in self._trees.blobs.values())
        return Audit(
            findings,
            objects=len(self._trees.blobs),
            stored=stored,
            hashed=stored if deep else 0,
            trees=len(wanted),
            records=len(full),
            roots=len(self._roots),
        )

    def repair(self, finding: Finding) -> Repair:
        """Lays the tree out again."""
        for tree in finding.trees:
            self.check(tree)
        return Repair(finding, True, "laid out again")

    def close(self) -> None:
        """Gives all claims up."""
        with self._changed:
            self._held.clear()
            self._changed.notify_all()

    # -- within -----------------------------------------------------------------------------
    def _give_up(self, doomed: Sequence[Held]) -> None:
        for held in doomed:
            records = self._records[held.record.key]
            (full,) = [full for full in records if full.record.id == held.id]
            records.remove(full)
            self._gone[held.id] = full
        named = [full.trees for many in self._records.values() for full in many]
        self._trees.encodings = dict(EMPTY_TREE.directories)
        for encodings in (*named, *(root.encodings for root in self.roots())):
            self._trees.encodings.update(encodings)
        for path in self._trees.laid_out():
            if path.name not in self._trees.encodings:
                shutil.rmtree(path)

    def _commit(self, draft: Draft) -> Published | NotPublished:
        missing = [d for d in self._blobs_of(draft) if d not in self._trees.blobs]
        if missing:
            return NotPublished(draft.key, Corrupt(missing[0], "it is not in the store"))
        slots = {name: tree.root for name, tree in draft.slots.items()}
        records = self._records.setdefault(draft.key, [])
        same = [
            full.record
            for full in records
            if canonical(full.record.observed) == canonical(draft.observed)
            and full.record.standing is not Standing.IMPORTED
        ]
        ran = (Standing.REALISATION, Standing.DISAGREES)
        runs = [record for record in same if record.standing in ran]
        first = next((r for r in runs if r.standing is Standing.REALISATION), None)
        other = first if first is not None and dict(first.slots) != slots else None
        self._failures.pop(draft.key, None)
        self._held.pop(draft.key, None)
        self._changed.notify_all()
        for record in runs:
            if dict(record.slots) == slots:
                return Published(record, is_new=False, disagrees_with=other)
        standing = Standing.REALISATION if first is None else Standing.DISAGREES
        data = encode_record(draft, Standing.ASSERTED if draft.asserted else standing)
        full = decode_record(data, "memory").full
        if any(known.record.id == full.record.id for known in records):
            return Published(full.record, is_new=False, disagrees_with=other)
        self._files[full.record.id] = data
        trees = {
            d: e
            for t in (*draft.slots.values(), *draft.keeps.values())
            for d, e in t.directories.items()
        }
        self._trees.encodings.update(trees)
        records.append(FullRecord(full.record, full.keeps, full.body, trees))
        assert full.record.seconds == body_number(draft.body, "seconds")
        return Published(full.record, is_new=True, disagrees_with=other)

    def _bring(self, id: RecordId, data: bytes) -> Record:
        full = decode_record(data, "memory").full
        record = full.record._replace(standing=Standing.IMPORTED)
        trees: dict[Digest, bytes] = {}
        for tree in (*record.slots.values(), *full.keeps.values()):
            self._trees.reach(tree, trees)
        self._files[id] = data
        self._records.setdefault(record.key, []).append(
            FullRecord(record, full.keeps, full.body, trees)
        )
        return record

    def _blobs_of(self, draft: Draft) -> list[Digest]:
        blobs = files_in([*draft.slots.values(), *draft.keeps.values()])
        return blobs if draft.log is None else [*blobs, draft.log]

    def _is_whole(self, record: Record) -> bool:
        return all(tree in self._trees.encodings for tree in record.slots.values())


def _named_trees(full: FullRecord) -> set[Digest]:
    return {*full.record.slots.values(), *full.keeps.values()}
