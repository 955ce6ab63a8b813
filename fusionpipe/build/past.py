"""The results that a node showed over time, as this checkout saw it: its journal, then its memory.

`node@{2}` counts in this list, `node@{yesterday}` looks into it, `fp history NODE` prints it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from fusionpipe.build.archive import Archive, read
from fusionpipe.history import lines_of
from fusionpipe.model import NodeName

_SHOWING = ("ran", "restored")


class Showing(NamedTuple):
    """A result that a node showed from `since` on (seconds since the epoch).

    `build` did it, with that outcome and for that reason; they are "" where the journal does not tell.
    """

    record: str
    since: float
    build: str = ""
    outcome: str = ""
    reason: str = ""
    seconds: float = 0.0


def showings(archive: Archive, node: NodeName) -> Iterator[Showing]:
    """What a node showed, latest first: the first is what it shows now, if it shows anything."""
    row = archive.state.row(node)
    seen: set[str] = set()
    last: Showing | None = None
    for one in chain(_present(archive, row.record), _told(archive, node)):
        if last is not None and last.record != one.record:
            # one that the journal lacks came after what the journal tells
            yield last._replace(since=max(last.since, one.since))
        last = one  # of one result linked again and again, the first time counts
        seen.add(one.record)
    if last is not None:
        yield last
    since = math.inf if last is None else last.since
    for record in row.recent:
        if record not in seen:  # older than the journal
            since = min(since, _made(archive, record))
            yield Showing(record, since)


def _present(archive: Archive, record: str) -> Iterator[Showing]:
    """What is linked now: the journal lacks it after a build that was killed, or once it is deleted."""
    if record:
        yield Showing(record, _made(archive, record))


def _told(archive: Archive, node: NodeName) -> Iterator[Showing]:
    for build, line in lines_of(archive.root, node):
        if line.outcome in _SHOWING and line.record:
            ended = build.started + build.seconds
            yield Showing(line.record, ended, build.build, line.outcome, line.reason, line.seconds)


def _made(archive: Archive, record: str) -> float:
    full = read(archive, record)
    return 0.0 if full is None else full.record.made
