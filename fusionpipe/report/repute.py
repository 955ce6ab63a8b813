"""What is said of a result besides what it is, in sentences: for `fp history` and `fp show`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from fusionpipe.build.repute import Repute
from fusionpipe.report.output import Ink, shown
from fusionpipe.report.words import ago
from fusionstore.contract import FullRecord, Standing

_TIMES = {1: "", 2: "twice "}


def repute_lines(full: FullRecord, repute: Repute, now: float) -> Iterator[tuple[str, Ink]]:
    """Each thing to be said, and in which ink; nothing of a plain result."""
    for pin in repute.pins:
        note = f": {pin.note}" if pin.note else ""
        yield shown(f"pinned as {pin.name}{note}"), Ink.NEWS
    if repute.assertion is not None:
        told = repute.assertion
        when = ago(told.made, now)
        yield (
            shown(f"asserted by {told.user} on {told.host}, {when}: {told.reason}"),
            Ink.WARNING,
        )
    if repute.standing is Standing.DISAGREES:
        yield "not reproducible: differs from the first result of its key", Ink.WARNING
    if repute.standing is Standing.IMPORTED:
        yield _imported(repute), Ink.WARNING
    yield from _verdict_lines(repute, now)
    if repute.is_gone:
        yield f"bytes gone; fp reproduce --deep {full.record.id[:12]} makes them again", Ink.WARNING


def _imported(repute: Repute) -> str:
    if any(verdict.is_identical for verdict in repute.verdicts):
        return "imported"
    return "imported, not reproduced here: no build uses it"


def _verdict_lines(repute: Repute, now: float) -> Iterator[tuple[str, Ink]]:
    """The latest verdict on each host and of each kind, with how often."""
    ordered = sorted(repute.verdicts, key=lambda one: (one.is_identical, one.host))
    for (is_identical, host), group in groupby(
        ordered, key=lambda one: (one.is_identical, one.host)
    ):
        same = sorted(group, key=lambda one: -one.made)
        often = _TIMES.get(len(same), f"{len(same)} times ")
        who = f"{often}by {same[0].user} on {host}, {ago(same[0].made, now)}"
        if is_identical:
            yield shown(f"reproduced {who}"), Ink.GOOD
        else:
            yield shown(f"run again with other bytes {who}"), Ink.WARNING
