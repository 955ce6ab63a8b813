"""`fp link`: the generated links, without running anything."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fusionpipe.build.relink import relink
from fusionpipe.cli.complete import complete_target
from fusionpipe.cli.options import Directory
from fusionpipe.cli.place import opened
from fusionpipe.project import select
from fusionpipe.report.output import Output
from fusionpipe.report.words import counted


def link(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Nodes, groups or globs. Default: all.", autocompletion=complete_target
        ),
    ] = None,
    directory: Directory = None,
) -> int:
    """Make all generated links (parents/, inputs/, libs/, params.json, stored data/); run nothing.

    Exit code 0.

    Example: fp link && python prep/clean/code/main.py
    """
    with opened(directory) as (session, here):
        nodes = select(session.graph, tuple(targets or ()), here=here)
        linked, without = relink(session, nodes)
    out = Output(sys.stdout, colour=False)
    out.line(f"linked {counted(linked, 'node')}")
    if without:
        out.line(f"no stored result yet for {counted(without, 'node')}: fp build")
    return 0
