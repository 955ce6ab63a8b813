"""`fp new`: makes a node."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from fusionpipe import scaffold
from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.here import here_of
from fusionpipe.cli.options import Directory
from fusionpipe.project import find_root
from fusionpipe.report.output import Output


class Lang(StrEnum):
    """The languages a new node can start in, by the suffix of its entry."""

    PY = "py"
    SH = "sh"
    R = "R"
    JL = "jl"
    M = "m"


def new(
    name: Annotated[str, typer.Argument(help="The node's path from here: clean, prep/clean.")],
    parent: Annotated[
        list[str] | None,
        typer.Option("--parent", help="A node it reads. Repeatable.", autocompletion=complete_node),
    ] = None,
    lang: Annotated[
        Lang, typer.Option("--lang", help="What its main file is written in.")
    ] = Lang.PY,
    from_script: Annotated[
        str | None,
        typer.Option("--from", metavar="SCRIPT", help="An existing script; it stays put."),
    ] = None,
    directory: Directory = None,
) -> int:
    """Make a node that runs right away: it reads its parents and writes data/.

    With --from an existing script becomes a node without moving; paths in it that leave the node are listed.

    Exit code 0; 2 for a bad or taken name.

    Example: fp new clean --parent load
    """
    here = here_of(directory)
    root = find_root(here)
    below = os.path.relpath(here / name, root)
    script = None if from_script is None else os.path.relpath(here / from_script, root)
    made = scaffold.new_node(
        root, below, parents=tuple(parent or ()), language=lang.value, from_script=script
    )
    out = Output(sys.stdout, colour=False)
    for file in made.files:
        out.line(f"made {file}")
    for note in made.notes:
        out.line(note)
    return 0
