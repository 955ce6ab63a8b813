"""What `fp doctor` prints: a line for each look, and under what is not well what to do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from fusionpipe.build.machine import Check, Standing
from fusionpipe.report.output import Ink, Output
from fusionpipe.report.words import counted

_INK = {Standing.OK: Ink.GOOD, Standing.WARNING: Ink.WARNING, Standing.PROBLEM: Ink.BAD}
_NAMES = 14  # columns: the longest name of a check


def render_check(check: Check, *, out: TextIO, colour: bool) -> None:
    """Writes one check, as soon as it is made."""
    output = Output(out, colour=colour)
    word = output.paint(f"{check.standing.value:<7}", _INK[check.standing])
    lines = [f"{word}  {check.name:<{_NAMES}}  {check.what}"]
    if check.mend:
        lines.append(f"{'':<{7 + 2 + _NAMES + 2}}{output.paint(check.mend, Ink.STRONG)}")
    output.write("\n".join(lines) + "\n")


def render_summary(checks: Sequence[Check], *, out: TextIO, colour: bool) -> None:
    """Writes how it is in all."""
    output = Output(out, colour=colour)
    counts = Counter(check.standing for check in checks)
    problems, warnings = counts[Standing.PROBLEM], counts[Standing.WARNING]
    parts = [counted(problems, "problem")] if problems else []
    if warnings:
        parts.append(counted(warnings, "warning"))
    output.line(output.paint(", ".join(parts) or "all is well", Ink.STRONG))


def render_json(checks: Sequence[Check], *, out: TextIO) -> None:
    """Writes one JSON object."""
    told = {
        "checks": [{**check._asdict(), "standing": check.standing.value} for check in checks],
        "problems": sum(check.standing is Standing.PROBLEM for check in checks),
        "warnings": sum(check.standing is Standing.WARNING for check in checks),
    }
    Output(out, colour=False).line(json.dumps(told))
