"""Parameters: canonical form, params.json, project-wide ones and -p."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.errors import UsageError
from fusionpipe.params import UnknownParam, canonical, canonical_json, merge, plain, set_dotted

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.dates()
    | st.times()
    | st.datetimes()
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8)  # fmt: skip


def tokens(value):
    """A value as text in which every difference of type and sign shows."""
    if isinstance(value, dict):
        return ["{", *(token for key in value for token in (repr(key), *tokens(value[key]))), "}"]
    if isinstance(value, list):
        return ["[", *(token for item in value for token in tokens(item)), "]"]
    return [f"{type(value).__name__}:{value!r}"]


def reordered(value):
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_the_canonical_form_does_not_depend_on_the_order_written(value):
    assert tokens(canonical(value)) == tokens(canonical(reordered(value)))


@given(scalars, scalars)
def test_different_scalars_have_different_canonical_forms(one, other):
    is_same = tokens(one) == tokens(other)
    assert is_same == (tokens(canonical(one)) == tokens(canonical(other)))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_comes_back_as_it_was_written(text):
    assert text == plain(canonical(text))
    assert text == plain(canonical("\0date:" + text))[len("\0date:") :]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (date(2026, 11, 20), "2026-11-20"),
        (time(7, 32), "07:32:00"),
        (datetime(2026, 11, 20, 7, 32, tzinfo=UTC), "2026-11-20T07:32:00+00:00"),
    ],
)
def test_a_date_is_not_the_text_that_looks_like_it(value, shown):
    assert canonical(value) != canonical(shown)
    assert shown == plain(canonical(value))


def test_numbers_stay_what_they_are():
    found = plain(canonical([1, 1.0, True, -0.0, 0.0, math.inf, -math.nan]))
    assert [
        "int:1",
        "float:1.0",
        "bool:True",
        "float:-0.0",
        "float:0.0",
        "float:inf",
        "float:nan",
    ] == [token for token in tokens(found) if ":" in token]


@pytest.mark.parametrize("odd", [math.nan, -math.nan, math.inf, -math.inf])
def test_what_json_has_no_number_for_is_kept_as_text_that_equals_itself(odd):
    kept = canonical({"x": [odd]})
    assert canonical({"x": [odd]}) == kept
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert canonical({"x": [str(odd)]}) != kept


def test_params_json_is_sorted_readable_and_utf8():
    params = {"b": canonical({"z": 1.0, "a": [1, "ü"]}), "a": canonical(date(2026, 1, 2))}
    expected = '{\n  "a": "2026-01-02",\n  "b": {\n    "a": [\n      1,\n      "ü"\n    ],\n    "z": 1.0\n  }\n}\n'
    assert expected == canonical_json(params).decode()
    assert b"{}\n" == canonical_json({})


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=3), values, max_size=3
    )
)
def test_params_json_is_equal_for_equal_params_and_reads_back(params):
    ordered = {key: canonical(value) for key, value in params.items()}
    backwards = {key: canonical(reordered(value)) for key, value in reversed(params.items())}
    assert canonical_json(ordered) == canonical_json(backwards)
    read = json.loads(canonical_json(ordered))
    assert tokens({key: plain(ordered[key]) for key in sorted(ordered)}) == tokens(read)


def test_merge_goes_into_tables_and_replaces_the_rest():
    assert {"a": {"x": 1, "y": 3, "z": 4}, "b": [2], "c": 5} == merge(
        {"a": {"x": 1, "y": 2}, "b": [1, 2, 3]}, {"a": {"y": 3, "z": 4}, "b": [2], "c": 5}
    )


def test_set_dotted_changes_one_declared_value_and_nothing_given():
    params = {"opt": {"lr": 0.1, "k": 1}, "a.b": 1}
    assert {"opt": {"lr": 2, "k": 1}, "a.b": 1} == set_dotted(params, "opt.lr", 2)
    assert {"opt": {"lr": 0.1, "k": 1}, "a.b": 3} == set_dotted(params, "a.b", 3)
    assert {"opt": {"lr": 0.1, "k": 1}, "a.b": 1} == params


@pytest.mark.parametrize("dotted", ["lr", "opt.rate", "opt.lr.deeper", "a", "b.c"])
def test_set_dotted_knows_only_what_is_declared(dotted):
    with pytest.raises(UnknownParam):
        set_dotted({"opt": {"lr": 0.1}, "a.b": 1}, dotted, 1)


def test_a_project_wide_param_reaches_only_who_uses_it(project):
    project.write({"fusionpipe.toml": '[params]\nregion = "eu"\nday = 2026-11-20'})
    project.node("x", 'use = ["region"]\n[params]\na = 1').node("y")
    assert ({"a": 1, "region": "eu"}, {}) == (
        project.loaded("x").params,
        project.loaded("y").params,
    )


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("0.5", 0.5), ("3", 3), ("true", True), ('"3"', "3"), ("plain words", "plain words"), ("", ""),
        ("[1, 2]", [1, 2]), ("{ a = 1 }", {"a": 1}), ("1\nother = 2", "1\nother = 2"), ("a=b", "a=b"),
        ("2026-11-20", canonical(date(2026, 11, 20))),
    ],
)  # fmt: skip
def test_an_override_is_toml_if_it_can_be_read_as_such(project, typed, value):
    project.node("x", "[params]\nlr = 1")
    node = project.loaded("x", f"x.lr={typed}")
    assert (tokens({"lr": value}), ("lr",)) == (tokens(node.params), node.overridden)


def test_the_longest_node_name_takes_an_override(project):
    project.node("g/x", "[params]\nb.c = 1").node("g/x.b", "[params]\nc = 1")
    graph = project.load("g/x.b.c=2")
    assert [{"b": {"c": 1}}, {"c": 2}] == [node.params for node in graph.nodes.values()]


def test_a_project_wide_override_changes_all_who_use_it_and_the_nearer_one_wins(project):
    project.write({"fusionpipe.toml": '[params]\nregion = {name = "eu"}'})
    project.node("x", 'use = ["region"]').node("y", 'use = ["region"]').node("z")
    nodes = project.load("y.region.name=asia", "region.name=us").nodes.values()
    found = [(node.params, node.overridden) for node in nodes]
    expected = [
        ({"region": {"name": "us"}}, ("region.name",)),
        ({"region": {"name": "asia"}}, ("region.name",)),
        ({}, ()),
    ]
    assert expected == found


@pytest.mark.parametrize(
    ("typed", "what", "mend"),
    [
        ("x.lr", "wants NODE.KEY=VALUE", "-p train.lr=0.1"),
        ("=3", "wants NODE.KEY=VALUE", "-p train.lr=0.1"),
        ("x.lrr=3", "lrr is not declared", 'did you mean "lr"?'),
        ("x.zzz=3", "zzz is not declared", "x declares: lr"),
        ("x=3", "which parameter of x?", "-p x.KEY=VALUE"),
        ("g/yy.lr=3", 'no node and no project-wide param is called "g/yy"', 'did you mean "g/y"?'),
        ("region=3", "no node uses", 'use = ["region"]'),
        ("s.a=3", "is a source and has no params", ""),
    ],
)
def test_an_override_that_is_nobodys_is_refused(project, typed, what, mend):
    project.write({"fusionpipe.toml": '[params]\nregion = "eu"'})
    project.write({"s/node.toml": 'source = true\npath = "/"'})
    project.node("x", "[params]\nlr = 1").node("g/y")
    with pytest.raises(UsageError) as caught:
        project.load(typed)
    assert what in caught.value.what
    assert mend in caught.value.mend
