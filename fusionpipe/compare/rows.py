"""Rows of a table as values: those of some columns, packed small while they wait, and as people see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from fusionpipe.compare.dialect import Table
from fusionpipe.compare.tally import shortened

Values = tuple[str, ...]
Packed = str | Values

_SEPARATOR = "\x1f"
_SHOWN = 6  # values of a row that are told


def common_columns(old: Table, new: Table) -> Values:
    """The columns both have, as they stand in the old one."""
    return tuple(name for name in old.columns if name in new.columns)


def picker(table: Table, columns: Sequence[str]) -> Callable[[Sequence[str]], Values]:
    """Takes these columns' values out of a row."""
    if tuple(columns) == table.columns:
        return tuple
    places = [table.columns.index(name) for name in columns]
    return lambda row: tuple([row[at] for at in places])


def pack(values: Values) -> Packed:
    """A row in a quarter of the memory: one text in place of one a value."""
    text = _SEPARATOR.join(values)
    return text if text.count(_SEPARATOR) == len(values) - 1 else values


def unpack(packed: Packed) -> Values:
    """The values that were packed."""
    return packed if isinstance(packed, tuple) else tuple(packed.split(_SEPARATOR))


def shown(values: Sequence[str]) -> str:
    """The first values of a row, in a line."""
    more = ", …" if len(values) > _SHOWN else ""
    return ", ".join(shortened(value) for value in values[:_SHOWN]) + more


def first_shown(rows: Iterable[Packed], most: int) -> tuple[str, ...]:
    """The first few rows, as people see them."""
    return tuple(shown(unpack(row)) for row in islice(rows, most))
