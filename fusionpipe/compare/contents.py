"""What differs within a file: by its name a table or JSON, else text where it is text. Nothing is executed.

Images, arrays, pickles and the like are told by size and digest alone: to unpickle is to run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple

from fusionpipe.compare.dialect import NotATable, tables_of
from fusionpipe.compare.difference import (
    Content,
    Difference,
    FileChange,
    How,
    JsonChange,
    NotCompared,
    ReadBlob,
    TableChange,
)
from fusionpipe.compare.jsons import NotJson, compare_json, parse, parse_lines
from fusionpipe.compare.tables import compare_tables
from fusionpipe.compare.text import compare_texts, text_of
from fusionpipe.compare.trees import changed_files
from fusionstore.errors import StoreError
from fusionstore.tree import Entry, Kind, Tree

_TABLES = ("csv", "tsv", "tab")
_JSON = ("json", "geojson", "ipynb")
_JSON_LINES = ("jsonl", "ndjson")
_PEEK = 8192


class Looks(NamedTuple):
    """How closely to look: `key` columns of tables, and what bounds time, memory and what is told."""

    key: Sequence[str] = ()
    files: int = 50  # changed files that are looked into
    lines: int = 200  # of a text's diff
    examples: int = 10  # changed values, added rows, removed rows of a file
    text_bytes: int = 16 << 20  # larger texts are not compared by line
    json_bytes: int = 64 << 20
    table_bytes: int = 1 << 30  # twenty seconds or so; they are never held


_ALL = 1 << 60
NO_LIMITS = Looks((), _ALL, _ALL, _ALL, text_bytes=1 << 30, json_bytes=1 << 30, table_bytes=_ALL)


def compare_trees(
    old: Tree,
    new: Tree,
    read_blob: ReadBlob | None = None,
    looks: Looks = Looks(),  # noqa: B008  # a constant
    wanted: Callable[[str], bool] = lambda path: True,
) -> Difference:
    """Which files differ, and for the first of those that changed, how. Without `read_blob` only which.

    `wanted` says which paths count; a file renamed into or out of them does.
    """
    files: list[FileChange] = []
    looked = 0
    for change in changed_files(old, new):
        if not (wanted(change.path) or (change.was and wanted(change.was))):
            continue
        is_asked = change.how is How.CHANGED and not _is_link(change)
        if is_asked and read_blob is not None and looked < looks.files:
            looked += 1
            change = change._replace(content=compare_contents(change, read_blob, looks))
        files.append(change)
    return Difference(tuple(files))


def compare_contents(change: FileChange, read_blob: ReadBlob, looks: Looks) -> Content:
    """How a changed file differs. Never fails: what cannot be read or parsed is said to be so."""
    old, new = change.old, change.new
    assert old is not None
    assert new is not None
    try:
        return _compared(change.path, old, new, read_blob, looks)
    except (KeyError, OSError, StoreError):
        return NotCompared("its bytes are gone")


def _is_link(change: FileChange) -> bool:
    """Whether it is or was a link: where that leads is all there is to tell."""
    return any(one is not None and one.kind is Kind.SYMLINK for one in (change.old, change.new))


def _compared(path: str, old: Entry, new: Entry, read_blob: ReadBlob, looks: Looks) -> Content:
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2].lower()
    found: Content | None = None
    if suffix in _TABLES and max(old.size, new.size) <= looks.table_bytes:
        found = _table(lambda: read_blob(old), lambda: read_blob(new), suffix, looks)
    elif suffix in (*_JSON, *_JSON_LINES):
        found = _json(old, new, read_blob, suffix, looks)
    return found or _text(old, new, read_blob, looks)


def _table(
    old: Callable[[], BinaryIO], new: Callable[[], BinaryIO], suffix: str, looks: Looks
) -> TableChange | None:
    try:
        before, after = tables_of(old, new, suffix != "csv")
        if not (before.columns and after.columns):
            return None
        return compare_tables(before, after, looks.key, looks.examples)
    except NotATable:
        return None


def _json(
    old: Entry, new: Entry, read_blob: ReadBlob, suffix: str, looks: Looks
) -> JsonChange | None:
    if max(old.size, new.size) > looks.json_bytes:
        return None
    texts = [text_of(_bytes(one, read_blob)) for one in (old, new)]
    if texts[0] is None or texts[1] is None:
        return None
    read = parse_lines if suffix in _JSON_LINES else parse
    try:
        return compare_json(read(texts[0]), read(texts[1]), looks.examples)
    except NotJson:
        return None


def _text(old: Entry, new: Entry, read_blob: ReadBlob, looks: Looks) -> Content:
    if max(old.size, new.size) > looks.text_bytes:
        is_text = all(_peek(one, read_blob) for one in (old, new))
        return NotCompared("too large to be looked into" if is_text else "binary")
    before, after = (text_of(_bytes(one, read_blob)) for one in (old, new))
    if before is None or after is None:
        return NotCompared("binary")
    return compare_texts(before, after, looks.lines)


def _bytes(entry: Entry, read_blob: ReadBlob) -> bytes:
    with read_blob(entry) as file:
        return file.read()


def _peek(entry: Entry, read_blob: ReadBlob) -> bool:
    """Whether a file begins like a text."""
    with read_blob(entry) as file:
        return b"\0" not in file.read(_PEEK)
