"""Shell completion of node names. On every press of the tab key: reads names only, opens no node's file.

Never fails and never writes: where there is no project, or a broken one, there is nothing to offer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path

import typer

from fusionpipe.build.archive import Archive, open_archive
from fusionpipe.build.naming import node_named
from fusionpipe.build.past import showings
from fusionpipe.build.pins import pins
from fusionpipe.build.state import DIRECTORY, State
from fusionpipe.errors import FusionpipeError, UsageError
from fusionpipe.project import find_root, names_in
from fusionpipe.settings import ambient
from fusionpipe.workspace import Workspace
from fusionstore.errors import StoreError

_MOST = 30


def complete_node(context: typer.Context, incomplete: str) -> list[str]:
    """The nodes that begin like the word typed so far."""
    return sorted(_matching(_place(context), incomplete, with_groups=False))


def complete_ref(context: typer.Context, incomplete: str) -> list[str]:
    """The nodes and pins that begin so; behind `node@{` its latest results, by number."""
    if "@{" in incomplete:
        return _numbers(_place(context), incomplete)
    return sorted({*complete_node(context, incomplete), *complete_pin(context, incomplete)})


def complete_pin(context: typer.Context, incomplete: str) -> list[str]:
    """The pins that begin so."""
    with _archive(_place(context)) as archive:
        names = [] if archive is None else [one.name for one in pins(archive)]
    return sorted(name for name in names if name.startswith(incomplete))


def _numbers(place: Path, incomplete: str) -> list[str]:
    word = incomplete.partition("@{")[0]
    with _archive(place) as archive:
        if archive is None:
            return []
        here = os.path.relpath(place, archive.root)
        try:
            node = node_named(archive, word, "" if here == "." else here)
        except UsageError:
            return []
        count = sum(1 for _ in islice(showings(archive, node), _MOST))
    offered = (f"{word}@{{{number}}}" for number in range(count))
    return [one for one in offered if one.startswith(incomplete)]


@contextmanager
def _archive(place: Path) -> Iterator[Archive | None]:
    """The project's past, None where it cannot be opened or there is none: a store is not made for a tab key."""
    archive: Archive | None = None
    with ExitStack() as stack, suppress(FusionpipeError, StoreError, OSError):
        root = find_root(place)
        if (root / DIRECTORY / "builds.jsonl").exists():
            archive = stack.enter_context(open_archive(root, ambient()))
        yield archive
        return
    yield None


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
