"""What is told of a difference: facts only, each kind of content its own.

Whether two files are equal is decided by their digests alone; a content only explains a difference
that is there. So a table whose values are all equal is a table that was *written* differently.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import BinaryIO, NamedTuple

from fusionstore.tree import Entry

ReadBlob = Callable[[Entry], BinaryIO]
"""Opens the bytes of a file for reading from their start, as often as asked.

Raises KeyError, OSError or StoreError where they are not to be had any more.
"""


class How(StrEnum):
    """What became of a file."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"  # the same bytes under another path
    CHANGED = "changed"
    MODE = "mode"  # only its executable bit


class Match(StrEnum):
    """How the rows of two tables were matched."""

    KEY = "key"  # by the values of key columns
    POSITION = "position"  # the first with the first, and so on
    WHOLE = "whole"  # equal rows, wherever they stand


class TextChange(NamedTuple):
    """Two texts, by line. `lines` is a unified diff without file names, its first part when it is long."""

    added: int
    removed: int
    lines: tuple[str, ...] = ()
    left_out: int = 0  # lines of the diff that are not in `lines`
    is_only_line_ends: bool = False


class CellChange(NamedTuple):
    """One value of a table. `row` is its key, or `row 12` (counted from 1, without the header)."""

    row: str
    column: str
    old: str
    new: str


class ColumnChange(NamedTuple):
    """A column in which values changed; the largest changes where both values are numbers.

    `relative` is measured against the larger of the two magnitudes, so it is the same both ways.
    """

    name: str
    cells: int
    absolute: float | None = None
    relative: float | None = None


class Retyped(NamedTuple):
    """A column that holds another kind of value now: empty, integer, number, truth, date, text."""

    name: str
    old: str
    new: str


class TableChange(NamedTuple):
    """Two tables: `old_rows - removed + added == new_rows`, and `changed` of those in both differ.

    Values are compared in the columns both have. The examples are the first few.
    """

    old_rows: int
    new_rows: int
    match: Match
    key: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    changed: int = 0
    is_reordered: bool = False  # no row added or removed, but they stand in another order
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_reordered: bool = False
    retyped: tuple[Retyped, ...] = ()
    columns: tuple[ColumnChange, ...] = ()
    cells: tuple[CellChange, ...] = ()
    added_rows: tuple[str, ...] = ()
    removed_rows: tuple[str, ...] = ()
    note: str = ""  # why the key that was asked for is not used

    @property
    def is_same_values(self) -> bool:
        """True if the tables hold the same, written differently (quotes, line ends, a separator)."""
        columns = self.columns_added or self.columns_removed or self.columns_reordered
        return not (self.added or self.removed or self.changed or self.is_reordered or columns)


class ValueChange(NamedTuple):
    """One place in a JSON document. `old` or `new` is None where there is nothing; else JSON, shortened."""

    path: str
    old: str | None
    new: str | None


class JsonChange(NamedTuple):
    """Two JSON documents (or files with one a line), by path. `values` are the first few."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    values: tuple[ValueChange, ...] = ()

    @property
    def is_same_values(self) -> bool:
        """True if they say the same, written differently (blanks, the order of keys)."""
        return not (self.added or self.removed or self.changed)


class NotCompared(NamedTuple):
    """Only sizes and digests are compared, and why."""

    why: str


Content = TextChange | TableChange | JsonChange | NotCompared


class FileChange(NamedTuple):
    """One file, link or empty directory (its path then ends in "/") that differs.

    `path` is the new one (the old one of what was removed), `was` the earlier path of a renamed file.
    """

    path: str
    how: How
    old: Entry | None
    new: Entry | None
    was: str = ""
    content: Content | None = None


class Difference(NamedTuple):
    """All files that differ between two trees, by path."""

    files: tuple[FileChange, ...] = ()

    @property
    def is_equal(self) -> bool:
        """True if the trees are the same, byte for byte and name for name."""
        return not self.files

    def count(self, how: How) -> int:
        """How many files fared so."""
        return sum(1 for file in self.files if file.how is how)
