"""`fp diff` of two results: what they were made of first, then what came out. Never imports rich."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, TextIO

from fusionpipe.build.assertion import assertion_of
from fusionpipe.build.difference import Parent, Part, ResultDifference
from fusionpipe.build.refs import Found
from fusionpipe.compare import Difference, How
from fusionpipe.explain import Field
from fusionpipe.report.contents import content_words
from fusionpipe.report.diff import Depth, counts, difference_lines
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import ago, counted, duration

REST = "all of them: --stat, --name-only, --json"
_SHORT = 12
_CODE = ("code/", "libs/")
_GIVEN = ("inputs/",)
_REPORTS = ("reports/",)
MADE_OF = (*_CODE, *_GIVEN)
"""What the paths of what a result was made of begin with; all others are of what came out."""


class Form(StrEnum):
    """What is written of each file."""

    FULL = "full"
    STAT = "stat"  # a line each
    NAMES = "names"  # its path


class View(NamedTuple):
    """How it is to be shown. `now` is seconds since the epoch; `parts` is what was compared."""

    form: Form
    now: float
    depth: Depth
    parts: frozenset[Part]
    has_paths: bool


def render_results(difference: ResultDifference, view: View, *, out: TextIO, colour: bool) -> None:
    """Writes how two results differ."""
    output = Output(out, colour=colour)
    lines = (
        _names(difference.trees) if view.form is Form.NAMES else _result(difference, view, output)
    )
    output.write("".join(f"{line}\n" for line in lines))


def _names(trees: Mapping[str, Difference]) -> Iterator[str]:
    for prefix, tree in trees.items():
        for file in tree.files:
            yield shown(prefix + file.path)


def _result(difference: ResultDifference, view: View, output: Output) -> Iterator[str]:
    if difference.old.id == difference.new.id:
        yield f"both are one result: {_side(difference.new, view.now)}"
        return
    yield output.paint("-", Ink.BAD) + f" {_side(difference.old, view.now)}"
    yield output.paint("+", Ink.GOOD) + f" {_side(difference.new, view.now)}"
    if difference.is_equal:
        yield "nothing of that differs" if _is_limited(view) else "made of the same, and equal"
        return
    if _is_not_reproducible(difference, view):
        yield output.paint("made of the same, yet not equal: not reproducible", Ink.WARNING)
    sections = (
        ("parameters", _changed(difference, Field.PARAM)),
        ("code", _code(difference, view, output)),
        ("inputs", _inputs(difference, view, output)),
        ("parents", (_parent_line(one) for one in difference.parents)),
        ("environment", _environment(difference)),
        ("data", _data(difference, view, output)),
        ("reports", _trees(difference, _REPORTS, view, output)),
    )
    for title, lines in sections:
        yield from _section(title, lines, output)


def _is_limited(view: View) -> bool:
    return view.has_paths or view.parts != frozenset(Part)


def _is_not_reproducible(difference: ResultDifference, view: View) -> bool:
    """True if equal keys, with nothing else seen to differ, gave different bytes."""
    is_same_key = difference.old.full.record.key == difference.new.full.record.key
    return is_same_key and view.parts == frozenset(Part) and not difference.changes


def _section(title: str, lines: Iterator[str], output: Output) -> Iterator[str]:
    is_first = True
    for line in lines:
        if is_first:
            yield ""
            yield output.paint(title, Ink.STRONG)
            is_first = False
        yield f"  {line}".rstrip()


def _side(found: Found, now: float) -> str:
    body = found.full.body
    made = found.full.record.made
    who = f"by {body.get('user')} on {body.get('host')}, " if body.get("user") else ""
    when = f"{ago(made, now)}, " if made else ""
    took = "accepted" if assertion_of(found.full) else f"in {duration(found.full.record.seconds)}"
    return shown(f"{found.node or '(no node)'}  {found.id[:_SHORT]}  {when}{who}{took}")


def _changed(difference: ResultDifference, *fields: Field) -> Iterator[str]:
    for change in difference.changes:
        if change.field in fields:
            yield shown(str(change).removeprefix("param "))


def _trees(
    difference: ResultDifference, prefixes: tuple[str, ...], view: View, output: Output
) -> Iterator[str]:
    for prefix, tree in difference.trees.items():
        if prefix.startswith(prefixes):
            yield from _tree_lines(tree, prefix, view, output)


def _tree_lines(tree: Difference, prefix: str, view: View, output: Output) -> Iterator[str]:
    if view.form is Form.STAT:
        for file in tree.files:
            words = content_words(file.content) if file.how is How.CHANGED else file.how.value
            was = f"{shown(prefix + file.was)} → " if file.was else ""
            words = output.paint(words or file.how.value, Ink.FAINT)
            yield f"{was}{shown(prefix + file.path)}  {words}"
        yield f"{counted(len(tree.files), 'file')}: {counts(tree.files)}"
        return
    yield from difference_lines(tree, output, prefix=prefix, depth=view.depth)


def _code(difference: ResultDifference, view: View, output: Output) -> Iterator[str]:
    yield from _changed(difference, Field.ENTRY, Field.CODE, Field.LIB)
    yield from _trees(difference, _CODE, view, output)


def _inputs(difference: ResultDifference, view: View, output: Output) -> Iterator[str]:
    yield from _changed(difference, Field.INPUT)
    yield from _trees(difference, _GIVEN, view, output)


def _environment(difference: ResultDifference) -> Iterator[str]:
    others = (
        Field.TOOL,
        Field.PACKAGE,
        Field.LOCK,
        Field.ENV,
        Field.SEED,
        Field.VERSION,
        Field.NAME,
        Field.FORMAT,
    )
    yield from _changed(difference, *others)


def _parent_line(parent: Parent) -> str:
    if parent.old is None:
        return f"{shown(parent.alias)} added"
    if parent.new is None:
        return f"{shown(parent.alias)} removed"
    old, new = parent.old[:_SHORT], parent.new[:_SHORT]
    if not parent.node:
        return f"{shown(parent.alias)}: {old} → {new}"
    return f"{shown(parent.alias)}: other data of {shown(parent.node)}  (fp diff {old} {new})"


def _data(difference: ResultDifference, view: View, output: Output) -> Iterator[str]:
    found = {
        prefix: tree
        for prefix, tree in difference.trees.items()
        if not prefix.startswith((*MADE_OF, *_REPORTS))
    }
    for prefix, tree in found.items():
        yield from _tree_lines(tree, prefix, view, output)
    if not found and Part.DATA in view.parts and not view.has_paths:
        yield output.paint("equal", Ink.GOOD)
