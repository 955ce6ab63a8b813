"""`builds/<id>.jsonl`: what became of the nodes that a build did not merely keep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from fusionpipe.build.state import DIRECTORY
from fusionpipe.events import BuildFinished, Event, NodeFinished, Outcome
from fusionpipe.journal import append_build


class EventLog:
    """Gathers the lines of one build, and writes them when it is over."""

    def __init__(self, root: Path, id: str, started_ns: int, command: Sequence[str]) -> None:
        self._root = root
        self._id = id
        self._started_ns = started_ns
        self._command = command
        self._lines: list[str] = []

    def add(self, event: Event) -> None:
        """Takes an event; most are not kept."""
        if isinstance(event, NodeFinished) and event.outcome is not Outcome.KEPT:
            fields = {
                "node": event.node,
                "outcome": event.outcome,
                "reason": event.reason,
                "key": event.key,
                "data": event.data,
                "record": event.record,
                "seconds": round(event.seconds, 3),
            }
            self._lines.append(json.dumps(fields))

    def close(self, finished: BuildFinished) -> None:
        """Writes the build's file, if there is anything to tell, and its line. Raises OSError."""
        if self._lines:
            place = self._root / DIRECTORY / "builds"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{self._id}.jsonl").write_text("\n".join(self._lines) + "\n")
        counts = {
            outcome.value: count
            for outcome, count in (
                (Outcome.RAN, finished.ran),
                (Outcome.KEPT, finished.kept),
                (Outcome.RESTORED, finished.restored),
                (Outcome.FAILED, finished.failed),
                (Outcome.SKIPPED, finished.skipped),
            )
        }
        append_build(
            str(self._root),
            self._id,
            self._started_ns,
            finished.seconds,
            self._command,
            counts,
            is_interrupted=finished.is_interrupted,
        )
