"""`fp verify`: is what is stored what was stored."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from fusionpipe.build.verify import verify as look
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.report.verify import ProgressLine, render_verified, render_verified_json
from fusionpipe.settings import ambient, wants_colour
from fusionstore.findings import Progress

_DAMAGED = 4


def verify(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every stored byte, not only sizes and times.")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Set aside what is damaged, heal what is stored twice, reindex."
        ),
    ] = False,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Compare everything stored with what it is supposed to be, and this project's links with the store.

    Builds may go on meanwhile. Nothing is deleted: what is damaged goes to quarantine/ in the store.

    Exit code 0 if all is sound, or mended; 4 if something is damaged.

    Example: fp verify --deep --repair
    """
    began = time.monotonic()
    bar = ProgressLine(sys.stderr, began) if sys.stderr.isatty() and not json else None

    def tell(progress: Progress) -> None:
        if bar is not None:
            bar.tell(progress, time.monotonic())

    try:
        with opened_archive(directory) as (archive, _):
            verified = look(archive, tell, deep=deep, repair=repair)
    finally:
        if bar is not None:
            bar.clear()
    seconds = time.monotonic() - began
    if json:
        render_verified_json(verified, seconds=seconds, deep=deep, out=sys.stdout)
    else:
        colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
        render_verified(verified, seconds=seconds, deep=deep, out=sys.stdout, colour=colour)
    return 0 if verified.is_sound else _DAMAGED
