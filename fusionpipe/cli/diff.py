"""`fp diff A B`: how two results, or two builds, differ."""

from __future__ import annotations

from typing import Annotated

import typer

from fusionpipe.cli.complete import complete_ref
from fusionpipe.cli.options import Directory, Json

_Ref = "a node, node@{1}, a pin, a hash, or a build's id"


def diff(
    old: Annotated[
        str,
        typer.Argument(metavar="A", help=f"The earlier: {_Ref}.", autocompletion=complete_ref),
    ],
    new: Annotated[
        str, typer.Argument(metavar="B", help="The later, likewise.", autocompletion=complete_ref)
    ],
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH…",
            help="Only these files: code/main.py, data/x.csv, or x.csv of the data.",
        ),
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Only data and reports.")] = False,
    code: Annotated[bool, typer.Option("--code", help="Only code and libs.")] = False,
    params: Annotated[bool, typer.Option("--params", help="Only parameters.")] = False,
    stat: Annotated[bool, typer.Option("--stat", help="A line for each file.")] = False,
    name_only: Annotated[bool, typer.Option("--name-only", help="Only names of files.")] = False,
    full: Annotated[bool, typer.Option("--full", help="All of it, however much it is.")] = False,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key", metavar="COL", help="The column that names a table's rows. Repeatable."
        ),
    ] = None,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Compare two results: parameters, code, parents, environment, and data file by file.

    Text by line, CSV and TSV by rows and columns, JSON by path, the rest by size; builds by node.

    Exit code 0 if they are equal, 1 if they differ; 2 if one is not known.

    Example: fp diff train@{1} train metrics.csv
    """
    # here for start-up: all that compares is of no use to the other commands
    from fusionpipe.cli.do_diff import DiffOptions, do_diff

    options = DiffOptions(
        paths=paths or (),
        data=data,
        code=code,
        params=params,
        stat=stat,
        name_only=name_only,
        full=full,
        key=key or (),
        json=json,
        directory=directory,
    )
    return do_diff(old, new, options)
