"""What happened, kept as lines: one a build in `builds.jsonl`, one a node in `builds/<id>.jsonl`.

Only appended to, by one write each. The no-op writes here too, so nothing heavy is imported.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from fusionpipe.build.state import DIRECTORY
from fusionpipe.events import BuildFinished, Event, NodeFinished, Outcome


def note_no_op(root: Path, nodes: int, seconds: float, command: Sequence[str]) -> str:
    """Appends the line of a build that had nothing to do; its id."""
    started = time.time_ns()
    id = new_id(started)
    finished = BuildFinished(id, 0, nodes, 0, 0, 0, seconds, 0.0)
    _append_line(root, _line(finished, command, started / 1e9))
    return id


class EventLog:
    """`builds/<id>.jsonl`: the nodes that were not merely kept; and one line in `builds.jsonl`."""

    def __init__(self, root: Path, id: str) -> None:
        self._root = root
        self._id = id
        self._lines: list[str] = []

    def add(self, event: Event) -> None:
        if isinstance(event, NodeFinished) and event.outcome is not Outcome.KEPT:
            fields = {
                "node": event.node,
                "outcome": event.outcome,
                "reason": event.reason,
                "key": event.key,
                "data": event.data,
                "seconds": round(event.seconds, 3),
            }
            self._lines.append(json.dumps(fields))

    def close(self, command: Sequence[str], started: float, finished: BuildFinished) -> None:
        if self._lines:
            place = self._root / DIRECTORY / "builds"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{self._id}.jsonl").write_text("\n".join(self._lines) + "\n")
        _append_line(self._root, _line(finished, command, started))


def _line(finished: BuildFinished, command: Sequence[str], started: float) -> str:
    fields = {
        "build": finished.build,
        "started": round(started, 3),
        "seconds": round(finished.seconds, 3),
        "command": list(command),
        "ran": finished.ran,
        "kept": finished.kept,
        "restored": finished.restored,
        "failed": finished.failed,
        "skipped": finished.skipped,
        "interrupted": finished.is_interrupted,
    }
    return json.dumps(fields) + "\n"


def _append_line(root: Path, line: str) -> None:
    """One write to a file opened for appending: lines of two builds never mix."""
    fd = os.open(
        root / DIRECTORY / "builds.jsonl",
        os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC,
        0o644,
    )
    try:
        os.write(fd, line.encode())
    finally:
        os.close(fd)


def new_id(started_ns: int) -> str:
    """A build's id: when it started, and enough chance for two in one second."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(started_ns / 1e9))
    return f"{stamp}-{secrets.token_hex(2)}"
