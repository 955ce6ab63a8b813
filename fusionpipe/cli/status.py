"""`fp status`: the options, and over to `do_status`."""

from __future__ import annotations

from typing import Annotated

import typer

from fusionpipe.cli.complete import complete_target
from fusionpipe.cli.do_status import StatusOptions, do_status
from fusionpipe.cli.options import Directory, Json, Verbose


def status(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Nodes, groups or globs. Default: all.", autocompletion=complete_target
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 unless all are fresh.")
    ] = False,
    verbose: Verbose = False,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Show how every node stands: fresh, stale and why, failed, restorable, never run.

    Exit code 0; with --check 1 unless all are fresh.

    Example: fp status --check
    """
    return do_status(StatusOptions(tuple(targets or ()), check, verbose, json, directory))
