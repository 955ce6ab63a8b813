"""What is said when a node ends, a notice comes, or a build ends: the lines, whoever prints them.

Sentences only: nothing here writes. Never imports rich.
"""

from __future__ import annotations

from collections.abc import Iterator

from fusionpipe.events import (
    BuildFinished,
    Interrupting,
    NodeFinished,
    NodesKept,
    Notice,
    Outcome,
)
from fusionpipe.report.no_op import nothing_to_do
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import counted, duration, growth, number, size

_INK = {
    Outcome.RAN: Ink.GOOD,
    Outcome.RESTORED: Ink.NEWS,
    Outcome.KEPT: Ink.FAINT,
    Outcome.FAILED: Ink.BAD,
    Outcome.SKIPPED: Ink.WARNING,
}
_LOW_SPACE = 0.10  # of the disk: below this a build's next large output may be its last


def node_lines(event: NodeFinished, output: Output) -> Iterator[str]:
    """One line for a node that ended well or was skipped; for a failure all that helps to mend it."""
    label = output.paint(f"{event.outcome.value:<8}", _INK[event.outcome])
    parts = (label, event.node, _time(event), output.paint(event.reason, Ink.FAINT))
    if event.outcome is not Outcome.FAILED:
        yield "  ".join(part for part in parts if part)
        return
    head = (label, output.paint(event.node, Ink.STRONG), _time(event), event.reason)
    yield "  ".join(part for part in head if part)
    for line in event.tail:
        yield f"    {shown(line)}".rstrip()
    if event.hint:
        yield from _continued(f"  {output.paint('hint:', Ink.WARNING)}  ", event.hint)
    if event.log:
        yield f"  {output.paint('log:', Ink.FAINT)}   {event.log}"
    if event.rerun:
        yield f"  {output.paint('again:', Ink.FAINT)} {event.rerun}/rerun"


def kept_lines(event: NodesKept, output: Output) -> Iterator[str]:
    """One line for each node that was not looked at."""
    for node in event.nodes:
        yield from node_lines(NodeFinished(node, Outcome.KEPT, "unchanged"), output)


def notice_lines(event: Notice, output: Output) -> Iterator[str]:
    """`warning: NODE: text` or `note: NODE: text`, further lines indented."""
    if event.is_warning:
        label = output.paint("warning:", Ink.WARNING)
    else:
        label = output.paint("note:", Ink.FAINT)
    node = f"{event.node}: " if event.node is not None else ""
    yield from _continued(f"{label} {node}", event.text)


def interrupting_line(event: Interrupting) -> str:
    """What Ctrl-C did, and what another one would do."""
    if event.running == 0:
        return "stopping; Ctrl-C again to stop at once"
    return f"stopping {counted(event.running, 'running node')}; Ctrl-C again to stop at once"


def summary_line(event: BuildFinished) -> str:
    """The build in one line: `12 ran, 3 restored, 985 kept, 0 failed in 4.2 s, 3 h 12 m of work saved`."""
    if _had_nothing_to_do(event):
        return nothing_to_do(event.kept, event.seconds)
    parts = [
        f"{number(event.ran)} ran",
        f"{number(event.restored)} restored",
        f"{number(event.kept)} kept",
        f"{number(event.failed)} failed",
    ]
    if event.skipped:
        parts.append(f"{number(event.skipped)} skipped")
    text = f"{', '.join(parts)} in {duration(event.seconds)}"
    if event.saved >= 1:
        text += f", {duration(event.saved)} of work saved"
    return f"interrupted: {text}" if event.is_interrupted else text


def store_lines(event: BuildFinished, output: Output) -> Iterator[str]:
    """After a build that ran something: the store's size, and a warning when the disk is nearly full."""
    if event.store_bytes is None:
        return
    text = f"store {size(event.store_bytes)}"
    if event.store_grown is not None:
        text += f" ({growth(event.store_grown)})"
    if event.free_bytes is not None:
        text += f", {size(event.free_bytes)} free"
    yield output.paint(text, Ink.FAINT)
    if event.free_bytes is None or not event.disk_bytes:
        return
    if event.free_bytes / event.disk_bytes < _LOW_SPACE:
        percent = 100 * event.free_bytes // event.disk_bytes
        label = output.paint("warning:", Ink.WARNING)
        yield (
            f"{label} {percent} % of the store's disk is free ({size(event.free_bytes)} of "
            f"{size(event.disk_bytes)}); `fp gc` removes results that nothing needs"
        )


def finish_lines(event: BuildFinished, output: Output) -> Iterator[str]:
    """The end of a build: the store's line first, the summary last, where the eye rests."""
    yield from store_lines(event, output)
    ink = Ink.BAD if event.failed else Ink.WARNING if event.is_interrupted else Ink.STRONG
    yield output.paint(summary_line(event), ink)


def _had_nothing_to_do(event: BuildFinished) -> bool:
    did = event.ran or event.restored or event.failed or event.skipped
    return not did and not event.is_interrupted


def _time(event: NodeFinished) -> str:
    match event.outcome:
        case Outcome.RAN | Outcome.FAILED:
            return duration(event.seconds)
        case Outcome.RESTORED if event.seconds >= 1:
            return f"{duration(event.seconds)} saved"
        case _:
            return ""


def _continued(head: str, text: str) -> Iterator[str]:
    first, *rest = text.splitlines() or [""]
    yield head + first
    for line in rest:
        yield f"    {line}"
