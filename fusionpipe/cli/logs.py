"""`fp logs`: the log of a node's last run, or of the one that runs now."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.options import Directory
from fusionpipe.cli.place import opened
from fusionpipe.errors import UsageError
from fusionpipe.project import resolve_node

_EVERY = 0.2

_Shown = Callable[[bytes], bytes]


def logs(
    node: Annotated[str, typer.Argument(help="The node.", autocompletion=complete_node)],
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on printing as the log grows, until Ctrl-C.")
    ] = False,
    path: Annotated[bool, typer.Option("--path", help="Only tell where the log is.")] = False,
    directory: Directory = None,
) -> int:
    """Print a node's log. Paths of its run are shown as the node's own.

    The log of a past result: fp show 'prep/clean@{2}' --log.

    Exit code 0; 2 if there is no such node or it has no log.

    Example: fp logs -f prep/clean
    """
    with opened(directory) as (session, here):
        name = resolve_node(session.graph, node, here)
        if session.graph.nodes[name].source is not None:
            raise UsageError(f"{name} is a source: nothing runs, so it has no log")
        log = session.root / name / "logs.txt"
        shown = users_paths(session.store.path, name)
    if path:
        sys.stdout.write(f"{os.path.realpath(log)}\n")
        return 0
    if follow:
        return _follow(log, shown)
    if not log.exists():
        raise UsageError(f"{name} has no log yet", f"fp build {name}")
    _print(log, 0, shown)
    return 0


def users_paths(store: Path, node: str) -> _Shown:
    """Replaces run directories in a log by the node's; they are gone, or not what the user edits."""
    run = re.compile(re.escape(os.fsencode(store / "tmp")) + rb"/[0-9a-f-]+/\d+(?=/)")
    return lambda text: run.sub(lambda _: os.fsencode(node), text)


def _follow(log: Path, shown: _Shown) -> int:
    """Prints what is there and what comes, from the beginning when another run's log takes its place."""
    at, file = 0, 0
    while True:
        try:
            status = os.stat(log)
        except FileNotFoundError:
            time.sleep(_EVERY)
            continue
        if status.st_ino != file:
            at, file = (0 if file == 0 or status.st_size < at else at), status.st_ino
        if status.st_size > at:
            at = _print(log, at, shown)
        else:
            time.sleep(_EVERY)


def _print(log: Path, at: int, shown: _Shown) -> int:
    """Prints a log from a byte on; how far it came."""
    with open(log, "rb") as file:
        file.seek(at)
        while data := file.read(1 << 16):
            sys.stdout.buffer.write(shown(data))
        sys.stdout.buffer.flush()
        return file.tell()
