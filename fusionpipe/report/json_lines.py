"""`--json`: every event as one JSON object on a line of its own, `event` first, flushed at once.

A public format: names are kept, fields may be added. ASCII only, so that no locale can break it.
"""

from __future__ import annotations

import json
from typing import TextIO

from fusionpipe.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Interrupting,
    NodeFinished,
    NodesKept,
    NodeStarted,
    NodeWaiting,
    Notice,
    SourceHashing,
)
from fusionpipe.report.output import Output

_NAMES: dict[type[Event], str] = {
    BuildStarted: "build_started",
    SourceHashing: "source_hashing",
    NodeStarted: "node_started",
    NodeWaiting: "node_waiting",
    NodeFinished: "node_finished",
    NodesKept: "nodes_kept",
    Notice: "notice",
    Interrupting: "interrupting",
    BuildFinished: "build_finished",
}


class JsonReport:
    """Prints events as JSON lines. The fields are those of the event, by name."""

    def __init__(self, out: TextIO) -> None:
        self._output = Output(out, colour=False)

    def __call__(self, event: Event) -> None:
        told = {"event": _NAMES[type(event)]}
        told |= event._asdict()
        self._output.write(json.dumps(told) + "\n")

    def close(self) -> None:
        """Nothing is held back, so there is nothing to do."""
