"""`fp pins`: the named results."""

from __future__ import annotations

import json as json_text
import sys
import time

from fusionpipe.build.pins import Pin, imports
from fusionpipe.build.pins import pins as all_pins
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import ago
from fusionpipe.settings import ambient, wants_colour


def pins(json: Json = False, directory: Directory = None) -> int:
    """List the pins of the store: results with a name, and imports, which no clean-up takes.

    Exit code 0.

    Example: fp pins --json
    """
    with opened_archive(directory) as (archive, _):
        found = [*all_pins(archive), *imports(archive)]
    if json:
        for one in found:
            sys.stdout.write(json_text.dumps(one._asdict()) + "\n")
        return 0
    colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
    _tell(found, Output(sys.stdout, colour=colour))
    return 0


def _tell(found: list[Pin], output: Output) -> None:
    if not found:
        output.line("nothing is pinned: fp pin REF NAME")
    names = max((len(one.name) for one in found), default=0)
    nodes = max((len(one.node) for one in found), default=0)
    for one in found:
        who = f"by {one.user}, {ago(one.at, time.time())}" if one.user else ""
        name = output.paint(f"{one.name:<{names}}", Ink.STRONG)
        rest = output.paint(shown("  ".join(part for part in (who, one.note) if part)), Ink.FAINT)
        output.line(name, one.record[:12], f"{one.node:<{nodes}}", rest)
