"""`fp status`, without Typer: how every node stands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

from fusionpipe.cli.place import opened
from fusionpipe.settings import ambient, wants_colour


class StatusOptions(NamedTuple):
    """What `fp status` was told."""

    targets: Sequence[str] = ()
    check: bool = False
    verbose: bool = False
    json: bool = False
    directory: str | None = None


def do_status(options: StatusOptions) -> int:
    """Prints each node's state; 0, or 1 with `check` unless all are fresh."""
    from fusionpipe.cli.states import status_rows
    from fusionpipe.project import select
    from fusionpipe.report.status import all_fresh, render_status, render_status_json

    with opened(options.directory) as (session, here):
        nodes = select(session.graph, options.targets, here=here)
        rows = status_rows(session, nodes)
    if options.json:
        render_status_json(rows, out=sys.stdout)
    else:
        colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
        render_status(rows, out=sys.stdout, colour=colour, verbose=options.verbose)
    return 1 if options.check and not all_fresh(rows) else 0
