"""`fp accept NODE --reason …`: a node's data declared valid for its present key."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.options import Directory, Json


def accept(
    node: Annotated[str, typer.Argument(help="The node.", autocompletion=complete_node)],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why its data are right.")] = "",
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Declare that a node's data are its result, though it changed since: a comment, a move, work by hand.

    Takes the linked data, or a data/ of your own. Who, when and why are shown with the result for ever.

    Exit code 0; 2 without a reason, for a group, or if there is nothing to accept; 3 if the project is invalid.

    Example: fp accept prep/clean --reason "only comments changed"
    """
    # imported here: it brings what builds need, which no other command's start should wait for
    from fusionpipe.build.accept import accept as accept_data
    from fusionpipe.cli.place import opened
    from fusionpipe.project import resolve_node, select
    from fusionpipe.report.accept import accepted_json, render_accepted

    with opened(directory) as (session, here):
        name = resolve_node(session.graph, node, here, is_exact=True)
        ancestors = select(session.graph, [f"/{name}"], here="")
        done = accept_data(session, name, ancestors, reason)
        for note in session.take_notes():
            sys.stderr.write(f"fp: {note}\n")
    if json:
        sys.stdout.write(f"{accepted_json(done)}\n")
    else:
        render_accepted(done, out=sys.stdout)
    return 0
