"""Garbage collection: what nobody asks for any more goes, in an order that loses nothing at any step.

Records first: rows, then names (`….gone`, durable), and only then the trees nobody names, and only then the
objects. Whatever was needed since the horizon (see leases.py) stays; that is looked at again for each thing
under the lock that those who begin to need it take, so it never goes between being found and being held.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from fusionstore.arrivals import Arrivals
from fusionstore.contract import Root
from fusionstore.digest import Digest, RecordId
from fusionstore.durable import barrier
from fusionstore.errors import Corrupt
from fusionstore.index import Index, Place, Row
from fusionstore.inventory import Choose, Collected, Held, Inventory, take_inventory
from fusionstore.layout import Layout
from fusionstore.leases import Leases
from fusionstore.locks import Locks
from fusionstore.objects import Objects
from fusionstore.roots import Roots
from fusionstore.scratch import Scratch

STEPS = (
    "records forgotten",  # their rows: the next lookup finds the files, and indexes them again
    "record gone",  # after each: it is a result no more; all its bytes are there
    "records gone",  # durably
    "trees forgotten",  # a tree without its seal is re-hashed where somebody needs it
    "tree moved",  # after each
    "objects forgotten",
    "object moved",  # after each
    "deleted",
)
"""Told to `step` as each is done; a crash may come after any."""

_T = TypeVar("_T")
_BATCH = 256  # things looked at and moved while nobody can begin to need them: some milliseconds
_CLOCKS = 2.0  # seconds by which times of files may lag, and are cut off to
_TICK = 0.05  # the same where a store wants no lease: for tests, on file systems with good clocks


class Gc:
    """Collects."""

    def __init__(
        self,
        layout: Layout,
        index: Index,
        objects: Objects,
        arrivals: Arrivals,
        roots: Roots,
        scratch: Scratch,
        locks: Locks,
        leases: Leases,
        step: Callable[[str], None],
    ) -> None:
        self._layout = layout
        self._index = index
        self._objects = objects
        self._arrivals = arrivals
        self._roots = roots
        self._scratch = scratch
        self._locks = locks
        self._leases = leases
        self._step = step

    def collect(self, choose: Choose, *, dry_run: bool, now: float) -> Collected:
        """Deletes what is chosen and may go, and all that nobody names. Raises Corrupt before anything goes."""
        lock = self._locks.wait_for_collector()
        try:
            horizon = self._horizon(now)  # before the roots are read: who ended by now wrote theirs
            inventory = self._inventory(horizon, now)
            chosen = sorted(id for id in set(choose(inventory)) if _may_go(inventory, id))
            doomed = [inventory.records[id] for id in chosen]
            if dry_run:
                return self._foresee(inventory, doomed, horizon)
            return self._collect(inventory, doomed, horizon)
        finally:
            self._locks.release(lock)

    def _horizon(self, now: float) -> float:
        """Whatever was needed since then stays."""
        others = self._scratch.oldest_other()
        lease = self._leases.lease
        known = now - 2 * lease
        return min(known, now if others is None else others - lease) - min(_CLOCKS, lease + _TICK)

    def _inventory(self, horizon: float, now: float) -> Inventory:
        roots = self._roots.all()
        self._refuse_lost_roots(roots)
        return take_inventory(self._layout, roots, self._objects.read, horizon, now)

    def _refuse_lost_roots(self, roots: Sequence[Root]) -> None:
        """A root that was found damaged lies in quarantine: what it kept is not known, so nothing may go."""
        there = {root.name for root in roots}
        for folder in os.listdir(self._layout.quarantine):
            if not folder.startswith("roots-"):
                continue
            for name in os.listdir(f"{self._layout.quarantine}/{folder}"):
                if name not in there:
                    raise Corrupt(
                        f"{self._layout.quarantine}/{folder}/{name}",
                        "nobody knows what this root kept, so nothing is collected\n"
                        "  build its project once more (or pin again), or delete that file",
                    )

    # -- all of it --------------------------------------------------------------------------
    def _foresee(self, inventory: Inventory, doomed: Sequence[Held], horizon: float) -> Collected:
        gone = {held.id for held in doomed}
        going = inventory.unneeded(gone)
        trees = [
            tree for tree in self._unnamed(inventory, gone) if self._is_old_tree(tree, horizon)
        ]
        size = inventory.bytes_of(going)
        return Collected(inventory, tuple(doomed), len(trees), len(going), size)

    def _collect(self, inventory: Inventory, doomed: Sequence[Held], horizon: float) -> Collected:
        bin_ = self._scratch.fresh()
        os.mkdir(bin_)
        gone = [held for batch in _batches(doomed) for held in self._give_up(batch, horizon)]
        ids = {held.id for held in gone}
        candidates = self._unnamed(inventory, ids)
        trees = sum(self._move_trees(batch, horizon, bin_) for batch in _batches(candidates))
        inodes = self._inodes_of(self._unnamed(inventory, ids))
        sizes: list[int] = []
        for batch in _batches(inventory.unneeded(ids)):
            sizes += self._move_objects(batch, horizon, inodes, bin_)
        self._scratch.trash(bin_)
        self._scratch.empty_trash()
        self._step("deleted")
        return Collected(inventory, tuple(gone), trees, len(sizes), sum(sizes))

    # -- records ----------------------------------------------------------------------------
    def _give_up(self, batch: Sequence[Held], horizon: float) -> list[Held]:
        """Makes results records of what was; those that somebody began to need meanwhile stay."""
        lock = self._locks.own_store()
        try:
            going = [held for held in batch if _is_older(held.path, horizon)]
            with self._index.writing() as writer:
                for held in going:
                    writer.put_row(Row(held.record, Place.GONE, proven=False))
            self._step("records forgotten")
            for held in going:
                os.rename(held.path, self._layout.gone(held.record.key, held.id))
                self._leases.forget(held.id)
                self._step("record gone")
        finally:
            self._locks.release(lock)
        folders = {os.path.dirname(held.path) for held in going}
        barrier(self._layout.root, [], folders)
        self._step("records gone")
        return going

    # -- trees ------------------------------------------------------------------------------
    def _unnamed(self, inventory: Inventory, gone: set[RecordId]) -> list[Digest]:
        """The trees that stand and that no kept record and no root names."""
        named = {tree for root in inventory.roots for tree in root.trees}
        for held in inventory.records.values():
            if not held.is_gone and held.id not in gone:
                named.update(held.trees)
        standing = (Digest(name) for name in os.listdir(self._layout.trees) if len(name) == 64)
        return [tree for tree in standing if tree not in named]

    def _is_old_tree(self, tree: Digest, horizon: float) -> bool:
        return _is_older(self._layout.tree(tree), horizon)

    def _move_trees(self, batch: Sequence[Digest], horizon: float, bin_: str) -> int:
        lock = self._locks.own_store()
        try:
            going = [tree for tree in batch if self._is_old_tree(tree, horizon)]
            with self._index.writing() as writer:
                for tree in going:
                    writer.drop_seal(tree)
            self._step("trees forgotten")
            for tree in going:
                self._arrivals.lose_tree(tree)
                os.rename(self._layout.tree(tree), f"{bin_}/tree-{tree}")
                self._step("tree moved")
        finally:
            self._locks.release(lock)
        return len(going)

    def _inodes_of(self, trees: Sequence[Digest]) -> set[int]:
        """The files of trees that are needed though no record names them (yet): their objects stay."""
        found: set[int] = set()
        for tree in trees:
            for place, _, names in os.walk(self._layout.tree(tree)):
                for name in names:
                    with suppress(FileNotFoundError):
                        found.add(os.lstat(f"{place}/{name}").st_ino)
        return found

    # -- objects ----------------------------------------------------------------------------
    def _move_objects(
        self, batch: Sequence[str], horizon: float, inodes: set[int], bin_: str
    ) -> list[int]:
        lock = self._locks.own_store()
        try:
            going: dict[str, int] = {}
            for name in batch:
                with suppress(FileNotFoundError):
                    status = os.lstat(self._layout.object(name))
                    if status.st_ctime < horizon and status.st_ino not in inodes:
                        going[name] = status.st_size
            with self._index.writing() as writer:
                for name in going:
                    writer.drop_stamp(name)
                writer.add_to_figure("stored", -sum(going.values()))
            self._step("objects forgotten")
            for name in going:
                self._arrivals.lose_blob(name)
                os.rename(self._layout.object(name), f"{bin_}/object-{name}")
                self._step("object moved")
        finally:
            self._locks.release(lock)
        return list(going.values())


def _may_go(inventory: Inventory, id: RecordId) -> bool:
    held = inventory.records.get(id)
    return held is not None and not held.is_gone and inventory.may_go(id)


def _is_older(path: str, horizon: float) -> bool:
    try:
        return os.lstat(path).st_ctime < horizon
    except FileNotFoundError:
        return False


def _batches(things: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (things[at : at + _BATCH] for at in range(0, len(things), _BATCH))
