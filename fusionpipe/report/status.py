"""`fp status`: how every node stands, what needs attention first.

Renders what it is given; whoever gives the rows has looked at nodes and store. Never imports rich.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TextIO

from fusionpipe.model import NodeName
from fusionpipe.report.output import Ink, Output
from fusionpipe.report.words import counted, number

_FEW = 40  # nodes up to which all are shown
_WIDEST = 48  # columns: one very long name must not push every detail off the screen


class State(StrEnum):
    """How a node stands, what needs attention first (the order of the report)."""

    FAILED = "failed"
    MODIFIED = "modified by hand"
    STALE = "stale"
    NEVER_RUN = "never run"
    RESTORABLE = "restorable"  # the store has the result; a build links it
    SOURCE = "source"
    FRESH = "fresh"


_INK = {
    State.FAILED: Ink.BAD,
    State.MODIFIED: Ink.WARNING,
    State.STALE: Ink.WARNING,
    State.NEVER_RUN: Ink.WARNING,
    State.RESTORABLE: Ink.NEWS,
    State.SOURCE: Ink.FAINT,
    State.FRESH: Ink.GOOD,
}
_SETTLED = (State.SOURCE, State.FRESH)


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One node's standing. `detail` says why, in a few words; "" where there is nothing to say.

    `params_override` says that its linked result was made with `-p`.
    """

    node: NodeName
    state: State
    detail: str = ""
    params_override: bool = False


def all_fresh(rows: Sequence[StatusRow]) -> bool:
    """True when a build would have nothing to do: what `status --check` asks."""
    return all(row.state in _SETTLED and not row.params_override for row in rows)


def render_status(rows: Sequence[StatusRow], *, out: TextIO, colour: bool, verbose: bool) -> None:
    """Writes a line per node, by state and name, and a summary.

    In a project of more than a few nodes, those that are fresh are only counted unless verbose.
    """
    output = Output(out, colour=colour)
    is_full = verbose or len(rows) <= _FEW
    shown = [row for row in rows if is_full or not all_fresh([row])]
    order = list(State)
    shown.sort(key=lambda row: (order.index(row.state), row.node))
    lines = [*_row_lines(shown, output)]
    if lines:
        lines.append("")
    lines.append(output.paint(_summary(rows), Ink.STRONG))
    output.write("".join(f"{line}\n" for line in lines))


def render_status_json(rows: Sequence[StatusRow], *, out: TextIO) -> None:
    """Writes one JSON object: `nodes` by name, `counts` by state, `fresh`."""
    counts = Counter(row.state.value for row in rows)
    told = {
        "nodes": [asdict(row) for row in sorted(rows, key=lambda row: row.node)],
        "counts": {state.value: counts[state.value] for state in State},
        "fresh": all_fresh(rows),
    }
    Output(out, colour=False).line(json.dumps(told))


def _row_lines(rows: Sequence[StatusRow], output: Output) -> Iterator[str]:
    if not rows:
        return
    states = max(len(row.state) for row in rows)
    names = min(_WIDEST, max(len(row.node) for row in rows))
    for row in rows:
        state = output.paint(f"{row.state.value:<{states}}", _INK[row.state])
        detail = "; ".join(
            part for part in (row.detail, "made with -p" if row.params_override else "") if part
        )
        yield f"{state}  {row.node:<{names}}  {output.paint(detail, Ink.FAINT)}".rstrip()


def _summary(rows: Sequence[StatusRow]) -> str:
    if not rows:
        return "no nodes"
    counts = Counter(row.state for row in rows)
    parts = [_counted(state, counts[state]) for state in State if counts[state]]
    if all_fresh(rows):
        return f"all up to date: {', '.join(reversed(parts))}"
    return f"{counted(len(rows), 'node')}: {', '.join(parts)}"


def _counted(state: State, count: int) -> str:
    if state is State.SOURCE:
        return counted(count, "source")
    return f"{number(count)} {state.value}"
