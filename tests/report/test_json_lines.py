"""`--json`: a public format, pinned whole."""

from __future__ import annotations

import json
from io import StringIO

from fusionpipe.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Interrupting,
    NodeFinished,
    NodeStarted,
    NodeWaiting,
    Notice,
    Outcome,
    SourceHashing,
)
from fusionpipe.model import NodeName
from fusionpipe.report.json_lines import JsonReport

FIT = NodeName("größe/fit")

EVENTS: tuple[Event, ...] = (
    BuildStarted("b1", nodes=2, jobs=4, at=100.5),
    SourceHashing(NodeName("raw"), 5, 20),
    NodeStarted(FIT, "new", 101.0, expected=2.5, left=9.0),
    NodeWaiting(NodeName("shared")),
    NodeFinished(
        FIT,
        Outcome.FAILED,
        'exit "1"',
        key="ab12",
        data="größe/fit/data",
        seconds=1.25,
        log="größe/fit/logs.txt",
        tail=("line\n", "\udcff"),
        rerun="r",
        hint="h",
        record="r1",
    ),
    Notice("stray", node=FIT),
    Interrupting(3),
    BuildFinished("b1", 1, 2, 3, 4, 5, 6.5, 7.5, store_bytes=8),
)

EXPECTED = r"""
{"event": "build_started", "build": "b1", "nodes": 2, "jobs": 4, "at": 100.5}
{"event": "source_hashing", "node": "raw", "done": 5, "total": 20}
{"event": "node_started", "node": "gr\u00f6\u00dfe/fit", "reason": "new", "at": 101.0, "expected": 2.5, "left": 9.0}
{"event": "node_waiting", "node": "shared"}
{"event": "node_finished", "node": "gr\u00f6\u00dfe/fit", "outcome": "failed", "reason": "exit \"1\"", "key": "ab12", "data": "gr\u00f6\u00dfe/fit/data", "seconds": 1.25, "log": "gr\u00f6\u00dfe/fit/logs.txt", "tail": ["line\n", "\udcff"], "rerun": "r", "hint": "h", "record": "r1"}
{"event": "notice", "text": "stray", "node": "gr\u00f6\u00dfe/fit", "is_warning": true}
{"event": "interrupting", "running": 3}
{"event": "build_finished", "build": "b1", "ran": 1, "kept": 2, "restored": 3, "failed": 4, "skipped": 5, "seconds": 6.5, "saved": 7.5, "is_interrupted": false, "store_bytes": 8, "store_grown": null, "free_bytes": null, "disk_bytes": null}
"""


def test_every_event_is_a_line_of_json_with_its_name_first() -> None:
    out = StringIO()
    report = JsonReport(out)
    for event in EVENTS:
        report(event)
    report.close()
    assert EXPECTED.lstrip() == out.getvalue()
    assert len(EVENTS) == len([json.loads(line) for line in out.getvalue().splitlines()])


class Flushing(StringIO):
    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


def test_each_line_is_flushed_at_once() -> None:
    out = Flushing()
    JsonReport(out)(Interrupting(3))
    assert '{"event": "interrupting", "running": 3}\n' == out.flushed
