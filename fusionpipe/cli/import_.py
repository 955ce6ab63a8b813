"""`fp import FILE`: brings in results that `fp export` wrote."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fusionpipe.build.bundles import Import, bring_in, open_bundle
from fusionpipe.build.record import Maker
from fusionpipe.cli.here import here_of
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.report.bundles import import_json, tell_import
from fusionpipe.report.output import Output


def import_(
    file: Annotated[str, typer.Argument(help="The bundle, - for standard input.")],
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Let builds use it unseen, where there is no result yet."),
    ] = False,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Bring in a bundle. Every byte is compared with its digest before anything is stored.

    Imported results answer for their hashes; no build uses them before they are reproduced here or trusted.
    They are kept until the import is unpinned.

    Exit code 0; 2 if there is no such file; 4 if the bundle is refused: then nothing of it is stored.

    Example: fp import plot.fpx
    """
    here = here_of(directory)
    with opened_archive(directory) as (archive, _):
        how = Import(file, trust, Maker.of_this_process(archive.ambient))
        if file == "-":
            imported = bring_in(archive.store, sys.stdin.buffer, how)
        else:
            with open_bundle(here / file) as source:
                imported = bring_in(archive.store, source, how)
    if json:
        import_json(sys.stdout, file, imported)
    else:
        tell_import(Output(sys.stdout, colour=False), file, imported)
    return 0


import_.__name__ = "import"  # the command's name, which no function can have by itself
