"""`fp history`: builds, what one build did, and the results of one node; a line each, for people or as JSON.

Takes what is already decided. Never imports rich.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from fusionpipe.build.past import Happening
from fusionpipe.build.repute import Repute
from fusionpipe.explain import summary
from fusionpipe.history import BuildLine, NodeLine
from fusionpipe.model import NodeName
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.repute import repute_lines
from fusionpipe.report.words import ago, duration, number
from fusionstore.contract import JsonObject

_INK = {"failed": Ink.BAD, "ran": Ink.GOOD, "restored": Ink.NEWS, "skipped": Ink.FAINT}
_HASH = 12
_COMMIT = 8
_CHANGES = 3
_WIDEST = 40


class Me(NamedTuple):
    """Who looks, and when: what is usual need not be said of every line."""

    user: str
    host: str
    now: float


# -- builds ---------------------------------------------------------------------------------
class Idle(NamedTuple):
    """Builds in a row that had nothing to do: the latest, and how many."""

    latest: BuildLine
    times: int


def without_idle(builds: Iterable[BuildLine]) -> Iterator[BuildLine | Idle]:
    """Builds in a row that had nothing to do as one."""
    idle: Idle | None = None
    for build in builds:
        if build.did_something or build.is_interrupted:
            if idle is not None:
                yield idle
            idle = None
            yield build
        else:
            idle = Idle(
                build if idle is None else idle.latest, 1 if idle is None else idle.times + 1
            )
    if idle is not None:
        yield idle


def render_builds(
    lines: Iterable[BuildLine | Idle], me: Me, *, empty: str, out: TextIO, colour: bool
) -> None:
    """Writes a line for each build, or run of idle ones, the columns aligned; `empty` if there is none."""
    output = Output(out, colour=colour)
    rows = [_build_row(line, me, output) for line in lines]
    if not rows:
        output.line(empty)
        return
    widths = [max(len(row.cells[at].text) for row in rows) for at in range(len(rows[0].cells))]
    for row in rows:
        cells = (
            output.paint(f"{cell.text:<{width}}", cell.ink) if cell.ink else f"{cell.text:<{width}}"
            for cell, width in zip(row.cells, widths, strict=True)
        )
        output.write("  ".join([*cells, row.rest]).rstrip() + "\n")


class _Cell(NamedTuple):
    text: str
    ink: Ink | None = None


class _Row(NamedTuple):
    cells: Sequence[_Cell]
    rest: str


def _build_row(line: BuildLine | Idle, me: Me, output: Output) -> _Row:
    if isinstance(line, Idle):
        build, times = line
        when = _Cell(ago(build.started, me.now), Ink.FAINT)
        what = "nothing to do" + (f", {number(times)} times" if times > 1 else "")
        return _Row((_Cell(build.build, Ink.FAINT), when, _Cell(what, Ink.FAINT), _Cell("")), "")
    is_bad = bool(line.counts.get("failed")) or line.is_interrupted
    cells = (
        _Cell(line.build),
        _Cell(ago(line.started, me.now)),
        _Cell(_did(line), Ink.BAD if is_bad else None),
        _Cell(duration(line.seconds)),
    )
    return _Row(cells, output.paint(shown("  ".join(_besides(line, me))), Ink.FAINT))


def _did(build: BuildLine) -> str:
    parts = [
        f"{number(count)} {outcome}"
        for outcome, count in build.counts.items()
        if count and outcome != "kept"
    ]
    return ", ".join([*parts, *(["interrupted"] if build.is_interrupted else [])])


def _besides(build: BuildLine, me: Me) -> Iterator[str]:
    """The commit (`+`: with changes nobody committed), who else built, and with which words."""
    if build.commit:
        yield build.commit[:_COMMIT] + ("+" if build.is_dirty else "")
    if build.user and (build.user, build.host) != (me.user, me.host):
        yield f"by {build.user}" + (f" on {build.host}" if build.host != me.host else "")
    words = build.command[2:] if build.command[:2] == ("fp", "build") else build.command
    if words:
        yield " ".join(words)


def build_json(build: BuildLine, nodes: Iterable[NodeLine]) -> JsonObject:
    """A build for programs."""
    return {
        "build": build.build,
        "started": build.started,
        "seconds": build.seconds,
        "command": list(build.command),
        "user": build.user,
        "host": build.host,
        "commit": build.commit or None,
        "dirty": build.is_dirty,
        "counts": dict(build.counts),
        "interrupted": build.is_interrupted,
        "nodes": [dict(line._asdict()) for line in nodes],
    }


def render_build(
    build: BuildLine, nodes: Sequence[NodeLine], me: Me, *, out: TextIO, colour: bool
) -> None:
    """Writes what one build did: who, where, and each node that it did not merely keep."""
    output = Output(out, colour=colour)
    kept = build.counts.get("kept", 0)
    did = ", ".join(part for part in (_did(build), f"{number(kept)} kept" if kept else "") if part)
    output.line(output.paint(f"build {build.build}", Ink.STRONG))
    output.line(f"  {did or 'no nodes'} in {duration(build.seconds)}, {ago(build.started, me.now)}")
    output.line(f"  by {build.user} on {build.host}" if build.user else "")
    output.line(f"  {shown(' '.join(build.command))}")
    if build.commit:
        output.line(f"  at commit {build.commit}{_DIRT[build.is_dirty]}")
    width = min(_WIDEST, max((len(line.node) for line in nodes), default=0))
    for line in nodes:
        outcome = output.paint(f"{line.outcome:<8}", _INK.get(line.outcome, Ink.FAINT))
        detail = output.paint(shown(line.reason), Ink.FAINT)
        output.line(f"{outcome}", f"{line.node:<{width}}", line.record[:_HASH], detail)


_DIRT = {True: ", with changes that are not committed", False: "", None: ""}


# -- one node -------------------------------------------------------------------------------
def render_node(
    node: NodeName,
    happenings: Iterable[tuple[Happening, Repute | None]],
    me: Me,
    *,
    empty: str,
    out: TextIO,
    colour: bool,
) -> None:
    """Writes the results of a node, latest first, with what changed; failed runs between them.

    `empty` is said where there is nothing to list.
    """
    output = Output(out, colour=colour)
    output.line(output.paint(node, Ink.STRONG))
    is_empty = True
    for one, repute in happenings:
        is_empty = False
        output.write("".join(f"{line}\n" for line in _happening_lines(one, repute, me, output)))
    if is_empty:
        output.line(f"  {empty}")


def render_earlier(name: NodeName, *, out: TextIO, colour: bool) -> None:
    """Writes what a node was called before, and so where its history goes on."""
    output = Output(out, colour=colour)
    output.line(output.paint(shown(f"earlier as {name}: fp history {name}"), Ink.FAINT))


def _happening_lines(
    one: Happening, repute: Repute | None, me: Me, output: Output
) -> Iterator[str]:
    when = ago(one.at, me.now)
    if one.number is None:
        what = output.paint("failed", Ink.BAD)
        yield f"        {what}  {when}: {shown(one.reason)}"
        return
    ref = f"{f'@{{{one.number}}}':<6}"
    is_accepted = repute is not None and repute.assertion is not None  # then nothing ran
    took = one.outcome or "made"
    took = took if is_accepted else f"{took}, {duration(one.seconds)}"
    linked = output.paint("linked now", Ink.GOOD) if one.is_linked else ""
    first = (output.paint(ref, Ink.STRONG), one.record[:_HASH], f"{when:<14}", took, linked)
    yield "  ".join(part for part in first if part).rstrip()
    told = [output.paint(shown(_what_changed(one)), Ink.FAINT)]
    if one.full is not None and repute is not None:
        told += [output.paint(text, ink) for text, ink in repute_lines(one.full, repute, me.now)]
        told += [output.paint(text, Ink.FAINT) for text in _maker(one, me)]
    yield from (f"        {line}" for line in told)


def _what_changed(one: Happening) -> str:
    if one.full is None:
        return "its record cannot be read any more"
    if one.changes is None:
        return "the first that is known"
    return summary(one.changes, _CHANGES) or "equal inputs, run again"


def _maker(one: Happening, me: Me) -> Iterator[str]:
    if one.full is None:
        return
    user, host = one.full.body.get("user"), one.full.body.get("host")
    if user and (user, host) != (me.user, me.host):
        yield f"made by {user} on {host}"


def happening_json(node: NodeName, one: Happening, repute: Repute | None) -> JsonObject:
    """A line of a node's history for programs."""
    body = {} if one.full is None else one.full.body
    told: JsonObject = {
        "node": node,
        "ref": None if one.number is None else f"{node}@{{{one.number}}}",
        "at": one.at,
        "build": one.build,
        "outcome": one.outcome,
        "reason": one.reason,
        "seconds": one.seconds,
        "linked": one.is_linked,
        "record": one.record or None,
        "key": None if one.full is None else one.full.record.key,
        "slots": None if one.full is None else dict(one.full.record.slots),
        "made": None if one.full is None else one.full.record.made,
        "made_as": body.get("node"),
        "user": body.get("user"),
        "host": body.get("host"),
        "changes": None
        if one.changes is None
        else [
            {
                "field": change.field.value,
                "name": change.name,
                "old": change.old,
                "new": change.new,
                "text": str(change),
            }
            for change in one.changes
        ],
    }
    return told | ({} if repute is None else repute.to_json())


def render_json(objects: Iterable[JsonObject], *, out: TextIO) -> None:
    """Writes one object a line."""
    output = Output(out, colour=False)
    for one in objects:
        output.line(json.dumps(one))
