"""What `fp checkout` laid out, in a few lines. Takes what is already decided; never imports rich."""

from __future__ import annotations

import json
import os
import time
from typing import TextIO

from fusionpipe.build.checkout import CheckedOut, Part
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import ago, counted, size

_WHAT = {Part.DATA: "", Part.CODE: "code of ", Part.ALL: ""}


def render_checkout(done: CheckedOut, *, out: TextIO, colour: bool) -> None:
    """One line, and one for each thing that is not as might be thought."""
    output = Output(out, colour=colour)
    record = done.found.full.record
    made = f"made {ago(record.made, time.time())}" if record.made else ""
    amount = f"{counted(done.files, 'file')}, {size(done.size)}"
    place = output.paint(shown(os.path.relpath(done.place)), Ink.STRONG)
    what = f"{_WHAT[done.part]}{done.found.node or 'a result'}"
    output.line(place, f"{what} {record.id[:12]}", amount, made)
    if done.is_linked:
        output.line("  links into the store: do not write there; fp pin keeps it from clean-ups")
    if done.is_node_here:
        output.line("  it is a node of this project now: name its parents in its node.toml")
    for missing in done.missing:
        output.line(output.paint(f"  not there: {shown(missing)}", Ink.WARNING))
    if done.aside is not None:
        output.line(output.paint(f"  what was there is now {shown(str(done.aside))}", Ink.WARNING))


def checkout_json(done: CheckedOut) -> str:
    """One JSON object."""
    record = done.found.full.record
    told = {
        "node": done.found.node,
        "record": record.id,
        "key": record.key,
        "part": done.part.value,
        "place": str(done.place),
        "files": done.files,
        "bytes": done.size,
        "linked": done.is_linked,
        "missing": list(done.missing),
        "aside": None if done.aside is None else str(done.aside),
    }
    return json.dumps(told)
