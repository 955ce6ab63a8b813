"""Two JSON documents by path."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.compare.difference import JsonChange, ValueChange
from fusionpipe.compare.jsons import NotJson, compare_json, parse, parse_lines

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(width=16) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=15,
)


def between(old: object, new: object) -> list[tuple[str, str | None, str | None]]:
    return [tuple(one) for one in compare_json(old, new, 100).values]


def test_the_innermost_place_that_differs_is_told() -> None:
    assert [("a.b[1]", "2", "5")] == between({"a": {"b": [1, 2]}}, {"a": {"b": [1, 5]}})


def test_what_is_there_only_once_is_added_or_removed() -> None:
    change = compare_json({"a": None}, {"b": 1}, 10)
    assert (1, 1, 0) == (change.added, change.removed, change.changed)
    assert (ValueChange("a", "null", None), ValueChange("b", None, "1")) == change.values


def test_an_item_put_in_is_one_difference() -> None:
    assert [("[1]", None, "9")] == between([1, 2, 3], [1, 9, 2, 3])


@pytest.mark.parametrize(("old", "new"), [(1, 1.0), (1, True), (0, None), ("1", 1), ([], {})])
def test_types_are_told_apart(old: object, new: object) -> None:
    assert 1 == compare_json(old, new, 1).changed
    assert 1 == compare_json([old], [new], 1).changed


def test_names_that_are_no_words_are_quoted() -> None:
    assert [('["a b"].c', "1", "2")] == between({"a b": {"c": 1}}, {"a b": {"c": 2}})


def test_a_file_with_a_document_a_line_is_a_list_of_them() -> None:
    assert [{"a": 1}, [2]] == parse_lines('{"a": 1}\n\n[2]\n')


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "nope"])
def test_what_is_no_json_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NotJson):
        parse(text)


def test_the_values_told_are_few_and_short() -> None:
    change = compare_json(list(range(1000)), ["x" * 1000] * 1000, 3)
    assert (1000, 3) == (change.changed, len(change.values))
    assert all(len(one.new or "") <= 80 for one in change.values)


@given(VALUES)
def test_a_document_does_not_differ_from_itself(value: object) -> None:
    text = json.dumps(value)
    assert JsonChange() == compare_json(parse(text), parse(text), 10)


@given(VALUES, VALUES)
def test_it_is_the_same_both_ways(old: object, new: object) -> None:
    forth, back = compare_json(old, new, 1 << 60), compare_json(new, old, 1 << 60)
    assert (forth.added, forth.removed, forth.changed) == (back.removed, back.added, back.changed)
    assert {(one.path, one.old, one.new) for one in forth.values} == {
        (one.path, one.new, one.old) for one in back.values
    }


@given(VALUES, VALUES)
def test_documents_without_a_difference_are_equal(old: object, new: object) -> None:
    if compare_json(old, new, 1).is_same_values:
        assert json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
