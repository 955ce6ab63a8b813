"""Two tables by rows and columns, read side by side, however long they are.

With a key, rows meet by it; without, by position or as wholes.
"""

from __future__ import annotations

from collections.abc import Sequence

from fusionpipe.compare.dialect import Table
from fusionpipe.compare.difference import TableChange
from fusionpipe.compare.keyed import compare_by_key
from fusionpipe.compare.keys import find_key
from fusionpipe.compare.rows import common_columns
from fusionpipe.compare.unkeyed import compare_unkeyed


def compare_tables(old: Table, new: Table, wanted: Sequence[str], most: int) -> TableChange:
    """The difference of two tables, with at most so many examples of each sort. Raises NotATable.

    `wanted` are the columns to take for the key, () to guess one.
    """
    key, note = find_key(old, new, wanted)
    change = compare_by_key(old, new, key, most) if key else compare_unkeyed(old, new, most)
    common = common_columns(old, new)
    return change._replace(
        key=key,
        note=note,
        columns_added=tuple(name for name in new.columns if name not in common),
        columns_removed=tuple(name for name in old.columns if name not in common),
        columns_reordered=common != common_columns(new, old),
    )
