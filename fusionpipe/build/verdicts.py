"""Verdicts: whether a result came out the same when its recorded action was run again; who found that, when, where.

Each is a root of the store that names nothing (`verdict-<record>-<random>`): create-only, so that two who
reproduce at once both keep theirs, and it outlives the index and the result's own bytes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from fusionstore.contract import Json, JsonObject, ResultStore, Root
from fusionstore.digest import RecordId

_PREFIX = "verdict-"


class Verdict(NamedTuple):
    """What came of running a record's action again."""

    record: RecordId
    is_identical: bool
    made: float  # seconds since the epoch
    user: str
    host: str
    by: str  # the command: "fp reproduce", "fp build --check-reproducible"
    slots: dict[str, str]  # the trees that it wrote this time
    other: str = ""  # the record of this run, where it has one of its own
    surroundings: tuple[str, ...] = ()  # what was not as it was then: another tool, other packages

    def to_json(self) -> JsonObject:
        """As it is kept, and told with `--json`."""
        slots: JsonObject = dict(self.slots)
        surroundings: list[Json] = list(self.surroundings)
        return {**self._asdict(), "slots": slots, "surroundings": surroundings}


def write_verdict(store: ResultStore, verdict: Verdict) -> None:
    """Keeps a verdict, durably. Raises StoreError."""
    name = f"{_PREFIX}{verdict.record}-{os.urandom(8).hex()}"
    store.write_root(Root(name, body=verdict.to_json()))


def verdicts_of(store: ResultStore, record: RecordId) -> Sequence[Verdict]:
    """The verdicts on a record, latest first. Reads those alone."""
    found = (_verdict(root.body) for root in store.roots(f"{_PREFIX}{record}-"))
    return sorted((one for one in found if one is not None), key=lambda one: -one.made)


def _verdict(body: JsonObject) -> Verdict | None:
    """None for what a newer fusionpipe wrote in another way."""
    record, made, slots = body.get("record"), body.get("made"), body.get("slots")
    seen = body.get("surroundings")
    if not isinstance(record, str) or not isinstance(made, int | float):
        return None
    return Verdict(
        RecordId(record),
        body.get("is_identical") is True,
        float(made),
        str(body.get("user") or ""),
        str(body.get("host") or ""),
        str(body.get("by") or ""),
        {name: str(tree) for name, tree in slots.items()} if isinstance(slots, dict) else {},
        str(body.get("other") or ""),
        tuple(map(str, seen)) if isinstance(seen, list) else (),
    )
