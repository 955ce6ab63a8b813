"""What a result was made from: the recorded results behind its parents' data, as far back as they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fusionpipe.build.archive import Archive, read
from fusionpipe.build.recipe import action_of_record
from fusionstore.contract import FullRecord, Standing
from fusionstore.digest import Digest, RecordId


class Step(NamedTuple):
    """A result to be made again, after others."""

    full: FullRecord
    after: frozenset[RecordId] = frozenset()


def ancestry(archive: Archive, full: FullRecord, is_source: Callable[[Digest], bool]) -> list[Step]:
    """The result and all its ancestors that a run made, parents first. Raises NotRepeatable, StoreError.

    Nothing behind a source is looked for. A result never counts as its own ancestor: a node that copies what
    it reads has its parent's very bytes.
    """
    steps: dict[RecordId, Step] = {}
    on_path: dict[
        RecordId, list[FullRecord]
    ] = {}  # with the parents that are still to be gone into
    after: dict[RecordId, set[RecordId]] = {}
    path = [full]
    while path:
        one = path[-1]
        id = one.record.id
        if id not in on_path:
            on_path[id] = []
            digests = [d for m in action_of_record(one).parents.values() for d in m.values()]
            makers = (_maker(archive, d, on_path) for d in set(digests) if not is_source(d))
            on_path[id] = [found for found in makers if found is not None]
            after[id] = {found.record.id for found in on_path[id]}
        if on_path[id]:
            above = on_path[id].pop()
            if above.record.id not in steps and above.record.id not in on_path:
                path.append(above)
            continue
        del on_path[id]
        steps[id] = Step(one, frozenset(after[id] & steps.keys()))
        path.pop()
    return list(steps.values())


def _maker(
    archive: Archive, data: Digest, avoid: dict[RecordId, list[FullRecord]]
) -> FullRecord | None:
    """The result with these data: one that was run before one that was declared, then the earliest."""
    holders = (id for id in archive.store.holders(data) if id not in avoid)
    found = (full for id in holders if (full := read(archive, id)) is not None)
    makers = [full for full in found if full.record.slots.get("data") == data]
    return min(
        makers,
        key=lambda full: (full.record.standing is Standing.ASSERTED, full.record.made),
        default=None,
    )
