"""What came of running results again: identical, or which files differ.

Takes what is already decided. Never imports rich.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

from fusionpipe.build.reproduce import FileDifference, Outcome, Reproduced
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import duration, size
from fusionstore.contract import Json, JsonObject
from fusionstore.tree import Entry, Kind

_SHORT = 12
_MOST = 20
_INK = {
    Outcome.IDENTICAL: Ink.GOOD,
    Outcome.DIFFERENT: Ink.BAD,
    Outcome.FAILED: Ink.BAD,
    Outcome.NOT_RUN: Ink.WARNING,
}


class ReproduceReport:
    """Writes each outcome as it comes, and a summary. `brief` only counts what is identical, `quiet` does
    not tell of it at all.
    """

    def __init__(
        self, out: TextIO, *, colour: bool, quiet: bool = False, brief: bool = False
    ) -> None:
        self._output = Output(out, colour=colour)
        self._quiet = quiet
        self._brief = brief or quiet
        self._counts = dict.fromkeys(Outcome, 0)

    def tell(self, one: Reproduced) -> None:
        """One result."""
        self._counts[one.outcome] += 1
        if self._brief and one.is_identical:
            return
        word = self._output.paint(f"{one.outcome.value:<9}", _INK[one.outcome])
        took = duration(one.seconds) if one.outcome is not Outcome.NOT_RUN else ""
        note = "its bytes are stored again" if one.is_brought_back else ""
        self._output.line(word, one.node, one.full.record.id[:_SHORT], took, note)
        for line in self._below(one):
            self._output.write(f"  {line}\n")

    def sum_up(self) -> None:
        """The counts, where there was more than one result."""
        count = sum(self._counts.values())
        if count > 1 and not (self._quiet and self._counts[Outcome.IDENTICAL] == count):
            parts = (f"{count:,} {word.value}" for word, count in self._counts.items() if count)
            self._output.line(self._output.paint(", ".join(parts), Ink.STRONG))

    def _below(self, one: Reproduced) -> Iterator[str]:
        if one.why:
            yield shown(one.why)
        for line in one.hint.splitlines():
            yield shown(line)
        for line in one.tail:
            yield self._output.paint(f"│ {shown(line)}", Ink.FAINT)
        for what in one.surroundings:
            yield self._output.paint(f"not as it was then: {shown(what)}", Ink.WARNING)
        for warning in one.warnings:
            yield self._output.paint(shown(warning), Ink.WARNING)
        yield from (shown(_file_line(file)) for file in one.files[:_MOST])
        if len(one.files) > _MOST:
            yield f"and {len(one.files) - _MOST:,} more"
        if one.files and one.other:
            yield f"what is in them: fp diff {one.full.record.id[:_SHORT]} {one.other[:_SHORT]}"


def reproduced_json(one: Reproduced) -> str:
    """One line of JSON."""
    files: list[Json] = [
        {"path": file.path, "change": _change(file), "old": _size(file.old), "new": _size(file.new)}
        for file in one.files
    ]
    told: JsonObject = {
        "event": "reproduced",
        "node": one.node,
        "record": one.full.record.id,
        "key": one.full.record.key,
        "outcome": one.outcome.value,
        "why": one.why,
        "hint": one.hint,
        "tail": [*one.tail],
        "files": files,
        "other": one.other,
        "surroundings": [*one.surroundings],
        "warnings": [*one.warnings],
        "seconds": one.seconds,
        "brought_back": one.is_brought_back,
    }
    return json.dumps(told)


def _file_line(file: FileDifference) -> str:
    sizes = " → ".join(_described(one) for one in (file.old, file.new) if one is not None)
    return f"{_change(file):<8} {file.path}  {sizes}".rstrip()


def _change(file: FileDifference) -> str:
    if file.old is None:
        return "added"
    return "removed" if file.new is None else "changed"


def _described(entry: Entry) -> str:
    match entry.kind:
        case Kind.SYMLINK:
            return f"link to {entry.target}"
        case Kind.DIRECTORY:
            return "directory"
        case Kind.EXECUTABLE:
            return f"{size(entry.size)} (executable)"
        case Kind.FILE:
            return size(entry.size)


def _size(entry: Entry | None) -> int | None:
    return None if entry is None else entry.size
