"""Mending what an audit found: damaged files are set aside, trees and objects heal one another, and a record
whose bytes are nowhere stops being a result.

Each finding is mended by steps that may be repeated; a crash after any of them (see `STEPS`) leaves a store
that trusts no more than before. What a build holds at the moment is left for another time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from fusionstore.arrivals import Arrivals
from fusionstore.catalogue import Catalogue, place_of
from fusionstore.contract import JsonObject, Root
from fusionstore.copying import read_whole
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.durable import barrier
from fusionstore.encoding import find_directory
from fusionstore.errors import Corrupt, StoreError, TreeLost
from fusionstore.findings import Fault, Finding, Repair
from fusionstore.index import Index, Place, Row
from fusionstore.layout import Layout
from fusionstore.locks import Locks
from fusionstore.objects import Objects
from fusionstore.quarantine import Quarantine
from fusionstore.records import decode_record, read_payload
from fusionstore.roots import Roots
from fusionstore.verify import Verify

STEPS = (
    "trust withdrawn",  # the index vouches no more for the object, nor for the trees that hold it
    "object mended",  # its twin made it again, or it is in quarantine
    "tree mended",  # after each: it stands again, or is in quarantine
    "record retired",  # after each: its bytes are lost, it is told but is no result
)
"""Told to `step` as each is done; a crash may come after any."""

_HEX = re.compile(rb"[0-9a-f]{64}")
_IN_USE = "a build is using it just now: repair again when it has ended"


class Mend:
    """Mends one store."""

    def __init__(
        self,
        layout: Layout,
        index: Index,
        objects: Objects,
        arrivals: Arrivals,
        quarantine: Quarantine,
        catalogue: Catalogue,
        verify: Verify,
        roots: Roots,
        locks: Locks,
        step: Callable[[str], None],
    ) -> None:
        self._layout = layout
        self._index = index
        self._objects = objects
        self._arrivals = arrivals
        self._quarantine = quarantine
        self._catalogue = catalogue
        self._verify = verify
        self._roots = roots
        self._locks = locks
        self._step = step

    def mend(self, finding: Finding) -> Repair:
        """Does for one finding what can be done, while nobody collects. Raises StoreError, OSError."""
        lock = self._locks.wait_for_collector()
        try:
            return self._mend(finding)
        except FileNotFoundError:  # collected meanwhile, or mended with another finding
            return Repair(finding, True, "it is not there any more")
        finally:
            self._locks.release(lock)

    def _mend(self, finding: Finding) -> Repair:
        match finding.fault:
            case Fault.OBJECT_ALTERED | Fault.OBJECT_MISSING:
                return self._object(finding)
            case Fault.OBJECT_MODE:
                os.chmod(finding.path, 0o555 if finding.name.endswith("x") else 0o444)
                return Repair(finding, True, "made read-only again")
            case Fault.TREE_ALTERED | Fault.TREE_MISSING:
                return self._trees(finding, finding.trees, finding.records)
            case Fault.RECORD_TORN | Fault.RECORD_MISSING | Fault.RECORD_UNINDEXED:
                with self._held(finding.key) as is_held:
                    return self._record(finding) if is_held else Repair(finding, False, _IN_USE)
            case Fault.ROOT_TORN:
                return self._torn_root(finding)
            case Fault.ROOT_DANGLING:
                return self._dangling_root(finding)
            case Fault.ROOT_UNINDEXED:
                root = self._roots.read(finding.name)
                with self._index.writing() as writer:
                    writer.put_root(finding.name, root.trees if root else ())
                return Repair(finding, True, "indexed again")
            case Fault.STRANGER:
                self._quarantine.move(finding.path, "strangers", "does not belong in a store")
                return Repair(finding, True, "moved to quarantine/")
            case Fault.INDEX_STALE:
                return self._stale_rows(finding)
            case Fault.INDEX_DAMAGED | Fault.INCOMPLETE | Fault.KEPT_GONE:
                return Repair(finding, False, "")

    # -- objects and trees ------------------------------------------------------------------
    def _object(self, finding: Finding) -> Repair:
        doubtful = [*finding.trees, *self._nobodys_trees()]
        with self._index.writing() as writer:
            writer.drop_stamp(finding.name)
            for tree in doubtful:
                writer.drop_seal(tree)
        self._arrivals.lose_blob(finding.name)
        for tree in doubtful:
            self._arrivals.lose_tree(tree)
        self._step("trust withdrawn")
        if self._objects.good(finding.name) is None:
            self._find_directory(finding)
        self._step("object mended")
        repair = self._trees(finding, finding.trees, finding.records)
        is_back = self._objects.good(finding.name) is not None
        if repair.lost or not is_back:
            return repair
        return repair._replace(done="brought back: the same bytes were stored elsewhere")

    def _find_directory(self, finding: Finding) -> None:
        """What is missing may be a directory's encoding: a tree that stands tells what it was."""
        for tree in finding.trees:
            with suppress(OSError):
                data = find_directory(self._layout.tree(tree), Digest(finding.name[:64]))
                if data is not None:
                    self._objects.store_bytes(data)
                    return

    def _nobodys_trees(self) -> list[Digest]:
        """Trees that stand, but whose files nothing tells any more: they may share a bad inode."""
        return [tree for tree in self._index.seals() if not self._index.holders(tree)]

    def _trees(
        self, finding: Finding, trees: Sequence[Digest], records: Sequence[RecordId]
    ) -> Repair:
        with self._index.writing() as writer:
            for tree in trees:
                writer.drop_seal(tree)
        lost: set[Digest] = set()
        for tree in trees:
            self._arrivals.lose_tree(tree)
            if not self._is_whole(tree):
                lost.add(tree)
            self._step("tree mended")
        if not lost:
            return Repair(finding, True, "mended from the store's own copies")
        gone, busy = self._retire({*records, *self._holding(lost)}, lost)
        if busy:
            return Repair(finding, False, _IN_USE, gone)
        if gone:
            return Repair(finding, True, "its bytes are lost; what it was is still told", gone)
        is_rooted = any(h[:1] == b"k" for tree in lost for h in self._index.holders(tree))
        if is_rooted:
            return Repair(finding, False, "bytes that were to be kept are lost: bring them back")
        return Repair(finding, True, "set aside: no result needs it")

    def _is_whole(self, tree: Digest) -> bool:
        try:
            self._verify.check(tree, partial(self._catalogue.read_tree, tree))
        except (TreeLost, KeyError, Corrupt):
            return False
        return True

    def _holding(self, trees: Iterable[Digest]) -> Iterator[RecordId]:
        for tree in trees:
            for holder in self._index.holders(tree):
                if holder[:1] == b"r":
                    yield RecordId(holder[1:].hex())

    # -- records ----------------------------------------------------------------------------
    def _retire(
        self, records: Iterable[RecordId], lost: set[Digest]
    ) -> tuple[list[RecordId], bool]:
        """Ends the records whose results those trees were; whether a build kept one from being ended."""
        gone: list[RecordId] = []
        is_busy = False
        for id in sorted(records):
            at = self._index.place(id)
            if at is None or at[1] is Place.GONE:
                continue
            with self._held(at[0]) as is_held:
                row = next((row for row in self._index.rows(at[0]) if row.record.id == id), None)
                if row is None or not lost & set(row.record.slots.values()):
                    continue
                if not is_held:
                    is_busy = True
                    continue
                self._catalogue.retire(row)
                barrier(self._layout.root, [], [f"{self._layout.actions}/{at[0][:2]}"])
                gone.append(id)
                self._step("record retired")
        return gone, is_busy

    def _record(self, finding: Finding) -> Repair:
        match finding.fault:
            case Fault.RECORD_MISSING:
                at = self._index.place(RecordId(finding.name))
                if at is None or os.path.lexists(
                    self._catalogue.path(at[0], RecordId(finding.name), at[1])
                ):
                    return Repair(finding, True, "it is there, where the index says")
                with self._index.writing() as writer:
                    writer.drop_row(finding.key, RecordId(finding.name))
                lost = [RecordId(finding.name)]
                return Repair(finding, True, "forgotten: its node runs again", lost)
            case Fault.RECORD_TORN:
                return self._torn_record(finding)
        full = decode_record(read_whole(finding.path), finding.path).full
        place = place_of(os.path.basename(finding.path))
        trees = [*full.record.slots.values(), *full.keeps.values()]
        with self._index.writing() as writer:
            writer.put_row(Row(full.record, place, proven=False), trees)
        return Repair(finding, True, "indexed again")

    def _torn_record(self, finding: Finding) -> Repair:
        place = place_of(finding.name)
        known = [row.record.id for row in self._index.rows(finding.key) if row.place is place]
        if place is not Place.FIRST:
            known = [RecordId(finding.name[65:129])]
        self._quarantine.move(finding.path, "actions", "is damaged")
        with self._index.writing() as writer:
            for id in known:
                writer.drop_row(finding.key, id)
        lost = () if place is Place.GONE else known
        return Repair(finding, True, "set aside: its node runs again", lost)

    @contextmanager
    def _held(self, key: ActionKey) -> Iterator[bool]:
        """Whether the key is ours while we look: a build that runs it would be confused."""
        lock = self._locks.try_key(key)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                self._locks.release(lock)

    # -- roots and rows ---------------------------------------------------------------------
    def _torn_root(self, finding: Finding) -> Repair:
        """What a torn root still tells is kept on: collecting must take nothing that it named."""
        data = read_whole(finding.path)
        words = {word.decode() for word in _HEX.findall(data)}
        records = sorted(
            RecordId(word) for word in words if self._index.place(RecordId(word)) is not None
        )
        trees, encodings = self._still_known(sorted(words - set(records)))
        body: JsonObject = read_payload(data).get("body") or {}  # type: ignore[assignment]  # of a root: an object
        self._quarantine.move(finding.path, "roots", "is damaged")
        self._roots.write(Root(finding.name, records, trees, encodings, body))
        what = f"made anew from what could be read: it keeps {len(records) + len(trees)} things"
        return Repair(finding, True, what)

    def _still_known(self, words: Sequence[str]) -> tuple[list[Digest], dict[Digest, bytes]]:
        trees: list[Digest] = []
        encodings: dict[Digest, bytes] = {}
        for word in words:
            with suppress(KeyError, StoreError):
                tree = self._catalogue.read_tree(Digest(word))
                trees.append(tree.root)
                encodings.update(tree.directories)
        return trees, encodings

    def _dangling_root(self, finding: Finding) -> Repair:
        root = self._roots.read(finding.name)
        if root is None:
            return Repair(finding, True, "it is gone")
        known = [id for id in root.records if self._index.place(id) is not None]
        if not known and not root.trees and not root.body.get("path"):
            self._quarantine.move(finding.path, "roots", "names nothing that is stored")
            return Repair(finding, True, "set aside: what it kept is lost")
        self._roots.write(Root(root.name, known, root.trees, root.encodings, root.body))
        return Repair(finding, True, "written anew without what is lost")

    def _stale_rows(self, finding: Finding) -> Repair:
        count = 0
        for number in range(256):
            names = self._index.stamps(f"{number:02x}")
            stale = [name for name in names if not os.path.lexists(self._layout.object(name))]
            with self._index.writing() as writer:
                for name in stale:
                    writer.drop_stamp(name)
            count += len(stale)
        return Repair(finding, True, f"dropped ({count})")
