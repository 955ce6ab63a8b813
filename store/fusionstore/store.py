"""The store on disk: a thin front that wires the parts and tells their troubles as StoreErrors.

Over 400 lines: forty promises of `ResultStore`, a few lines each; wired elsewhere, each start reads a module more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fusionstore.arrivals import Arrivals
from fusionstore.bringing import Bringing
from fusionstore.catalogue import Catalogue
from fusionstore.claims import Claims
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
    NotPublished,
    NotTrusted,
    Published,
    Record,
    Root,
)
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.durable import DiskErrors
from fusionstore.errors import Corrupt, TreeLost
from fusionstore.index import Index
from fusionstore.ingest import Ingest
from fusionstore.layout import Layout, blob_name
from fusionstore.leases import Leases
from fusionstore.locks import Locks
from fusionstore.materialise import Materialise
from fusionstore.objects import Objects
from fusionstore.opening import open_index, prepare
from fusionstore.publish import Publish
from fusionstore.quarantine import Quarantine
from fusionstore.roots import Roots
from fusionstore.scratch import Scratch
from fusionstore.seal import TooLarge
from fusionstore.tree import Tree
from fusionstore.verify import Verify

if TYPE_CHECKING:
    from fusionstore.findings import Audit, Finding, Repair, Tell
    from fusionstore.inventory import Choose, Collected


class Usage(NamedTuple):
    """Bytes: what objects take (about), and what the file system has free and in all."""

    stored: int
    free: int
    total: int


def no_step(name: str) -> None:
    """Nobody watches the steps of publishing."""


class Store:
    """A store on a local disk, owned by one user. See `ResultStore` for what each method promises.

    A process opens a store once; it is not to be used in a forked child.
    """

    def __init__(
        self, layout: Layout, index: Index, quarantine: Quarantine, step: Callable[[str], None]
    ) -> None:
        """Wires the parts; use `Store.open`."""
        self.path = Path(layout.root)
        self._layout = layout
        self._disk_errors = DiskErrors(layout.root)
        self._index = index
        self._step = step
        self._quarantine = quarantine
        self._scratch = scratch = Scratch(layout)
        self._locks = locks = Locks(layout)
        self._arrivals = arrivals = Arrivals(layout, index)
        self._leases = leases = Leases(layout.lease, locks, lambda: scratch.is_live)
        self._objects = objects = Objects(layout, arrivals, quarantine, scratch, leases)
        self._ingest = Ingest(layout, objects, arrivals, scratch, step)
        materialise = Materialise(layout, objects, arrivals, scratch)
        self._verify = Verify(
            layout, objects, arrivals, quarantine, scratch, materialise, locks, leases
        )
        self._catalogue = Catalogue(
            layout, index, objects, arrivals, quarantine, self._verify, leases, locks
        )
        self._claims = Claims(layout, locks, scratch)
        self._publish = Publish(
            layout,
            index,
            objects,
            arrivals,
            scratch,
            self._verify,
            self._catalogue,
            self._claims,
            step,
        )
        self._roots = Roots(
            layout,
            index,
            scratch,
            self._publish.make_durable,
            self._arrived,
            self._catalogue,
            leases,
        )
        self._step = step
        self._bringing = Bringing(
            layout,
            index,
            objects,
            arrivals,
            scratch,
            locks,
            self._catalogue,
            self._roots.write,
            step,
        )
        self._is_open = True

    @classmethod
    def open(
        cls, path: Path, *, create: bool = True, step: Callable[[str], None] = no_step
    ) -> Store:
        """The store at a path, made if need be. Raises StoreUnusable, DiskFull.

        `step` is called with each name of `publish.STEPS` as it is done, for tests of crashes.
        """
        layout = prepare(Path(os.path.abspath(path)), create=create)
        quarantine = Quarantine(layout)
        with DiskErrors(layout.root):
            index = open_index(layout, lambda at: quarantine.move(at, "index", "is damaged"))
            store = cls(layout, index, quarantine, step)
            if not index.figure("complete"):  # new, deleted, or damaged
                store.reindex()
        return store

    # -- finding ----------------------------------------------------------------------------
    def lookup(
        self, key: ActionKey, accepts: Accepts, choice: RecordId | None = None
    ) -> Record | None:
        """The result of a key: a few stats."""
        with self._disk_errors:
            return self._catalogue.lookup(key, accepts, choice)

    def records(self, key: ActionKey) -> Sequence[Record]:
        """All records of a key, the realisation first, then by time."""
        with self._disk_errors:
            return [row.record for row in self._catalogue.rows(key)]

    def read_record(self, id: RecordId) -> FullRecord:
        """Everything about a record."""
        with self._disk_errors:
            return self._catalogue.read(id)

    def named(self, prefix: str, limit: int = 100) -> Sequence[Named]:
        """What has a hash that begins so: a range of the index."""
        return self._index.named(prefix, limit)

    def holders(self, tree: Digest) -> Sequence[RecordId]:
        """The records that name a tree."""
        raw = (holder for holder in self._index.holders(tree) if holder[:1] == b"r")
        return sorted(RecordId(holder[1:].hex()) for holder in raw)

    # -- single flight ----------------------------------------------------------------------
    def claim(
        self,
        key: ActionKey,
        accepts: Accepts,
        choice: RecordId | None = None,
        *,
        rerun: bool = False,
    ) -> Record | Claim | Busy:
        """A hit, the claim, or word that somebody else has it."""
        with self._disk_errors:
            return self._claims.claim(key, lambda: self._find(key, accepts, choice, rerun))

    def wait(
        self, busy: Busy, accepts: Accepts, choice: RecordId | None = None, *, rerun: bool = False
    ) -> Record | Claim | FailedElsewhere:
        """Blocks until the holder ends. Run it in a daemon thread: closing the store does not wake it."""
        with self._disk_errors:
            return self._claims.wait(busy, lambda: self._find(busy.key, accepts, choice, rerun))

    def fail(self, claim: Claim, failure: JsonObject) -> None:
        """Gives the claim up and leaves word."""
        with self._disk_errors:
            self._claims.fail(claim, failure)

    def release(self, claim: Claim) -> None:
        """Gives the claim up."""
        self._claims.release(claim)

    # -- bringing in ------------------------------------------------------------------------
    def ingest(self, directory: Path) -> Tree:
        """Takes over a private, quiet directory: afterwards it is at its tree's path, or in the trash."""
        with self._disk_errors:
            self._scratch.begin()
            return self._ingest.take(_absolute(directory), self._check_tree)

    def ingest_copy(self, directory: Path) -> Tree:
        """The same from a copy; the caller's directory is left as it is."""
        with self._disk_errors:
            self._scratch.begin()
            copied = self._ingest.copy(_absolute(directory))
            return self._ingest.take(copied, self._check_tree)

    def store_file(self, path: Path, *, executable: bool = False) -> Digest:
        """Copies a user's file into objects."""
        with self._disk_errors:
            self._scratch.begin()
            return self._objects.store_file(str(path), executable=executable)

    def ingest_file(self, path: Path) -> Digest:
        """Takes over a private, quiet file."""
        with self._disk_errors:
            self._scratch.begin()
            return self._ingest.take_file(str(path))

    def adopt(self, tree: Tree) -> Path:
        """Makes a tree stand whose blobs are all stored."""
        with self._disk_errors:
            self._scratch.begin()
            self._check_tree(tree)
        return self.tree_path(tree.root)

    def object_path(self, digest: Digest, *, executable: bool = False) -> Path:
        """Where a stored blob lies, its bytes proven."""
        name = blob_name(digest, executable=executable)
        path = self._layout.object(name)
        with self._disk_errors:
            if self._objects.stands(name):
                return Path(path)
            was_there = os.path.lexists(path)
            good = self._objects.good if was_there else self._objects.from_twin
            if good(name) is not None:
                return Path(path)
        if was_there:
            raise Corrupt(path, "its bytes are not what its name says, and no other copy is left")
        raise KeyError(digest)

    def commit(self, drafts: Sequence[Draft]) -> Sequence[Published | NotPublished]:
        """Publishes finished runs together. A claim whose draft is not published stays held."""
        outcomes: list[Published | NotPublished] = []
        rest = list(drafts)
        with self._disk_errors:
            self._scratch.begin()
            while rest:
                keys = [draft.key for draft in rest]
                repeated = next((i for i, key in enumerate(keys) if key in keys[:i]), len(rest))
                outcomes += self._publish.commit(rest[:repeated])
                rest = rest[repeated:]
        return outcomes

    # -- using ------------------------------------------------------------------------------
    def tree_path(self, tree: Digest) -> Path:
        """Where a tree lies when it is materialised."""
        return Path(self._layout.tree(tree))

    def materialise(self, tree: Digest) -> Path:
        """Makes sure a tree stands."""
        path = self._layout.tree(tree)
        if not os.path.isdir(path):
            return self.check(tree)
        return Path(path)

    def check(self, tree: Digest) -> Path:
        """Proves a tree, mending it if need be."""
        with self._disk_errors:
            self._verify.check(tree, lambda: self._known_tree(tree))
        return self.tree_path(tree)

    def check_small(self, tree: Digest, most: int) -> bool:
        """Proves a tree of a few names; False, unproven, for a larger one."""
        with self._disk_errors:
            try:
                if self._verify.is_as_published(tree, most):
                    return True
            except TooLarge:
                return False
        self.check(tree)
        return True

    def take_findings(self) -> Sequence[str]:
        """Sentences about what was found damaged and done about it."""
        return self._quarantine.take_findings()

    def read_tree(self, tree: Digest) -> Tree:
        """The encodings of a stored tree."""
        with self._disk_errors:
            return self._catalogue.read_tree(tree)

    # -- keeping ----------------------------------------------------------------------------
    def write_root(self, root: Root) -> None:
        """Writes a root; trees it names that nobody committed become durable first."""
        with self._disk_errors:
            self._scratch.begin()
            self._roots.write(root)

    def read_root(self, name: str) -> Root | None:
        """A root by name."""
        with self._disk_errors:
            return self._roots.read(name)

    def roots(self, prefix: str = "") -> Sequence[Root]:
        """All roots whose names begin so: only those are read."""
        with self._disk_errors:
            return self._roots.all(prefix)

    def delete_root(self, name: str) -> None:
        """Forgets a root."""
        with self._disk_errors:
            self._roots.delete(name)

    def hold(self, ids: Sequence[RecordId]) -> list[RecordId]:
        """Keeps gc from these results while this store is open; those that are there."""
        with self._disk_errors:
            self._scratch.begin()
            return [id for id in ids if self._catalogue.hold_id(id)]

    def collect(
        self, choose: Choose, *, dry_run: bool = False, now: float | None = None
    ) -> Collected:
        """Deletes what is chosen and may go, and all that nobody names."""
        from fusionstore.gc import Gc  # builds do without

        gc = Gc(
            self._layout,
            self._index,
            self._objects,
            self._arrivals,
            self._roots,
            self._scratch,
            self._locks,
            self._leases,
            self._step,
        )
        with self._disk_errors:
            return gc.collect(choose, dry_run=dry_run, now=time.time() if now is None else now)

    def reindex(self) -> None:
        """Makes the index anew from the files."""
        with self._disk_errors:
            self._arrivals.settle()
            self._catalogue.reindex()

    # -- from store to store ----------------------------------------------------------------
    def record_file(self, id: RecordId) -> bytes:
        """A record's file as it is."""
        with self._disk_errors:
            return self._catalogue.file_of(id)

    def bring_in(self, brought: Brought) -> Sequence[Record]:
        """Stores records made elsewhere, all or none."""
        with self._disk_errors:
            return self._bringing.bring_in(brought)

    def trust(self, id: RecordId) -> Record | NotTrusted:
        """Makes an imported record a result of its key, where that has none."""
        with self._disk_errors:
            return self._bringing.trust(id)

    # -- auditing ---------------------------------------------------------------------------
    def audit(self, tell: Tell | None = None, *, deep: bool = False) -> Audit:
        """What is damaged: a `stat` a name, and with `deep` every byte. Changes nothing."""
        from fusionstore.audit import Auditor  # not on the path of builds

        parts = (self._arrivals, self._catalogue, self._verify, self._locks)
        with self._disk_errors:
            return Auditor(self._layout, self._index, *parts).audit(tell, deep=deep)

    def read_body(self, id: RecordId) -> JsonObject | None:
        """A record's body; None if it cannot be read. Unlike `read_record`, it sets nothing aside."""
        with self._disk_errors:
            return self._catalogue.read_body(id)

    def repair(self, finding: Finding) -> Repair:
        """Mends what one finding tells, as far as that can be done."""
        from fusionstore.mend import Mend

        parts = (self._objects, self._arrivals, self._quarantine, self._catalogue, self._verify)
        mend = Mend(self._layout, self._index, *parts, self._roots, self._locks, self._step)
        with self._disk_errors:
            return mend.mend(finding)

    # -- the disk ---------------------------------------------------------------------------
    def usage(self) -> Usage:
        """How much is stored and how much room there is: one read and one call."""
        with self._disk_errors:
            disk = os.statvfs(self._layout.root)
        unit = disk.f_frsize
        return Usage(self._index.figure("stored"), disk.f_bavail * unit, disk.f_blocks * unit)

    def scratch(self) -> Path:
        """A fresh private directory on the store's file system, swept once this process has ended."""
        with self._disk_errors:
            return Path(self._scratch.directory())

    def trash(self, path: Path) -> None:
        """Moves something on this file system out of the way; `empty_trash` deletes it."""
        with self._disk_errors:
            self._scratch.trash(str(path))

    def empty_trash(self) -> None:
        """Deletes what was moved out of the way. Slow: not during a build."""
        with self._disk_errors:
            self._scratch.empty_trash()

    def abandoned_tmp(self) -> Sequence[str]:
        """The scratch of processes that ended and nobody swept yet."""
        with self._disk_errors:
            return self._scratch.abandoned()

    def sweep_tmp(self) -> Sequence[str]:
        """Moves the scratch of processes that ended to the trash; the names of those directories."""
        with self._disk_errors:
            return self._scratch.sweep()

    def close(self) -> None:
        """Gives up all claims and file handles; what was learnt of the disk goes to the index."""
        if not self._is_open:
            return
        self._is_open = False
        self._claims.close()
        try:
            with self._disk_errors:
                self._arrivals.settle()
        finally:
            self._index.close()
            self._scratch.close()

    # -- within -----------------------------------------------------------------------------
    def _find(
        self, key: ActionKey, accepts: Accepts, choice: RecordId | None, rerun: bool
    ) -> Record | None:
        return None if rerun else self._catalogue.lookup(key, accepts, choice)

    def _known_tree(self, tree: Digest) -> Tree:
        try:
            return self._catalogue.read_tree(tree)
        except KeyError:
            raise TreeLost(tree, "no record or root tells what it held") from None

    def _check_tree(self, tree: Tree) -> None:
        self._verify.check(tree.root, lambda: tree)

    def _arrived(self, tree: Digest) -> Tree | None:
        arrived = self._arrivals.tree(tree)
        return None if arrived is None else arrived.tree


def _absolute(path: Path) -> str:
    text = str(path)
    return text if text.startswith("/") else os.path.abspath(text)
