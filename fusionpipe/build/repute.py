"""What is to be said of a result besides what it is: its pins, verdicts, rivals, and whether its bytes are there."""

from __future__ import annotations

from typing import NamedTuple

from fusionpipe.build.archive import Archive, is_gone
from fusionpipe.build.pins import Pin, pins
from fusionstore.contract import FullRecord, JsonObject, Standing


class Assertion(NamedTuple):
    """Nobody ran it: who declared it valid, and why."""

    user: str
    host: str
    made: float
    reason: str


class Verdict(NamedTuple):
    """What came of running a record's action again."""

    is_identical: bool
    user: str
    host: str
    made: float


class Repute(NamedTuple):
    """All that is said of one result."""

    pins: tuple[Pin, ...]
    verdicts: tuple[Verdict, ...]  # latest first
    assertion: Assertion | None
    standing: Standing
    is_gone: bool

    def to_json(self) -> JsonObject:
        """For programs."""
        return {
            "standing": self.standing.value,
            "bytes_gone": self.is_gone,
            "pins": [pin.name for pin in self.pins],
            "asserted": None if self.assertion is None else dict(self.assertion._asdict()),
            "verdicts": [dict(verdict._asdict()) for verdict in self.verdicts],
        }


class Reputes:
    """Tells of many results; what is the same for all is read once."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._pins: dict[str, list[Pin]] = {}
        for pin in pins(archive):
            self._pins.setdefault(pin.record, []).append(pin)

    def of(self, full: FullRecord) -> Repute:
        """What is said of one. Raises StoreError."""
        record = full.record
        return Repute(
            tuple(self._pins.get(record.id, ())),
            _verdicts(self._archive, record.id),
            _assertion(full) if record.standing is Standing.ASSERTED else None,
            record.standing,
            is_gone(self._archive, full),
        )


def _verdicts(archive: Archive, record: str) -> tuple[Verdict, ...]:
    bodies = [root.body for root in archive.store.roots(f"verdict-{record}-")]
    found = [
        Verdict(
            body.get("is_identical") is True,
            str(body.get("user") or ""),
            str(body.get("host") or ""),
            float(made) if isinstance(made := body.get("made"), int | float) else 0.0,
        )
        for body in bodies
    ]
    return tuple(sorted(found, key=lambda one: -one.made))


def _assertion(full: FullRecord) -> Assertion:
    body = full.body
    return Assertion(
        str(body.get("user") or ""),
        str(body.get("host") or ""),
        full.record.made,
        str(body.get("reason") or ""),
    )
