"""`fp diff` of two builds: a line a node, causes before what followed from them. Never imports rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import TextIO

from fusionpipe.build.between import Became, BuildDifference, NodeDifference
from fusionpipe.build.difference import ResultDifference
from fusionpipe.explain import Change, Field, summary
from fusionpipe.history import BuildLine
from fusionpipe.report.compared import MADE_OF, REST, Form, View
from fusionpipe.report.diff import counts
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import ago, counted, number

_NODES = 100  # unless all are asked for
_WIDEST = 40  # columns of a name
_SHORT = 12


def render_builds(difference: BuildDifference, view: View, *, out: TextIO, colour: bool) -> None:
    """Writes how two builds differ, a line a node."""
    output = Output(out, colour=colour)
    if view.form is Form.NAMES:
        lines: Iterator[str] = (shown(one.node) for one in difference.nodes)
    else:
        lines = _build(difference, view, output)
    output.write("".join(f"{line}\n" for line in lines))


def _build(difference: BuildDifference, view: View, output: Output) -> Iterator[str]:
    yield output.paint("-", Ink.BAD) + f" {_build_line(difference.old, view.now)}"
    yield output.paint("+", Ink.GOOD) + f" {_build_line(difference.new, view.now)}"
    if difference.is_equal:
        yield "every node had the same result"
        return
    yield ""
    nodes = sorted(difference.nodes, key=_weight)  # a change's causes before what followed from it
    told = nodes if view.form is Form.STAT else nodes[: max(_NODES, view.depth.files)]
    width = min(_WIDEST, max(len(shown(one.node)) for one in told))
    for one in told:
        yield f"{shown(one.node):<{width}}  {_node_words(one, output)}"
    if len(nodes) > len(told):
        more = counted(len(nodes) - len(told), "more node")
        yield output.paint(f"… {more} ({REST})", Ink.FAINT)
    yield ""
    yield _total(nodes)
    first = next((one for one in nodes if one.result is not None), None)
    if first is not None:
        words = f"fp diff {first.old[:_SHORT]} {first.new[:_SHORT]}"
        yield output.paint(f"what differs in {shown(first.node)}: {words}", Ink.FAINT)


class _Weight(IntEnum):
    """What is told first."""

    FAILURE = 0
    CAUSE = 1  # its own code, parameters or environment
    CAME_OR_WENT = 2
    FOLLOWED = 3  # only its parents' data differ


def _weight(one: NodeDifference) -> _Weight:
    match one.became:
        case Became.FAILED | Became.RECOVERED | Became.UNKNOWN:
            return _Weight.FAILURE
        case Became.NEW | Became.GONE:
            return _Weight.CAME_OR_WENT
        case Became.CHANGED:
            is_only_parents = (
                one.result is not None
                and bool(one.result.parents)
                and not one.result.changes
                and not any(_code_changes(one.result))
            )
            return _Weight.FOLLOWED if is_only_parents else _Weight.CAUSE


def _total(nodes: Sequence[NodeDifference]) -> str:
    """`12 nodes differ, 10 of them only in their parents' data`."""
    followed = sum(1 for one in nodes if _weight(one) is _Weight.FOLLOWED)
    verb = "differs" if len(nodes) == 1 else "differ"
    told = f"{counted(len(nodes), 'node')} {verb}"
    return told + (f", {number(followed)} of them only in their parents' data" if followed else "")


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
        if not prefix.startswith(MADE_OF)
        for file in tree.files
    ]
    if not files:
        return f"{cause} · {output.paint('equal data', Ink.GOOD)}"
    return f"{cause} · {counted(len(files), 'file')} of data: {counts(files)}"


def _code_changes(result: ResultDifference) -> Iterator[Change]:
    """Files of code and inputs as changes, so that they are said in the same words."""
    for prefix, tree in result.trees.items():
        if prefix.startswith(MADE_OF):
            for file in tree.files:
                old = None if file.old is None else file.old.digest
                new = None if file.new is None else file.new.digest
                yield Change(Field.CODE, prefix + file.path, old, new)
