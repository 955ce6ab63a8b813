"""What differs within a file, as lines: a text's diff, a table's rows and columns, a document's paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from fusionpipe.compare import Content, JsonChange, NotCompared, TableChange, TextChange
from fusionpipe.compare.difference import CellChange, ColumnChange, Match, ValueChange
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import counted, number

_COLUMNS = 12  # changed columns that are told one by one


def content_lines(content: Content, output: Output) -> Iterator[str]:
    """The lines that tell a difference within a file, painted."""
    match content:
        case TextChange():
            return _text_lines(content, output)
        case TableChange():
            return _table_lines(content, output)
        case JsonChange():
            return _json_lines(content, output)
        case NotCompared():  # said on the line of the file
            return iter(())
        case _:
            assert_never(content)


def content_words(content: Content | None) -> str:
    """The same in a few words, for a line a file."""
    match content:
        case None:
            return ""
        case TextChange():
            return f"+{content.added} -{content.removed}"
        case TableChange():
            return _table_counts(content) or _table_otherwise(content)
        case JsonChange():
            return _json_counts(content) or "same values, written differently"
        case NotCompared():
            return content.why


def diff_line(line: str, output: Output) -> str:
    """A line of a unified diff in its colour."""
    text = shown(line)
    match line[:1]:
        case "@":
            return output.paint(text, Ink.NEWS)
        case "+":
            return output.paint(text, Ink.GOOD)
        case "-":
            return output.paint(text, Ink.BAD)
        case _:
            return text


def _text_lines(change: TextChange, output: Output) -> Iterator[str]:
    if change.is_only_line_ends:
        yield f"only the ends of {counted(change.added, 'line')} differ"
        return
    for line in change.lines:
        yield diff_line(line, output)
    if change.left_out:
        yield output.paint(f"… {counted(change.left_out, 'more line')} of this diff", Ink.FAINT)


def _table_lines(change: TableChange, output: Output) -> Iterator[str]:
    if change.note:
        yield output.paint(change.note, Ink.WARNING)
    yield f"{_rows(change)}: {_table_counts(change) or _table_otherwise(change)}"
    for words, names in (
        ("columns added", change.columns_added),
        ("columns removed", change.columns_removed),
    ):
        if names:
            yield f"{words}: {_listed(names)}"
    for one in change.retyped:
        yield f"{shown(one.name)}: {one.old} → {one.new}"
    for column in change.columns[:_COLUMNS]:
        yield _column_line(column)
    if len(change.columns) > _COLUMNS:
        more = counted(len(change.columns) - _COLUMNS, "more column")
        yield output.paint(f"… {more} with changed values", Ink.FAINT)
    for cell in change.cells:
        yield _cell_line(cell, output)
    yield from _examples("-", change.removed_rows, change.removed, output)
    yield from _examples("+", change.added_rows, change.added, output)


def _rows(change: TableChange) -> str:
    old, new = number(change.old_rows), number(change.new_rows)
    rows = f"{counted(change.new_rows, 'row')}" if old == new else f"{old} → {new} rows"
    match change.match:
        case Match.KEY:
            return f"{rows}, by {shown(', '.join(change.key))}"
        case Match.POSITION:
            return f"{rows}, by position"
        case Match.WHOLE:
            return rows


def _table_counts(change: TableChange) -> str:
    """`2 added, 1 removed, 3 changed`; "" when the rows are the same."""
    parts = (("changed", change.changed), ("added", change.added), ("removed", change.removed))
    told = [f"{number(count)} {word}" for word, count in parts if count]
    if told and change.is_reordered:
        told.append("in another order")
    return ", ".join(told)


def _table_otherwise(change: TableChange) -> str:
    """What differs when no row does."""
    if change.is_reordered:
        return "the same rows in another order"
    if change.columns_added or change.columns_removed:
        return "the same values in the columns both have"
    if change.columns_reordered:
        return "the same columns in another order"
    return "same values, written differently"


def _column_line(column: ColumnChange) -> str:
    told = f"{shown(column.name)}: {counted(column.cells, 'value')} changed"
    if column.absolute == 0:
        told += ", the numbers are equal"
    elif column.absolute is not None and column.relative is not None:
        told += f", by up to {_figure(column.absolute)} ({_figure(100 * column.relative)} %)"
    return told


def _figure(value: float) -> str:
    return f"{value:.3g}"


def _cell_line(cell: CellChange, output: Output) -> str:
    where = output.paint(f"{shown(cell.row)} · {shown(cell.column)}:", Ink.FAINT)
    return f"{where} {_value(cell.old)} → {_value(cell.new)}"


def _value(text: str) -> str:
    return shown(text) if text.strip() == text and text else repr(text)


def _examples(sign: str, rows: Sequence[str], count: int, output: Output) -> Iterator[str]:
    for row in rows:
        yield diff_line(f"{sign} {row}", output)
    if rows and count > len(rows):
        yield output.paint(f"{sign} … {counted(count - len(rows), 'more row')}", Ink.FAINT)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _COLUMNS} more" if len(names) > _COLUMNS else ""
    return shown(", ".join(names[:_COLUMNS])) + more


def _json_counts(change: JsonChange) -> str:
    parts = (("changed", change.changed), ("added", change.added), ("removed", change.removed))
    return ", ".join(f"{number(count)} {word}" for word, count in parts if count)


def _json_lines(change: JsonChange, output: Output) -> Iterator[str]:
    if change.is_same_values:
        yield "same values, written differently"
        return
    total = change.added + change.removed + change.changed
    if total > len(change.values):
        yield f"{_json_counts(change)} values, of these the first"
    for value in change.values:
        yield _value_line(value, output)


def _value_line(value: ValueChange, output: Output) -> str:
    path = shown(value.path)
    if value.old is None:
        return output.paint(f"+ {path}: {shown(value.new or '')}", Ink.GOOD)
    if value.new is None:
        return output.paint(f"- {path}: {shown(value.old)}", Ink.BAD)
    return f"{output.paint(path + ':', Ink.FAINT)} {shown(value.old)} → {shown(value.new)}"
