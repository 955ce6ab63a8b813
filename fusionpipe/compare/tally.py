"""What changed in the values of two rows, gathered column by column while a table is read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from fusionpipe.compare.dialect import Table, number_in
from fusionpipe.compare.difference import CellChange, ColumnChange, Retyped

_LONGEST = 60  # characters of a value that are told
_INTEGER = re.compile(r"\s*[-+]?\d+\s*$")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$")
_TRUTHS = {"true", "false"}
_EMPTY = "empty"
_SAMPLES = 100


class _Kinds(NamedTuple):
    """The kinds of a column's values: where they differ, in one table or the other, and elsewhere."""

    old: set[str]
    new: set[str]
    both: set[str]


class Tally:
    """Changed rows and values. Holds a few numbers a column and the first few values."""

    def __init__(self, columns: Sequence[str], most: int) -> None:
        self.columns = columns
        self.rows = 0
        self.first: list[CellChange] = []
        self._most = most
        self._kinds = [_Kinds(set(), set(), set()) for _ in columns]
        self._samples = 0
        self._cells = [0] * len(columns)
        self._absolute: list[float | None] = [None] * len(columns)
        self._relative: list[float | None] = [None] * len(columns)

    def add(self, row: str, old: Sequence[str], new: Sequence[str]) -> None:
        """Notes a row that differs; both as values of `columns`."""
        self.rows += 1
        for at, (before, after) in enumerate(zip(old, new, strict=True)):
            if before == after:
                continue
            self._cells[at] += 1
            self._measure(at, before, after)
            if len(self.first) < self._most:
                told = CellChange(row, self.columns[at], shortened(before), shortened(after))
                self.first.append(told)

    def changed_columns(self) -> tuple[ColumnChange, ...]:
        """The columns with changed values, as they stand in the table."""
        return tuple(
            ColumnChange(name, self._cells[at], self._absolute[at], self._relative[at])
            for at, name in enumerate(self.columns)
            if self._cells[at]
        )

    def add_alone(self, *, old: Sequence[str] = (), new: Sequence[str] = ()) -> None:
        """Notes a row that is in one table only: it may be of other kinds than the rest."""
        for at, text in enumerate(old):
            self._kinds[at].old.add(kind_of(text))
        for at, text in enumerate(new):
            self._kinds[at].new.add(kind_of(text))

    def sample(self, row: Sequence[str]) -> None:
        """Notes a row that both tables have; the first few are enough to know what is usual."""
        if self._samples < _SAMPLES:
            self._samples += 1
            for at, text in enumerate(row):
                self._kinds[at].both.add(kind_of(text))

    def emptied(self) -> Tally:
        """One that knows what is usual, and nothing of what changed."""
        other = Tally(self.columns, self._most)
        other._samples = _SAMPLES
        other._kinds = [_Kinds(set(), set(), one.both) for one in self._kinds]
        return other

    def suspects(self) -> list[str]:
        """The columns that may have been retyped: what differs is not of kinds that both have anyway."""
        return [
            name
            for name, (old, new, both) in zip(self.columns, self._kinds, strict=True)
            if old | both != new | both
        ]

    def _measure(self, at: int, before: str, after: str) -> None:
        self._kinds[at].old.add(kind_of(before))
        self._kinds[at].new.add(kind_of(after))
        a, b = number_in(before), number_in(after)
        if a is None or b is None or not (math.isfinite(a) and math.isfinite(b)):
            return
        absolute, larger = abs(b - a), max(abs(a), abs(b))
        # halves, so that the difference of two numbers near the largest is not infinite
        relative = 2 * (abs(b / 2 - a / 2) / larger) if larger else 0.0
        self._absolute[at] = max(self._absolute[at] or 0.0, absolute)
        self._relative[at] = max(self._relative[at] or 0.0, relative)


def kind_of(text: str) -> str:
    """What sort of value a text is."""
    if text.isdecimal():
        return "integer"
    if not text:
        return _EMPTY
    if _INTEGER.match(text):
        return "integer"
    if number_in(text) is not None:
        return "number"
    if text.lower() in _TRUTHS:
        return "truth"
    return "date" if _DATE.match(text) else "text"


def retyped(old: Table, new: Table, columns: Sequence[str]) -> tuple[Retyped, ...]:
    """Of these columns, those that hold another kind of value in one table than in the other."""
    if not columns:
        return ()
    before, after = _kinds(old, columns), _kinds(new, columns)
    return tuple(
        Retyped(name, before[name], after[name])
        for name in columns
        if before[name] != after[name] and _EMPTY not in (before[name], after[name])
    )


def _kinds(table: Table, columns: Sequence[str]) -> dict[str, str]:
    places = [(name, table.columns.index(name)) for name in columns]
    kinds = dict.fromkeys(columns, _EMPTY)
    for row in table.rows():
        for name, at in places:
            if kinds[name] != "text":
                kinds[name] = _either(kinds[name], kind_of(row[at]))
    return kinds


def _either(one: str, other: str) -> str:
    """The kind that covers both."""
    if one == other or other == _EMPTY:
        return one
    if one == _EMPTY:
        return other
    return "number" if {one, other} == {"integer", "number"} else "text"


def shortened(text: str) -> str:
    """A value, its end left out if it is long."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
