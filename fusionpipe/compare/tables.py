"""Two tables by rows and columns, read side by side. Holds only rows that have not met their match yet.

With a key, rows meet by it. Without, by position when that explains the difference (a simulation that
gave other numbers), else as wholes, wherever they stand (rows appended, removed, sorted).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from fusionpipe.compare.dialect import Table
from fusionpipe.compare.difference import Match, TableChange
from fusionpipe.compare.keys import find_key, key_reader
from fusionpipe.compare.tally import Tally, retyped, shortened

_Row = Sequence[str]
_Packed = str | tuple[str, ...]
_SEPARATOR = "\x1f"
_SHOWN = 6  # values of a row that are told


def compare_tables(old: Table, new: Table, wanted: Sequence[str], most: int) -> TableChange:
    """The difference of two tables, with at most so many examples of each sort. Raises NotATable."""
    key, note = find_key(old, new, wanted)
    change = _by_key(old, new, key, most) if key else _unkeyed(old, new, most)
    common = [name for name in old.columns if name in new.columns]
    return change._replace(
        key=key,
        note=note,
        columns_added=tuple(name for name in new.columns if name not in old.columns),
        columns_removed=tuple(name for name in old.columns if name not in new.columns),
        columns_reordered=common != [name for name in new.columns if name in old.columns],
    )


def _by_key(old: Table, new: Table, key: Sequence[str], most: int) -> TableChange:
    """Rows of both are read in turn; who finds no row of its key waits for it."""
    columns = _common(old, new)
    tally = Tally(columns, most)
    waiting: tuple[dict[object, _Packed], dict[object, _Packed]] = ({}, {})
    key_old, key_new = key_reader(old, key), key_reader(new, key)
    pick_old, pick_new = _picker(old, columns), _picker(new, columns)
    counts = [0, 0]
    is_moved = False

    def meet(name: object, before: _Row, after: _Row) -> None:
        if before != after:
            tally.add(_label(name), before, after)

    for row_old, row_new in zip_longest(old.rows(), new.rows()):
        if row_old is not None:
            counts[0] += 1
        if row_new is not None:
            counts[1] += 1
        if row_old is not None and row_new is not None and key_old(row_old) == key_new(row_new):
            meet(key_old(row_old), pick_old(row_old), pick_new(row_new))
            continue
        is_moved = True
        if row_old is not None:
            name, values = key_old(row_old), pick_old(row_old)
            if (packed := waiting[1].pop(name, None)) is not None:
                meet(name, values, _unpack(packed))
            else:
                waiting[0][name] = _pack(values)
        if row_new is not None:
            name, values = key_new(row_new), pick_new(row_new)
            if (packed := waiting[0].pop(name, None)) is not None:
                meet(name, _unpack(packed), values)
            else:
                waiting[1][name] = _pack(values)
    suspects = columns if waiting[0] or waiting[1] else tally.suspects()
    return TableChange(
        counts[0],
        counts[1],
        Match.KEY,
        added=len(waiting[1]),
        removed=len(waiting[0]),
        changed=tally.rows,
        is_reordered=is_moved and not (waiting[0] or waiting[1]),
        retyped=retyped(old, new, suspects),
        columns=tally.changed_columns(),
        cells=tuple(tally.first),
        removed_rows=_few(waiting[0], most),
        added_rows=_few(waiting[1], most),
    )


def _unkeyed(old: Table, new: Table, most: int) -> TableChange:
    columns = _common(old, new)
    tally = Tally(columns, most)
    pick_old, pick_new = _picker(old, columns), _picker(new, columns)
    balance: Counter[int] = Counter()  # by hash: how often a row is there before, less after
    counts = [0, 0]
    for row_old, row_new in zip_longest(old.rows(), new.rows()):
        before = None if row_old is None else pick_old(row_old)
        after = None if row_new is None else pick_new(row_new)
        counts[0] += before is not None
        counts[1] += after is not None
        if before == after:
            continue
        if before is not None:
            _shift(balance, hash(before), 1)
        if after is not None:
            _shift(balance, hash(after), -1)
        if before is not None and after is not None:
            tally.add(f"row {counts[0]}", before, after)
    removed = sum(count for count in balance.values() if count > 0)
    added = -sum(count for count in balance.values() if count < 0)
    change = TableChange(counts[0], counts[1], Match.WHOLE, added=added, removed=removed)
    if not (added or removed):
        return change._replace(is_reordered=tally.rows > 0)
    if added == removed and tally.rows <= 2 * removed:
        return change._replace(
            match=Match.POSITION,
            added=0,
            removed=0,
            changed=tally.rows,
            retyped=retyped(old, new, tally.suspects()),
            columns=tally.changed_columns(),
            cells=tuple(tally.first),
        )
    return change._replace(
        retyped=retyped(old, new, columns),
        removed_rows=_few(_left_over(old, pick_old, balance, 1), most),
        added_rows=_few(_left_over(new, pick_new, balance, -1), most),
    )


def _shift(balance: Counter[int], row: int, by: int) -> None:
    balance[row] += by
    if not balance[row]:
        del balance[row]  # so that only what differs is held


def _left_over(
    table: Table, pick: Callable[[_Row], tuple[str, ...]], balance: Counter[int], sign: int
) -> Iterator[str]:
    """The rows that one table has more of than the other, as text."""
    left = {row: abs(count) for row, count in balance.items() if count * sign > 0}
    for row in table.rows():
        if not left:
            return
        values = pick(row)
        if (found := left.pop(hash(values), 0)) > 0:
            if found > 1:
                left[hash(values)] = found - 1
            yield _shown(values)


def _few(rows: Iterator[str] | dict[object, _Packed], most: int) -> tuple[str, ...]:
    told = (_shown(_unpack(row)) for row in rows.values()) if isinstance(rows, dict) else rows
    return tuple(one for one, _ in zip(told, range(most), strict=False))


def _common(old: Table, new: Table) -> tuple[str, ...]:
    return tuple(name for name in old.columns if name in new.columns)


def _picker(table: Table, columns: Sequence[str]) -> Callable[[_Row], tuple[str, ...]]:
    """Takes these columns' values out of a row."""
    if tuple(columns) == table.columns:
        return tuple
    places = [table.columns.index(name) for name in columns]
    return lambda row: tuple([row[at] for at in places])


def _pack(values: tuple[str, ...]) -> _Packed:
    """A row in a quarter of the memory: one text in place of one a value."""
    text = _SEPARATOR.join(values)
    return text if text.count(_SEPARATOR) == len(values) - 1 else values


def _unpack(packed: _Packed) -> tuple[str, ...]:
    return packed if isinstance(packed, tuple) else tuple(packed.split(_SEPARATOR))


def _label(name: object) -> str:
    parts = name if isinstance(name, tuple) else (name,)
    return shortened(", ".join(map(str, parts)))


def _shown(values: Sequence[str]) -> str:
    more = ", …" if len(values) > _SHOWN else ""
    return ", ".join(shortened(value) for value in values[:_SHOWN]) + more
