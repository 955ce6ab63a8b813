"""What `fp gc` did, or would do: the sum first, then which nodes it concerns, then what is to be known."""

from __future__ import annotations

import json

from fusionpipe.build.collect import PATIENCE, Freed, Missing, NodeShare
from fusionpipe.report.output import Ink, Output
from fusionpipe.report.words import ago, counted, duration, number, size

_SHOWN = 10
_LATELY = "needed lately: in the last hour, or by a command that runs; such results always stay"


def tell_freed(freed: Freed, out: Output, *, dry_run: bool, now: float) -> None:
    """Writes it for people."""
    verb = "would free" if dry_run else "freed"
    if not freed.results and not freed.bytes:
        out.line(f"nothing to free: the store has {size(freed.before)}")
    else:
        back = f"{duration(freed.seconds)} of computing to get them back"
        out.line(
            out.paint(f"{verb} {size(freed.bytes)} of {size(freed.before)}", Ink.STRONG)
            + f": {counted(freed.results, 'result')}"
            + (f", {back}" if freed.results else " (leftovers that no result names)")
        )
    _tell_nodes(freed.nodes, out)
    out.line(_kept(freed))
    if freed.young:
        out.line(f"  {_LATELY}")
    if freed.unrepeatable:
        one = freed.unrepeatable == 1
        out.line(
            f"{counted(freed.unrepeatable, 'kept result')} can be repeated only after "
            f"{'its' if one else 'their'} parents run again (fp reproduce --deep)"
        )
    for missing in freed.missing:
        _tell_missing(missing, out, now)


def as_json(freed: Freed, *, dry_run: bool) -> str:
    """One JSON object, on a line."""
    told = {
        **freed._asdict(),
        "dry_run": dry_run,
        "nodes": [share._asdict() for share in freed.nodes],
        "missing": [one._asdict() for one in freed.missing],
    }
    return json.dumps(told) + "\n"


def _tell_nodes(nodes: tuple[NodeShare, ...], out: Output) -> None:
    rows = [
        (number(one.results), size(one.bytes), duration(one.seconds), one.node)
        for one in nodes[:_SHOWN]
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        figures = (text.rjust(width) for text, width in zip(row, widths, strict=False))
        out.line("  " + "  ".join(figures), row[3])
    if len(nodes) > _SHOWN:
        out.line(f"  … and {counted(len(nodes) - _SHOWN, 'node')} more")


def _kept(freed: Freed) -> str:
    parts = []
    if freed.rooted:
        parts.append(f"{number(freed.rooted)} linked, chosen or pinned")
    if freed.young:
        parts.append(f"{number(freed.young)} needed lately")
    return f"kept {counted(freed.kept, 'result')}" + (f" ({', '.join(parts)})" if parts else "")


def _tell_missing(missing: Missing, out: Output, now: float) -> None:
    text = f"the project {missing.path} was not found (first missed {ago(missing.since, now)}); it keeps "
    text += counted(missing.records, "result")
    if now - missing.since >= PATIENCE:
        text += f"\n  if it is gone for good: fp gc --forget {missing.id}"
    out.line(out.paint(text, Ink.WARNING))
