"""`fp export REF FILE`: a result with all it needs, as one file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from fusionpipe.build.bundles import export as export_result
from fusionpipe.build.bundles import parents_of
from fusionpipe.build.refs import resolve
from fusionpipe.cli.complete import complete_ref
from fusionpipe.cli.found import tell_note
from fusionpipe.cli.here import here_of
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.errors import UsageError
from fusionpipe.report.bundles import export_json, tell_export
from fusionpipe.report.output import Output


def export(
    ref: Annotated[
        str, typer.Argument(help="The result: a node, or a hash.", autocompletion=complete_ref)
    ],
    file: Annotated[str, typer.Argument(help="The file to write, - for standard output.")],
    deep: Annotated[
        bool, typer.Option("--deep", help="With all it was made from, to reproduce it anywhere.")
    ] = False,
    no_data: Annotated[
        bool, typer.Option("--no-data", help="Without outputs: only what makes them.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Write a result into one file: its code, parameters, inputs, environment, log and data.

    `fp import` brings it into another project, `fp reproduce` runs it again there. The same result gives
    the same bytes. It names who made it, on which machine and when.

    Exit code 0; 2 if there is no such result, its bytes are gone or the file is there; 4 if some are damaged.

    Example: fp export plot plot.fpx --deep
    """
    here = here_of(directory)
    is_stream = file == "-"
    target = here / file
    if not is_stream:
        _refuse(target, force=force)
    with opened_archive(directory) as (archive, below):
        found = resolve(archive, ref, below)
        tell_note(found)
        to = sys.stdout.buffer if is_stream else target
        exported = export_result(archive, found.full, to, deep=deep, data=not no_data)
    told = sys.stderr if is_stream else sys.stdout
    if json:
        export_json(told, found.node, file, exported)
    else:
        is_cut_off = not deep and any(parents_of(found.full))
        out = Output(told, colour=False)
        tell_export(out, found.node or ref, file, exported, is_cut_off=is_cut_off)
    return 0


def _refuse(target: Path, *, force: bool) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"there is no directory {target.parent}")
    if target.is_dir():
        raise UsageError(f"{target} is a directory", "name the file to write")
    if os.path.lexists(target) and not force:
        raise UsageError(f"{target} is there already", "--force replaces it")
