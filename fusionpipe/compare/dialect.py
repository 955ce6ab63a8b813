"""A table in a text file: how its columns are told apart and named, and its rows, read as often as asked.

Bytes that are no UTF-8 are kept as surrogate escapes: an old table in another encoding compares all the same.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

_SAMPLE = 64 * 1024
_ROWS = 100
_DELIMITERS = ("\t", ";", "|", ",")  # of equals the first: a comma may also be in numbers and texts


class NotATable(Exception):
    """The bytes cannot be read as rows: no text, or a quote that is never closed."""


class Table(NamedTuple):
    """A table that can be read again and again, a row at a time."""

    open: Callable[[], BinaryIO]
    delimiter: str
    columns: tuple[str, ...]
    has_header: bool

    def rows(self) -> Iterator[list[str]]:
        """Every row but the header, each as long as there are columns. Raises NotATable.

        What a row has too much stays in its last value, what it lacks is empty. Blank lines are no rows.
        """
        width = len(self.columns)
        with self.open() as raw:
            text = io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="")
            is_first = self.has_header
            try:
                for row in csv.reader(text, delimiter=self.delimiter):
                    if not row:
                        continue
                    if is_first:
                        is_first = False
                        continue
                    if len(row) != width:
                        yield _fitted(row, width, self.delimiter)
                    else:
                        yield row
            except csv.Error as error:
                raise NotATable(str(error)) from error


def _fitted(row: list[str], width: int, delimiter: str) -> list[str]:
    if len(row) < width:
        return row + [""] * (width - len(row))
    return [*row[: width - 1], delimiter.join(row[width - 1 :])]


def tables_of(
    old: Callable[[], BinaryIO], new: Callable[[], BinaryIO], prefers_tab: bool
) -> tuple[Table, Table]:
    """Both files as tables, read alike where the first lines leave a choice. Raises NotATable."""
    samples = [_sample(one) for one in (old, new)]
    delimiters = [_delimiter(sample, prefers_tab) for sample in samples]
    first = [_first_rows(text, mark) for text, mark in zip(samples, delimiters, strict=True)]
    # a header stands above both, or one of them has no more than that
    has_header = all(_is_header(rows[0]) for rows in first if rows)
    left, right = (
        Table(opened, mark, _columns(rows, has_header), has_header)
        for opened, mark, rows in zip((old, new), delimiters, first, strict=True)
    )
    return left, right


def number_in(text: str) -> float | None:
    """The number a value is, or None. Underscores are Python's own and make a name of it."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _sample(open_: Callable[[], BinaryIO]) -> str:
    with open_() as raw:
        data = raw.read(_SAMPLE)
    if b"\0" in data:
        raise NotATable("it holds binary data")
    if len(data) == _SAMPLE:  # the last line is cut
        data = data[: data.rfind(b"\n") + 1] or data
    return data.decode("utf-8-sig", "surrogateescape")


def _delimiter(sample: str, prefers_tab: bool) -> str:
    """The one that cuts most of the first lines into equally many values, more than one."""
    order = _DELIMITERS if prefers_tab else (*_DELIMITERS[1:], _DELIMITERS[0])
    shares = {mark: _regularity(_first_rows(sample, mark)) for mark in order}
    best = max(order, key=lambda mark: shares[mark])
    if shares[best] == 0:
        return "\t" if prefers_tab else ","
    return best


def _regularity(rows: Sequence[Sequence[str]]) -> float:
    widths = Counter(len(row) for row in rows)
    if not widths:
        return 0.0
    width, count = widths.most_common(1)[0]
    return count / len(rows) if width > 1 else 0.0


def _first_rows(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) == _ROWS:
                break
    except csv.Error:
        return rows
    return rows


def _is_header(row: Sequence[str]) -> bool:
    """Names: all there, no two alike, none a number."""
    return (
        all(cell.strip() for cell in row)
        and len(set(row)) == len(row)
        and all(number_in(cell) is None for cell in row)
    )


def _columns(rows: Sequence[Sequence[str]], has_header: bool) -> tuple[str, ...]:
    if not rows:
        return ()
    if has_header:
        return tuple(cell.strip() for cell in rows[0])
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    return tuple(f"column {number}" for number in range(1, width + 1))
