"""Two tables by rows and columns: whatever their order, separator or key, the counts add up."""

from __future__ import annotations

import csv
import io
import random
import tracemalloc
from collections.abc import Callable, Sequence
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.compare.dialect import NotATable, tables_of
from fusionpipe.compare.difference import (
    CellChange,
    ColumnChange,
    Match,
    Retyped,
    TableChange,
)
from fusionpipe.compare.tables import compare_tables


def opener(text: str | bytes) -> Callable[[], BinaryIO]:
    data = text.encode() if isinstance(text, str) else text
    return lambda: io.BytesIO(data)


def between(old: str | bytes, new: str | bytes, *key: str, most: int = 5) -> TableChange:
    return compare_tables(*tables_of(opener(old), opener(new), prefers_tab=False), key, most)


def test_rows_meet_by_a_key_wherever_they_stand() -> None:
    old = "id,x,y\n1,10,a\n2,20,b\n3,30,c\n4,40,d\n"
    new = "id,x,y\n4,40,d\n2,25,b\n5,50,e\n1,10,a\n"
    change = between(old, new)
    assert (Match.KEY, ("id",)) == (change.match, change.key)
    assert (4, 4, 1, 1, 1) == (
        change.old_rows,
        change.new_rows,
        change.added,
        change.removed,
        change.changed,
    )
    assert (CellChange("2", "x", "20", "25"),) == change.cells
    assert (ColumnChange("x", 1, 5.0, 0.2),) == change.columns
    assert (("5, 50, e",), ("3, 30, c",)) == (change.added_rows, change.removed_rows)


def test_the_first_column_is_the_key_when_it_names_each_row() -> None:
    change = between("city,n\nrome,1\noslo,2\n", "city,n\noslo,2\nrome,3\n")
    assert (("city",), 1) == (change.key, change.changed)


def test_a_column_that_sounds_like_a_name_comes_before_the_first() -> None:
    assert ("user_id",) == between("n,user_id\n1,7\n2,8\n", "n,user_id\n5,7\n2,8\n").key


def test_a_key_that_repeats_is_none() -> None:
    change = between("id,x\n1,a\n1,b\n", "id,x\n1,a\n1,c\n")
    assert ((), Match.POSITION, 1) == (change.key, change.match, change.changed)


def test_a_key_can_be_given_even_of_several_columns() -> None:
    old, new = "a,b,x\n1,1,p\n1,2,q\n", "a,b,x\n1,2,q\n1,1,r\n"
    change = between(old, new, "a", "b")
    assert (("a", "b"), 1, "") == (change.key, change.changed, change.note)
    assert "1, 1" == change.cells[0].row


def test_a_given_key_that_cannot_be_used_is_said_to_be() -> None:
    assert "no column k in both" == between("a\n1\n", "a\n2\n", "k").note
    assert (
        "a does not name each row once" == between("a,b\n1,1\n1,2\n", "a,b\n1,1\n1,3\n", "a").note
    )


def test_without_a_key_rows_meet_by_position_where_only_numbers_changed() -> None:
    change = between("t,x\n0,1.0\n0,2.0\n0,4.0\n", "t,x\n0,1.0\n0,2.5\n0,4.0\n")
    assert (Match.POSITION, 1, 0, 0) == (
        change.match,
        change.changed,
        change.added,
        change.removed,
    )
    assert (CellChange("row 2", "x", "2.0", "2.5"),) == change.cells
    assert (ColumnChange("x", 1, 0.5, 0.2),) == change.columns


def test_without_a_key_rows_added_in_between_are_added() -> None:
    change = between("a,b\n1,1\n1,2\n1,3\n", "a,b\n1,1\n1,9\n1,2\n1,3\n")
    assert (Match.WHOLE, 1, 0, 0) == (change.match, change.added, change.removed, change.changed)
    assert ("1, 9",) == change.added_rows


@pytest.mark.parametrize("rows", [["1,a\n", "2,b\n"], ["1,a\n", "2,b\n", "1,c\n"]])
def test_another_order_alone_is_said_to_be_that(rows: list[str]) -> None:
    change = between("".join(["id,x\n", *rows]), "".join(["id,x\n", *rows[::-1]]))
    assert change.is_reordered
    assert (0, 0, 0) == (change.added, change.removed, change.changed)
    assert not change.is_same_values


def test_other_quotes_separators_and_line_ends_are_the_same_values() -> None:
    assert between('a;b\n1;"x"\n', "a,b\r\n1,x\r\n").is_same_values


def test_columns_are_added_removed_and_moved_by_name() -> None:
    change = between("id,a,b,c\n1,2,3,4\n", "id,c,b,d\n1,4,3,5\n")
    assert (("d",), ("a",), True) == (
        change.columns_added,
        change.columns_removed,
        change.columns_reordered,
    )
    assert 0 == change.changed
    assert not change.is_same_values


def test_a_column_of_another_kind_is_told() -> None:
    old, new = "id,x,y\n1,2,1\n2,3,1\n", "id,x,y\n1,2.5,a\n2,3,1\n"
    assert (Retyped("x", "integer", "number"), Retyped("y", "integer", "text")) == between(
        old, new
    ).retyped


def test_a_number_in_a_column_of_text_retypes_nothing() -> None:
    assert () == between("id,x\n1,a\n2,b\n", "id,x\n1,7\n2,b\n").retyped


def test_numbers_that_are_none_are_not_measured() -> None:
    change = between("id,x\n1,nan\n2,inf\n3,1e308\n", "id,x\n1,1\n2,2\n3,-1e308\n")
    assert 3 == change.columns[0].cells
    assert 2.0 == change.columns[0].relative


def test_a_table_without_names_has_numbered_columns() -> None:
    change = between("1,2\n3,4\n", "1,2\n3,5\n")
    assert (CellChange("row 2", "column 2", "4", "5"),) == change.cells


def test_a_table_that_lost_all_its_rows_keeps_its_names() -> None:
    change = between("id,x\n1,2\n", "id,x\n")
    assert (1, 0, 1, 0) == (change.old_rows, change.new_rows, change.removed, change.added)


def test_rows_may_be_too_short_or_too_long() -> None:
    change = between("id,x\n1,a\n2,b\n", "id,x\n1\n2,b,c\n")
    assert [("1", "a", ""), ("2", "b", "b,c")] == [
        (one.row, one.old, one.new) for one in change.cells
    ]


def test_another_encoding_is_no_hindrance() -> None:
    change = between("id,x\n1,ä\n2,b\n".encode("latin-1"), "id,x\n1,ä\n2,c\n".encode("latin-1"))
    assert 1 == change.changed


@pytest.mark.parametrize("data", [b"a\0b\n", b'a,b\n1,"' + b"x" * 200_000])
def test_what_is_no_table_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(NotATable):
        between(data, data + b"1")


CELLS = st.sampled_from(["0", "1", "2", "1.5", "x", "", "nan", "a,b", 'q"', "\x1f"])


@st.composite
def tables(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["id", "x", "y", "z"]), min_size=1, unique=True))
    width = len(names)
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8))
    if draw(st.booleans()):
        rows = [[str(at), *row[1:]] for at, row in enumerate(draw(st.permutations(rows)))]
    return written([names, *rows])


def written(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


@given(tables())
def test_a_table_does_not_differ_from_itself(table: str) -> None:
    assert between(table, table).is_same_values


@given(tables(), tables())
def test_counts_add_up(old: str, new: str) -> None:
    change = between(old, new)
    assert change.new_rows == change.old_rows - change.removed + change.added
    assert change.changed <= min(change.old_rows - change.removed, change.new_rows - change.added)
    assert bool(change.changed) == bool(change.columns) == bool(change.cells)


@given(tables(), tables())
def test_it_is_the_same_both_ways(old: str, new: str) -> None:
    forth, back = between(old, new), between(new, old)
    assert (forth.added, forth.removed, forth.changed, forth.match, forth.key) == (
        back.removed,
        back.added,
        back.changed,
        back.match,
        back.key,
    )
    assert forth.is_reordered == back.is_reordered
    assert (forth.columns_added, forth.columns_removed) == (
        back.columns_removed,
        back.columns_added,
    )
    assert sorted(forth.columns) == sorted(back.columns)
    assert sorted(forth.retyped) == sorted(
        one._replace(old=one.new, new=one.old) for one in back.retyped
    )


@given(tables(), st.randoms(use_true_random=False))
def test_shuffled_rows_are_only_reordered(table: str, chance: random.Random) -> None:
    head, *rows = list(csv.reader(io.StringIO(table)))
    mixed = rows.copy()
    chance.shuffle(mixed)
    change = between(table, written([head, *mixed]))
    assert (0, 0, 0) == (change.added, change.removed, change.changed)
    assert change.is_reordered == (mixed != rows)


def test_a_long_table_with_rows_in_step_is_not_held() -> None:
    """In-step rows are dropped as they are read: what is held is hashes of the key, no values."""
    body = [f"{at},{'v' * 200}\n" for at in range(5_000)]
    old = ("id,x\n" + "".join(body)).encode()
    body[7] = "7,other\n"
    new = ("id,x\n" + "first,0\n" + "".join(body)).encode()
    tracemalloc.start()
    try:
        change = between(old, new)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (1, 1, 0) == (change.added, change.changed, change.removed)
    assert peak < len(old)
