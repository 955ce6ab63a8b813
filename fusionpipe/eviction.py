"""Which results may go, and what it would cost to get them back: pure decisions over a store's inventory.

What the store keeps in any case (linked, chosen, pinned, young) is never chosen here.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from fusionstore.digest import Digest, RecordId
from fusionstore.inventory import Held, Inventory

KEEP = 3
"""Results of a node that are kept when nothing else is said."""

_LEAST = 1.0  # seconds: no result is so cheap, or so new, that it counts for nothing


class Rules(NamedTuple):
    """What to keep. Without `max_size` all that `keep` and `older_than` do not spare goes; with it alone, just
    what is needed to stay below it."""

    keep: int | None = None  # results of each node
    older_than: float | None = None  # seconds: what was needed since stays
    max_size: int | None = None  # bytes

    @property
    def is_by_age(self) -> bool:
        """True if results go because they are old, whatever room there is."""
        return self.max_size is None or self.keep is not None or self.older_than is not None


class Ancestry:
    """Which records gave which trees, and which trees a record was made of."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._givers: dict[Digest, list[Held]] = {}
        for held in inventory.records.values():
            if (data := held.record.slots.get("data")) is not None:
                self._givers.setdefault(data, []).append(held)

    def lost_parents(self, held: Held, gone: Collection[RecordId]) -> Iterator[Held]:
        """For each parent that no result gives any more: the cheapest run that did. Sources are not asked for."""
        for tree in parent_trees(held):
            givers = self._givers.get(tree, ())
            if givers and all(one.is_gone or one.id in gone for one in givers):
                yield min(givers, key=lambda one: (one.record.seconds, one.id))

    def to_rerun(self, wanted: Iterable[Held], gone: Collection[RecordId]) -> dict[RecordId, Held]:
        """Everything that would have to run to have these again, each once."""
        found: dict[RecordId, Held] = {}
        open_ = list(wanted)
        while open_:
            held = open_.pop()
            if held.id not in found:
                found[held.id] = held
                open_ += self.lost_parents(held, gone)
        return found

    def seconds(self, wanted: Iterable[Held], gone: Collection[RecordId]) -> float:
        """How long that took when it ran."""
        return sum(held.record.seconds for held in self.to_rerun(wanted, gone).values())

    def unrepeatable(self, gone: Collection[RecordId]) -> int:
        """The kept results that can be repeated only after parents of theirs ran again."""
        kept = (held for held in self._inventory.live() if held.id not in gone)
        return sum(any(True for _ in self.lost_parents(held, gone)) for held in kept)


def parent_trees(held: Held) -> Iterator[Digest]:
    """The data trees a result was made of, as its manifest says."""
    manifest = held.body.get("manifest")
    parents = manifest.get("parents") if isinstance(manifest, dict) else None
    for members in parents.values() if isinstance(parents, dict) else ():
        for tree in members.values() if isinstance(members, dict) else ():
            if isinstance(tree, str):
                yield Digest(tree)


def node_of(held: Held) -> str:
    """The node that made it, as it was called then; its key where nobody said."""
    node = held.body.get("node")
    return node if isinstance(node, str) else held.record.key


def choose(
    inventory: Inventory, rules: Rules, recent: Mapping[str, Collection[str]]
) -> set[RecordId]:
    """The results that go. `recent` are the records that projects remember of their nodes, latest first."""
    gone = _outdated(inventory, rules, recent) if rules.is_by_age else set()
    if rules.max_size is not None:
        gone |= _evicted(inventory, gone, rules.max_size)
    return gone


def _outdated(
    inventory: Inventory, rules: Rules, recent: Mapping[str, Collection[str]]
) -> set[RecordId]:
    latest = _latest(inventory, KEEP if rules.keep is None else rules.keep, recent)
    before = inventory.now - (rules.older_than or 0.0)
    return {
        held.id
        for held in inventory.live()
        if held.id not in latest and inventory.may_go(held.id) and held.used <= before
    }


def _latest(
    inventory: Inventory, keep: int, recent: Mapping[str, Collection[str]]
) -> set[RecordId]:
    """The last results of each node: as they were made, and as the projects that are there used them."""
    by_node: dict[str, list[Held]] = {}
    for held in inventory.live():
        by_node.setdefault(node_of(held), []).append(held)
    found: set[RecordId] = set()
    for made in by_node.values():
        made.sort(key=lambda held: (held.record.made, held.id), reverse=True)
        found.update(held.id for held in made[:keep])
    for records in recent.values():
        there = [id for id in map(RecordId, records) if id in inventory.records]
        found.update(there[:keep])
    return found


def _evicted(inventory: Inventory, gone: Collection[RecordId], max_size: int) -> set[RecordId]:
    """What goes beyond that until the store is small enough: first what has been idle long, is large, and soon
    made again. What one result costs rises with its parents gone, and what it frees with those it shares with.
    """
    size = inventory.size - inventory.bytes_of(inventory.unneeded(gone))
    evicted: set[RecordId] = set()
    if size <= max_size:
        return evicted
    shares = _Shares(inventory, gone)
    ancestry = Ancestry(inventory)

    def score(id: RecordId) -> float:
        held = inventory.records[id]
        idle = max(_LEAST, inventory.now - held.used)
        cost = max(_LEAST, ancestry.seconds([held], {*gone, *evicted}))
        return idle * shares.of(id) / cost

    queue = [(-score(id), id) for id in shares.holders]
    heapq.heapify(queue)
    while queue and size > max_size:
        told, id = heapq.heappop(queue)
        if id in evicted or told == 0.0:
            continue
        now = -score(id)
        if now > told and queue and now > queue[0][0]:  # its parents went meanwhile
            heapq.heappush(queue, (now, id))
            continue
        evicted.add(id)
        freed, alone = shares.drop(id)
        size -= freed
        for other in alone:
            heapq.heappush(queue, (-score(other), other))
    return {id for id in evicted if shares.freed_something(id)}


class _Shares:
    """Which of the results that may go hold which objects that nothing else holds.

    An object that several hold counts for each in part: it is free when the last of them goes.
    """

    def __init__(self, inventory: Inventory, gone: Collection[RecordId]) -> None:
        self._inventory = inventory
        self.holders = {
            held.id
            for held in inventory.live()
            if held.id not in gone and inventory.may_go(held.id)
        }
        free = set(inventory.unneeded({*gone, *self.holders}))
        free -= set(inventory.unneeded(gone))
        self._names = {id: inventory.needs(inventory.records[id]) & free for id in self.holders}
        self._held_by: dict[str, set[RecordId]] = {}
        for id, names in self._names.items():
            for name in names:
                self._held_by.setdefault(name, set()).add(id)

    def of(self, id: RecordId) -> float:
        """The bytes of a result, each object's divided by those who hold it."""
        blobs = self._inventory.blobs
        return sum(blobs[name].size / len(self._held_by[name]) for name in self._names[id])

    def drop(self, id: RecordId) -> tuple[int, set[RecordId]]:
        """A result goes: the bytes that are free now, and who holds something alone now."""
        freed = 0
        alone: set[RecordId] = set()
        for name in self._names[id]:
            others = self._held_by[name]
            others.discard(id)
            if not others:
                freed += self._inventory.blobs[name].size
            elif len(others) == 1:
                alone |= others
        return freed, alone

    def freed_something(self, id: RecordId) -> bool:
        """False of a result that went although others still hold all it had: it can as well stay."""
        return any(not self._held_by[name] for name in self._names[id])
