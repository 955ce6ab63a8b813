"""Two tables whose rows have names: read in turn, each row waits until that of its name comes along.

Rows in step meet at once, so what is held is what moved, came or went.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from fusionpipe.compare.dialect import Table
from fusionpipe.compare.difference import Match, TableChange
from fusionpipe.compare.keys import key_reader
from fusionpipe.compare.rows import (
    Packed,
    Values,
    common_columns,
    first_shown,
    pack,
    picker,
    unpack,
)
from fusionpipe.compare.tally import Tally, retyped, shortened


class _Meeting:
    """Where the rows of both tables meet."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.old: dict[object, Packed] = {}  # those that wait
        self.new: dict[object, Packed] = {}

    def meet(self, name: object, old: Values, new: Values) -> None:
        """Two rows of one name."""
        if old == new:
            self.tally.sample(old)
        else:
            self.tally.add(_label(name), old, new)

    def old_comes(self, name: object, values: Values) -> None:
        """A row of the old table alone."""
        packed = self.new.pop(name, None)
        if packed is None:
            self.old[name] = pack(values)
        else:
            self.meet(name, values, unpack(packed))

    def new_comes(self, name: object, values: Values) -> None:
        """A row of the new table alone."""
        packed = self.old.pop(name, None)
        if packed is None:
            self.new[name] = pack(values)
        else:
            self.meet(name, unpack(packed), values)

    def end(self) -> None:
        """No more rows come: who still waits is in one table only."""
        for packed in self.old.values():
            self.tally.add_alone(old=unpack(packed))
        for packed in self.new.values():
            self.tally.add_alone(new=unpack(packed))


def compare_by_key(old: Table, new: Table, key: Sequence[str], most: int) -> TableChange:
    """The difference of two tables in both of which `key` names each row once. Raises NotATable."""
    columns = common_columns(old, new)
    meeting = _Meeting(tally := Tally(columns, most))
    read_old, read_new = _reader(old, key, columns), _reader(new, key, columns)
    old_rows = new_rows = 0
    is_moved = False
    for row_old, row_new in zip_longest(old.rows(), new.rows()):
        before = None if row_old is None else read_old(row_old)
        after = None if row_new is None else read_new(row_new)
        old_rows += before is not None
        new_rows += after is not None
        if before is not None and after is not None and before[0] == after[0]:
            meeting.meet(before[0], before[1], after[1])
            continue
        is_moved = True
        if before is not None:
            meeting.old_comes(*before)
        if after is not None:
            meeting.new_comes(*after)
    meeting.end()
    return TableChange(
        old_rows,
        new_rows,
        Match.KEY,
        added=len(meeting.new),
        removed=len(meeting.old),
        changed=tally.rows,
        is_reordered=is_moved and not (meeting.old or meeting.new),
        retyped=retyped(old, new, tally.suspects()),
        columns=tally.changed_columns(),
        cells=tuple(tally.first),
        removed_rows=first_shown(meeting.old.values(), most),
        added_rows=first_shown(meeting.new.values(), most),
    )


def _reader(
    table: Table, key: Sequence[str], columns: Sequence[str]
) -> Callable[[Sequence[str]], tuple[object, Values]]:
    name_of, pick = key_reader(table, key), picker(table, columns)
    return lambda row: (name_of(row), pick(row))


def _label(name: object) -> str:
    parts = name if isinstance(name, tuple) else (name,)
    return shortened(", ".join(map(str, parts)))
