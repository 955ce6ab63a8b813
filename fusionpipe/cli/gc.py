"""`fp gc`: lets go of results that nobody asks for any more, and says what they would cost to get back."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from fusionpipe.amounts import parse_age, parse_size
from fusionpipe.build.collect import PATIENCE, Freed, Missing, collect, forget, missing_projects
from fusionpipe.build.roots import follow_move
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.errors import UsageError
from fusionpipe.eviction import KEEP, Rules
from fusionpipe.report.gc import as_json, tell_freed
from fusionpipe.report.output import Output
from fusionpipe.settings import ambient, wants_colour
from fusionstore.store import Store


def gc(
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Show what would go; delete nothing.")
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep", metavar="N", min=0, help=f"Keep the last N results of each node ({KEEP})."
        ),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", metavar="AGE", help="Only what nobody needed for 30d, 12h, 2w."
        ),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size",
            metavar="SIZE",
            help="Until the store has 50G: what is idle, large and quickly made again goes first.",
        ),
    ] = None,
    forgotten: Annotated[
        list[str] | None,
        typer.Option("--forget", metavar="ID", help="A missing project whose results may go."),
    ] = None,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Delete stored results that nobody asks for any more.

    What any project links or chose, what is pinned, the user data that builds put aside, what running builds
    need and what was needed in the last hour stays, and so do the last results of each node. What a deleted
    result was is still told by history, show and why.

    Exit code 0; 2 for wrong usage, 4 if a pin or a project's list of results cannot be read: then nothing goes.

    Example: fp gc -n --older-than 30d
    """
    rules = Rules(keep, _age(older_than), _size(max_size))
    if dry_run and forgotten:
        raise UsageError("-n deletes nothing and forgets nothing", "leave out -n, or --forget")
    with opened_archive(directory) as (archive, _):
        store = archive.store
        follow_move(archive.root, store)
        for id in forgotten or ():
            forget(store, id)
        if not dry_run and not json:
            _ask_for_missing(store)
        freed = collect(store, rules, dry_run=dry_run)
    _tell(freed, dry_run=dry_run, json=json)
    return 0


def _tell(freed: Freed, *, dry_run: bool, json: bool) -> None:
    is_terminal = sys.stdout.isatty()
    colour = wants_colour(ambient(), is_terminal=is_terminal)
    out = Output(sys.stdout, colour=colour and not json)
    if json:
        out.write(as_json(freed, dry_run=dry_run))
    else:
        tell_freed(freed, out, dry_run=dry_run, now=time.time())


def _ask_for_missing(store: Store) -> None:
    """On a terminal, projects that are away for long can be forgotten at once."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    now = time.time()
    for one in list(missing_projects(store, now)):
        if now - one.since >= PATIENCE and typer.confirm(_question(one), default=False):
            forget(store, one.id)


def _question(one: Missing) -> str:
    return f"The project in {one.path} is gone for 30 days. Let go of its {one.records} results?"


def _age(text: str | None) -> float | None:
    if text is None:
        return None
    age = parse_age(text)
    if age is None:
        raise UsageError(f"--older-than {text} is no age", "write 30d, 12h, 2w or 90m")
    return age


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    size = parse_size(text)
    if size is None:
        raise UsageError(f"--max-size {text} is no size", "write 50G, 1.5T or 500M")
    return size
