"""`fp run`: a node by hand, on the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fusionpipe.build.byhand import run_node
from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.options import Directory, Params
from fusionpipe.cli.place import opened
from fusionpipe.project import resolve_node, select


def run(
    node: Annotated[str, typer.Argument(help="The node to run.", autocompletion=complete_node)],
    command: Annotated[
        list[str] | None, typer.Argument(help="Another command to run in its place, after --.")
    ] = None,
    param: Params = None,
    directory: Directory = None,
) -> int:
    """Run a node in its own directory, in the foreground: for a debugger, a notebook, a quick try.

    data/ and reports/ become empty real directories; nothing is stored. The next build keeps what they hold
    and links the stored result back.

    Exit code: the command's; 2 if it cannot be started.

    Example: fp run prep/clean -- python -m pdb main.py
    """
    with opened(directory, tuple(param or ())) as (session, here):
        name = resolve_node(session.graph, node, here)
        ancestors = [one for one in select(session.graph, [f"/{name}"], here="") if one != name]
        code = run_node(session, name, ancestors, tuple(command or ()))
        for note in session.notes:
            sys.stderr.write(f"fp: {note}\n")
    sys.stderr.write(
        f"fp: {name} exited with {code}; data/ holds what it wrote, until the next build\n"
    )
    return code
