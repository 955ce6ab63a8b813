"""Which columns name the rows of two tables: those that were asked for, or a guess that is proven.

A key has to be unique in both, so the tables are read for it; only hashes of its values are held.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter

from fusionpipe.compare.dialect import Table

_TRIES = 3  # columns that are read to the end
_FIRST = 1000  # rows in which a column that is no key mostly shows it
_ID_LIKE = re.compile(
    r"^(id|key|index|idx|uuid|guid|name|code|row|sample|.*[_ -]id|.*[a-z]Id)$", re.I
)


def find_key(old: Table, new: Table, wanted: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The columns that name each row in both tables, () if none do; and why not those `wanted`."""
    note = ""
    if wanted:
        key = tuple(wanted)
        missing = [name for name in key if name not in old.columns or name not in new.columns]
        if missing:
            note = f"no column {', '.join(missing)} in both"
        elif _is_unique(old, key) and _is_unique(new, key):
            return key, ""
        else:
            note = f"{', '.join(key)} does not name each row once"
    likely = [(name,) for name in _candidates(old, new) if _looks_unique(old, new, name)]
    for key in likely[:_TRIES]:
        if _is_unique(old, key) and _is_unique(new, key):
            return key, note
    return (), note


def key_reader(table: Table, key: Sequence[str]) -> itemgetter[object]:
    """Takes a row's key out of it."""
    return itemgetter(*(table.columns.index(name) for name in key))


def _candidates(old: Table, new: Table) -> Iterator[str]:
    """Names that sound like one, then the first column: where there are names at all."""
    if not (old.has_header and new.has_header):
        return
    place = {name: old.columns.index(name) + new.columns.index(name) for name in _both(old, new)}
    both = sorted(place, key=lambda name: (place[name], name))  # the same whichever is the old one
    named = [name for name in both if _ID_LIKE.match(name)]
    yield from named
    if both and place[both[0]] == 0 and both[0] not in named:
        yield both[0]


def _both(old: Table, new: Table) -> list[str]:
    return [name for name in old.columns if name in new.columns]


def _looks_unique(old: Table, new: Table, name: str) -> bool:
    for table in (old, new):
        read = key_reader(table, (name,))
        values = [read(row) for row in islice(table.rows(), _FIRST)]
        if len(set(values)) != len(values) or "" in values:
            return False
    return True


def _is_unique(table: Table, key: Sequence[str]) -> bool:
    read = key_reader(table, key)
    seen: set[int] = set()  # of hashes: a million names would take a hundred bytes each
    for count, row in enumerate(table.rows(), 1):
        seen.add(hash(read(row)))
        if len(seen) != count:
            return False
    return True
