"""`fp history`: the builds, one build, or the results of one node over time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import Annotated, TypeVar

import typer

from fusionpipe.build.archive import Archive
from fusionpipe.build.naming import earlier_name, node_named, node_of_today, node_with_past
from fusionpipe.build.past import Happening, happenings
from fusionpipe.build.record import Maker
from fusionpipe.build.refs import is_hash, resolve
from fusionpipe.build.repute import Repute, Reputes
from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.found import tell_note
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.errors import UsageError
from fusionpipe.history import BuildLine, build_named, builds, nodes_of
from fusionpipe.model import NodeName
from fusionpipe.moments import FORMS, span_of
from fusionpipe.report.history import (
    Idle,
    Me,
    build_json,
    happening_json,
    render_build,
    render_builds,
    render_earlier,
    render_json,
    render_node,
    without_idle,
)
from fusionpipe.settings import ambient, wants_colour
from fusionstore.contract import FullRecord

_T = TypeVar("_T")


def history(
    node: Annotated[
        str | None,
        typer.Argument(
            help="A node, the hash of a result of it, or the id of a build. Default: all builds.",
            autocompletion=complete_node,
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("-n", "--number", min=0, help="How many lines at most; 0: all.")
    ] = 20,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help=f"Only what came later: {FORMS}."),
    ] = None,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """List the builds; or a node's results over time, with what changed between them.

    The number before a result can be used wherever a result is wanted: fp show 'prep/clean@{2}'.
    A node that was renamed says what it was called; its results from then are that name's history.
    A + behind a commit says that not all was committed.

    Exit code 0; 2 if there is no such node or build.

    Example: fp history prep/clean --since yesterday
    """
    now = time.time()
    after = _after(since, now)
    with opened_archive(directory) as (archive, here):
        colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
        who = Maker.of_this_process(archive.ambient)
        me = Me(who.user, who.host, now)
        if node is None:
            _tell_builds(archive, me, after, count, as_json=json, colour=colour)
        elif (build := build_named(archive.root, node)) is not None:
            _tell_build(archive, build, me, as_json=json, colour=colour)
        else:
            name = _node(archive, node, here)
            _tell_node(archive, name, me, after, count, as_json=json, colour=colour)
    return 0


def _node(archive: Archive, word: str, here: str) -> NodeName:
    """The node of that name, or whose result has that hash, though its bytes be gone."""
    if is_hash(word) and not (
        node_with_past(archive, word, here) or node_of_today(archive, word, here)
    ):
        found = resolve(archive, word, here)
        tell_note(found)
        return found.node
    return node_named(archive, word, here)


def _after(since: str | None, now: float) -> float:
    if since is None:
        return 0.0
    span = span_of(since, now)
    if span is None:
        raise UsageError(f"--since {since}: that is no time", f"as in: {FORMS}")
    return span.start


def _tell_builds(
    archive: Archive, me: Me, after: float, count: int, *, as_json: bool, colour: bool
) -> None:
    recent = takewhile(lambda one: one.started >= after, builds(archive.root))
    if as_json:
        root = archive.root
        told = (build_json(build, nodes_of(root, build.build)) for build in _first(recent, count))
        render_json(told, out=sys.stdout)
        return
    lines: Iterable[BuildLine | Idle] = _first(without_idle(recent), count)
    empty = "nothing was built since then" if after else "nothing was built here yet: fp build"
    render_builds(lines, me, empty=empty, out=sys.stdout, colour=colour)


def _tell_build(archive: Archive, build: BuildLine, me: Me, *, as_json: bool, colour: bool) -> None:
    nodes = list(nodes_of(archive.root, build.build))
    if as_json:
        render_json([build_json(build, nodes)], out=sys.stdout)
    else:
        render_build(build, nodes, me, out=sys.stdout, colour=colour)


def _tell_node(
    archive: Archive,
    node: NodeName,
    me: Me,
    after: float,
    count: int,
    *,
    as_json: bool,
    colour: bool,
) -> None:
    reputes = Reputes(archive)
    recent = takewhile(lambda one: one.at >= after, happenings(archive, node))
    oldest: FullRecord | None = None

    def results() -> Iterator[tuple[Happening, Repute | None]]:
        nonlocal oldest
        for one in _first(recent, count):
            oldest = one.full or oldest
            yield one, _repute(reputes, one)

    told = results()
    if as_json:
        render_json((happening_json(node, *one) for one in told), out=sys.stdout)
        return
    empty = f"nothing ran or was restored: fp build {node}"
    if archive.state.row(node).source:
        empty = "a source: its data are its own, nothing made them"
    elif after:
        empty = "nothing ran or was restored since then"
    render_node(node, told, me, empty=empty, out=sys.stdout, colour=colour)
    if (earlier := earlier_name(archive, node, oldest)) is not None:
        render_earlier(earlier, out=sys.stdout, colour=colour)


def _repute(reputes: Reputes, one: Happening) -> Repute | None:
    return None if one.full is None else reputes.of(one.full)


def _first(lines: Iterator[_T], count: int) -> Iterator[_T]:
    return islice(lines, count) if count else lines
