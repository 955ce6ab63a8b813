"""Two tables whose rows have no names: met by position, or as wholes wherever they stand.

By position when that explains it: a simulation that gave other numbers in the same rows. Else equal rows
cancel out, and what is left was added or removed. Only hashes of rows that are not in step are held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from fusionpipe.compare.dialect import Table
from fusionpipe.compare.difference import Match, TableChange
from fusionpipe.compare.rows import Values, common_columns, picker, shown
from fusionpipe.compare.tally import Tally, retyped


def compare_unkeyed(old: Table, new: Table, most: int) -> TableChange:
    """The difference of two tables without a key. Raises NotATable."""
    columns = common_columns(old, new)
    tally = Tally(columns, most)
    balance: Counter[int] = Counter()  # by hash: how often a row is there before, less after
    pick_old, pick_new = picker(old, columns), picker(new, columns)
    old_rows = new_rows = 0
    for row_old, row_new in zip_longest(old.rows(), new.rows()):
        before = None if row_old is None else pick_old(row_old)
        after = None if row_new is None else pick_new(row_new)
        old_rows += before is not None
        new_rows += after is not None
        if before is not None and before == after:
            tally.sample(before)
            continue
        if before is not None:
            _shift(balance, hash(before), 1)
        if after is not None:
            _shift(balance, hash(after), -1)
        if before is not None and after is not None:
            tally.add(f"row {old_rows}", before, after)
    removed = sum(count for count in balance.values() if count > 0)
    added = -sum(count for count in balance.values() if count < 0)
    change = TableChange(old_rows, new_rows, Match.WHOLE)
    if not (added or removed):
        return change._replace(is_reordered=tally.rows > 0)
    if added == removed and tally.rows <= 2 * removed:
        return _by_position(change, old, new, tally)
    change = change._replace(added=added, removed=removed)
    return _as_wholes(change, old, new, (tally.emptied(), balance, most))


def _by_position(change: TableChange, old: Table, new: Table, tally: Tally) -> TableChange:
    return change._replace(
        match=Match.POSITION,
        changed=tally.rows,
        retyped=retyped(old, new, tally.suspects()),
        columns=tally.changed_columns(),
        cells=tuple(tally.first),
    )


def _as_wholes(
    change: TableChange, old: Table, new: Table, left: tuple[Tally, Counter[int], int]
) -> TableChange:
    tally, balance, most = left
    gone: list[str] = []
    come: list[str] = []
    for values in _left_over(old, picker(old, tally.columns), balance, 1):
        tally.add_alone(old=values)
        if len(gone) < most:
            gone.append(shown(values))
    for values in _left_over(new, picker(new, tally.columns), balance, -1):
        tally.add_alone(new=values)
        if len(come) < most:
            come.append(shown(values))
    return change._replace(
        retyped=retyped(old, new, tally.suspects()),
        removed_rows=tuple(gone),
        added_rows=tuple(come),
    )


def _shift(balance: Counter[int], row: int, by: int) -> None:
    balance[row] += by
    if not balance[row]:
        del balance[row]  # so that only what differs is held


def _left_over(
    table: Table, pick: Callable[[Sequence[str]], Values], balance: Counter[int], sign: int
) -> Iterator[Values]:
    """The rows that one table has more of than the other."""
    left = {row: count * sign for row, count in balance.items() if count * sign > 0}
    for row in table.rows():
        if not left:
            return
        values = pick(row)
        count = left.pop(hash(values), 0)
        if count > 1:
            left[hash(values)] = count - 1
        if count:
            yield values
