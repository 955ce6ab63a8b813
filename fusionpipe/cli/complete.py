"""Shell completion of node names. On every press of the tab key: reads names only, opens no node's file.

Never fails and never writes: where there is no project, or a broken one, there is nothing to offer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from fusionpipe.build.state import State
from fusionpipe.errors import FusionpipeError
from fusionpipe.project import find_root, names_in
from fusionpipe.workspace import Workspace


def complete_node(context: typer.Context, incomplete: str) -> list[str]:
    """The nodes that begin like the word typed so far."""
    return sorted(_matching(_place(context), incomplete, with_groups=False))


def complete_target(context: typer.Context, incomplete: str) -> list[str]:
    """The nodes and groups that do; a `+` before the word stays."""
    plus = "+" if incomplete.startswith("+") else ""
    words = _matching(_place(context), incomplete.removeprefix("+"), with_groups=True)
    return sorted(plus + word for word in words)


def _place(context: typer.Context) -> Path:
    """Where the command would work: -C may stand before the command or behind it."""
    place = os.getcwd()
    outer = context.parent
    for one in (outer, context):
        told = one.params.get("directory") if one is not None else None
        place = os.path.join(place, told or "")
    return Path(os.path.abspath(place))


def _matching(place: Path, incomplete: str, *, with_groups: bool) -> Iterator[str]:
    try:
        root = find_root(place)
        nodes, groups = names_in(Workspace(root, State.load(root).memory, lambda _: False))
    except (FusionpipeError, OSError):
        return
    here = os.path.relpath(place, root)
    for name in _seen_from(here, (*nodes, *groups) if with_groups else nodes):
        if name.startswith(incomplete):
            yield name


def _seen_from(here: str, names: Iterable[str]) -> Iterator[str]:
    """Names as they may be typed in `here`: below it the rest of the name, elsewhere all of it."""
    prefix = "" if here == "." else f"{here}/"
    for name in names:
        yield name.removeprefix(prefix)
