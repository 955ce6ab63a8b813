"""`fp checkout REF [DIR]`: a past result as plain files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionpipe.cli.complete import complete_ref
from fusionpipe.cli.here import here_of
from fusionpipe.cli.options import Directory, Json
from fusionpipe.errors import UsageError
from fusionpipe.settings import ambient, wants_colour

if TYPE_CHECKING:
    from fusionpipe.build.refs import Found

_SHORT = 8


def checkout(
    ref: Annotated[
        str,
        typer.Argument(
            help="The result: a node, or the hash of a key, record or tree.",
            autocompletion=complete_ref,
        ),
    ],
    place: Annotated[
        str | None, typer.Argument(metavar="DIR", help="Where to. Default: ./NODE-HASH.")
    ] = None,
    code: Annotated[bool, typer.Option("--code", help="The code that ran, not the data.")] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="The node as it was: code, data, reports, params, log, parents."
        ),
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Links into the store instead of copies.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Move aside what is at DIR (unchanged copies go).")
    ] = False,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Lay out a result as it was: plain, writable files, proven against their hashes, all or nothing.

    Exit code 0; 2 if there is no such result, its bytes are gone, or something is at DIR.

    Example: fp checkout prep/clean before --all
    """
    # imported here: it brings what builds need, which no other command's start should wait for
    from fusionpipe.build.checkout import Part
    from fusionpipe.build.checkout import checkout as check_out
    from fusionpipe.build.refs import resolve
    from fusionpipe.cli.found import tell_note
    from fusionpipe.cli.place import opened_archive
    from fusionpipe.report.checkout import checkout_json, render_checkout

    if code and everything:
        raise UsageError("--all has the code already: say one of --code and --all")
    part = Part.CODE if code else Part.ALL if everything else Part.DATA
    with opened_archive(directory) as (archive, here):
        found = resolve(archive, ref, here)
        tell_note(found)
        where = _place(here_of(directory), place, found)
        done = check_out(archive, found, where, part, is_linked=link, is_forced=force)
    if json:
        sys.stdout.write(f"{checkout_json(done)}\n")
    else:
        colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
        render_checkout(done, out=sys.stdout, colour=colour)
    return 0


def _place(here: Path, place: str | None, found: Found) -> Path:
    last = found.node.rpartition("/")[2] or "result"
    return Path(os.path.normpath(here / (place or f"{last}-{found.id[:_SHORT]}")))
