"""`fp build`: the options, and over to `do_build`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fusionpipe.cli.complete import complete_target
from fusionpipe.cli.do_build import BuildOptions, do_build
from fusionpipe.cli.options import Directory, Json, Params, Quiet, Verbose


def build(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Nodes, groups or globs; NODE+ adds what depends on it. Default: all.",
            autocompletion=complete_target,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Tell what would happen, and do nothing.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, help="Nodes at once. Default: the cores.")
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("-k", "--keep-going", help="After a failure, run what does not need it.")
    ] = False,
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Run the targets even if a result is stored.")
    ] = False,
    check_reproducible: Annotated[
        bool,
        typer.Option(
            "--check-reproducible", help="Run each node once more, and compare what it gives."
        ),
    ] = False,
    param: Params = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Bring nodes up to date: run what has no result yet, link what has.

    Exit code 0; 1 if a node failed, or came out differently with --check-reproducible; 3 if the project is invalid; 4 if the store is unusable; 130 if
    interrupted.

    Example: fp build report -j4 -p prep/clean.limit=10
    """
    options = BuildOptions(
        tuple(targets or ()),
        dry_run,
        jobs,
        keep_going,
        force,
        tuple(param or ()),
        quiet,
        verbose,
        json,
        directory,
        check_reproducible,
    )
    return do_build(options, sys.argv[1:])
