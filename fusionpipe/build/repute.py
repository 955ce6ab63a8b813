"""What is to be said of a result besides what it is: its pins, verdicts, rivals, and whether its bytes are there."""

from __future__ import annotations

from typing import NamedTuple

from fusionpipe.build.archive import Archive, is_gone
from fusionpipe.build.assertion import Assertion, assertion_of
from fusionpipe.build.pins import Pin, pins
from fusionpipe.build.verdicts import Verdict, verdicts_of
from fusionstore.contract import FullRecord, JsonObject, Standing


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
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
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
            tuple(verdicts_of(self._archive.store, record.id)),
            assertion_of(full),
            record.standing,
            is_gone(self._archive, full),
        )
