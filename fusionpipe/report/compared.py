"""`fp diff`: two results or two builds on the screen, what they were made of first, then what came out.

Takes what `build/difference.py` and `between.py` found. Never imports rich.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, TextIO

from fusionpipe.build.between import Became, BuildDifference, NodeDifference
from fusionpipe.build.difference import Parent, Part, ResultDifference
from fusionpipe.build.refs import Found
from fusionpipe.compare import Difference, How
from fusionpipe.explain import Change, Field, summary
from fusionpipe.history import BuildLine
from fusionpipe.report.contents import content_words
from fusionpipe.report.diff import Depth, counts, difference_lines
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import ago, counted, duration

REST = "all of them: --stat, --name-only, --json"
_NODES = 100  # of two builds, unless all are asked for
_SHORT = 12
_CODE = ("code/", "libs/")
_GIVEN = ("inputs/",)


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


def render_builds(difference: BuildDifference, view: View, *, out: TextIO, colour: bool) -> None:
    """Writes how two builds differ, a line a node."""
    output = Output(out, colour=colour)
    if view.form is Form.NAMES:
        lines: Iterator[str] = (shown(one.node) for one in difference.nodes)
    else:
        lines = _build(difference, view, output)
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
    took = duration(found.full.record.seconds)
    return shown(f"{found.node or '(no node)'}  {found.id[:_SHORT]}  {when}{who}in {took}")


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
    others = (*_CODE, *_GIVEN)
    found = {
        prefix: tree for prefix, tree in difference.trees.items() if not prefix.startswith(others)
    }
    for prefix, tree in found.items():
        yield from _tree_lines(tree, prefix, view, output)
    if not found and Part.DATA in view.parts and not view.has_paths:
        yield output.paint("equal", Ink.GOOD)


def _build(difference: BuildDifference, view: View, output: Output) -> Iterator[str]:
    yield output.paint("-", Ink.BAD) + f" {_build_line(difference.old, view.now)}"
    yield output.paint("+", Ink.GOOD) + f" {_build_line(difference.new, view.now)}"
    if difference.is_equal:
        yield "every node had the same result"
        return
    yield ""
    nodes = difference.nodes
    told = nodes if view.form is Form.STAT else nodes[:_NODES]
    width = min(40, max(len(shown(one.node)) for one in told))
    for one in told:
        yield f"{shown(one.node):<{width}}  {_node_words(one, output)}"
    if len(nodes) > len(told):
        more = counted(len(nodes) - len(told), "more node")
        yield output.paint(f"… {more} ({REST})", Ink.FAINT)
    yield f"{counted(len(nodes), 'node')} with another result"
    first = next((one for one in nodes if one.result is not None), None)
    if first is not None:
        words = f"fp diff {first.old[:_SHORT]} {first.new[:_SHORT]}"
        yield output.paint(f"what differs in {shown(first.node)}: {words}", Ink.FAINT)


def _build_line(line: BuildLine, now: float) -> str:
    return shown(f"{line.build}  {ago(line.started, now)}  {' '.join(line.command)}".rstrip())


def _node_words(one: NodeDifference, output: Output) -> str:
    match one.became:
        case Became.CHANGED:
            return _changed_words(one.result, output)
        case Became.NEW:
            return output.paint("no result before", Ink.GOOD)
        case Became.GONE:
            return output.paint("no result there", Ink.WARNING)
        case Became.FAILED:
            return output.paint("failed", Ink.BAD)
        case Became.RECOVERED:
            return output.paint("failed before", Ink.GOOD)
        case Became.UNKNOWN:
            return output.paint("another result; a record is gone", Ink.WARNING)


def _changed_words(result: ResultDifference | None, output: Output) -> str:
    if result is None:
        return "another result"
    changes = [*result.changes, *_code_changes(result)]
    changes += [Change(Field.PARENT, one.alias, one.old, one.new) for one in result.parents]
    cause = shown(summary(changes)) if changes else "made of the same"
    files = [
        file
        for prefix, tree in result.trees.items()
        if not prefix.startswith((*_CODE, *_GIVEN))
        for file in tree.files
    ]
    if not files:
        return f"{cause} · {output.paint('equal data', Ink.GOOD)}"
    return f"{cause} · {counted(len(files), 'file')} of data: {counts(files)}"


def _code_changes(result: ResultDifference) -> Iterator[Change]:
    """Files of code and inputs as changes, so that they are said in the same words."""
    for prefix, tree in result.trees.items():
        if prefix.startswith((*_CODE, *_GIVEN)):
            for file in tree.files:
                old = None if file.old is None else file.old.digest
                new = None if file.new is None else file.new.digest
                yield Change(Field.CODE, prefix + file.path, old, new)
