"""The key holds everything that can reach the code, and nothing else (L1, L2)."""

from __future__ import annotations

import copy
import json
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.action import FORMAT, Action, Material, encode, key_of
from fusionpipe.model import Entry, Language
from fusionstore.contract import Json, JsonObject
from fusionstore.digest import Digest, digest_bytes
from fusionstore.tree import Kind

GOLDEN = Path(__file__).with_name("golden_keys.json")


def blob(text: str) -> Digest:
    return digest_bytes(text.encode())


PLAIN = Action(blob("code"), Entry(Language.PYTHON, "main.py"), ("python", "3.11.7"))
FULL = Action(
    code=blob("code"),
    entry=Entry(Language.PYTHON, "", ("python", "-m", "fit")),
    tool=("python", "3.11.7"),
    libs={
        "ourlib": Material(Kind.DIRECTORY, blob("lib")),
        "one.py": Material(Kind.FILE, blob("1")),
    },
    inputs={"config": Material(Kind.EXECUTABLE, blob("config"))},
    params={"lr": 0.1, "layers": [1, 2], "on": True, "deep": {"a": {"b": None}}},
    parents={"raw": {"": blob("raw")}, "runs": {"a": blob("a"), "b/c": blob("bc")}},
    tools={"matlab": "R2024b"},
    locks={"uv.lock": blob("lock")},
    env={"REGION": "eu", "EMPTY": "", "UNSET": None},
    seed=7,
    version="2",
    name="train/fit",
)

OTHERS: dict[str, list[Action]] = {
    "code": [FULL._replace(code=blob("edited")), FULL._replace(code=None)],
    "entry": [
        FULL._replace(entry=Entry(Language.PYTHON, "main.py")),
        FULL._replace(entry=Entry(Language.COMMAND, "", FULL.entry.argv)),
        FULL._replace(entry=Entry(Language.PYTHON, "", ("python", "-m fit"))),
    ],
    "tool": [FULL._replace(tool=("python", "3.11.8")), FULL._replace(tool=("r", "3.11.7"))],
    "libs": [
        FULL._replace(libs={}),
        FULL._replace(libs={**FULL.libs, "ourlib": Material(Kind.DIRECTORY, blob("edited"))}),
        FULL._replace(libs={**FULL.libs, "one.py": Material(Kind.EXECUTABLE, blob("1"))}),
        FULL._replace(libs={"renamed": FULL.libs["ourlib"], "one.py": FULL.libs["one.py"]}),
    ],
    "inputs": [
        FULL._replace(inputs={}),
        FULL._replace(inputs={"config": Material(Kind.FILE, blob("config"))}),
        FULL._replace(inputs={"other": FULL.inputs["config"]}),
    ],
    "params": [
        FULL._replace(params={**FULL.params, "lr": 0.2}),
        FULL._replace(params={**FULL.params, "on": 1}),
        FULL._replace(params={**FULL.params, "layers": [2, 1]}),
        FULL._replace(params={**FULL.params, "layers": [1, 2.0]}),
        FULL._replace(params={**FULL.params, "deep": {"a": {"b": ""}}}),
        FULL._replace(params={**FULL.params, "more": None}),
    ],
    "parents": [
        FULL._replace(parents={**FULL.parents, "raw": {"": blob("other")}}),
        FULL._replace(parents={"fresh": FULL.parents["raw"], "runs": FULL.parents["runs"]}),
        FULL._replace(parents={**FULL.parents, "raw": {"a": blob("raw")}}),
        FULL._replace(parents={**FULL.parents, "runs": {"a": blob("bc"), "b/c": blob("a")}}),
        FULL._replace(parents={**FULL.parents, "none": {}}),
    ],
    "tools": [FULL._replace(tools={"matlab": "R2025a"}), FULL._replace(tools={})],
    "locks": [FULL._replace(locks={"uv.lock": blob("upgraded")}), FULL._replace(locks={})],
    "env": [
        FULL._replace(env={**FULL.env, "REGION": "us"}),
        FULL._replace(env={**FULL.env, "EMPTY": None}),
        FULL._replace(env={"REGION": "eu", "EMPTY": ""}),
    ],
    "seed": [FULL._replace(seed=8)],
    "version": [FULL._replace(version="3")],
    "name": [FULL._replace(name="train/fit2"), FULL._replace(name=None)],
}
"""For each field, actions that differ from FULL in it alone."""


@pytest.mark.parametrize("field", Action._fields)
def test_changing_one_field_alone_changes_the_key(field: str) -> None:
    assert field in OTHERS, f"{field} is new in Action: add actions that differ in it alone"
    for other in OTHERS[field]:
        differing = [name for name in Action._fields if getattr(other, name) != getattr(FULL, name)]
        # 1 == True and 2 == 2.0 for Python: the key must know better
        assert differing in ([field], [])
        assert FULL.key() != other.key(), other


def test_no_two_of_these_actions_share_a_key() -> None:
    actions = [PLAIN, FULL, *(other for others in OTHERS.values() for other in others)]
    assert len(actions) == len({action.key() for action in actions})


def test_the_order_in_which_things_were_written_down_does_not_matter() -> None:
    def turned(value: Json) -> Json:
        if isinstance(value, dict):
            return {name: turned(item) for name, item in reversed(value.items())}
        return value

    assert FULL.key() == key_of(turned(FULL.manifest()))  # type: ignore[arg-type]  # a dict stays one


def test_the_manifest_gives_the_key_again_after_it_was_stored_as_json() -> None:
    assert FULL.key() == key_of(json.loads(json.dumps(FULL.manifest())))


def test_the_key_turns_with_the_format() -> None:
    assert FULL.key() != key_of({**FULL.manifest(), "format": FORMAT + "!"})


def test_a_value_that_is_no_json_is_refused_rather_than_left_out() -> None:
    with pytest.raises(AssertionError):
        encode({"params": (1, 2)})  # type: ignore[dict-item]  # that is the point


# -- the encoding ------------------------------------------------------------------------------
def is_same(left: Json, right: Json) -> bool:
    """Equal with equal types all the way down; NaNs are one, and zeros have signs."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return struct.pack(">d", left) == struct.pack(">d", right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_same(left[k], right[k]) for k in left)
    return left == right


TEXTS = st.one_of(
    st.sampled_from(["", "a", "b", "ab", "1", "n", "\0", "é", "e\u0301", "\udc80", "\ud800"]),
    st.text(st.characters(exclude_categories=()), max_size=4),
)
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.0, -0.0, 1.0, math.nan, -math.nan, math.inf, 10**20, 1e20, -1]),
    st.integers(),
    st.floats(),
    TEXTS,
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    ATOMS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_encodings_are_equal_exactly_for_equal_typed_values(left: Json, right: Json) -> None:
    assert is_same(left, right) == (encode(left) == encode(right))


@given(VALUES)
def test_one_change_anywhere_in_a_value_changes_its_encoding(value: Json) -> None:
    assert encode(value) == encode(copy.deepcopy(value))
    for other in neighbours(value):
        assert is_same(value, other) == (encode(value) == encode(other))


def neighbours(value: Json) -> list[Json]:
    """Values one small step away: wrapped, retyped, shortened, one item changed, moved across a border."""
    near: list[Json] = [[value], {"": value}, [value, None], str(value), None]
    match value:
        case bool():
            near += [int(value), float(value)]
        case int() if abs(value) < 2**53:
            near += [float(value), bool(value), value + 1]
        case str():
            near += [value + "\0", list(value), value[:-1]]
        case list():
            near += [value[1:], [value[:1], value[1:]], dict(enumerate_text(value))]
            near += [
                [*value[:i], other, *value[i + 1 :]]
                for i, v in enumerate(value)
                for other in neighbours(v)
            ]
        case dict():
            near += [[*value.values()], [*value]]
            near += [{**value, name: other} for name, v in value.items() for other in neighbours(v)]
    return near


def enumerate_text(values: list[Json]) -> list[tuple[str, Json]]:
    return [(str(number), item) for number, item in enumerate(values)]


# -- golden keys -------------------------------------------------------------------------------
GOLDEN_ACTIONS: dict[str, Action] = {
    "plain": PLAIN,
    "full": FULL,
    "command without code": Action(
        None, Entry(Language.COMMAND, "", ("make", "-s")), ("command", "")
    ),
    "shell": Action(blob("sh"), Entry(Language.SHELL, "main.sh"), ("sh", "dash 0.5")),
    "executable": Action(blob("x"), Entry(Language.EXECUTABLE, "main"), ("executable", "")),
    "octave": Action(blob("m"), Entry(Language.OCTAVE, "main.m"), ("octave", "9.2.0")),
    "number params": PLAIN._replace(params={"a": 1, "b": 1.0, "c": True, "d": -0.0, "e": 10**20}),
    "odd numbers": PLAIN._replace(params={"inf": math.inf, "-inf": -math.inf, "nan": math.nan}),
    "texts": PLAIN._replace(
        params={"é": "naïve", "": "\0date:2026-11-20", "1": "1", "raw": "\udcff"}
    ),
    "empty containers": PLAIN._replace(params={"list": [], "table": {}, "both": [[], {}]}),
    "one parent": PLAIN._replace(parents={"raw": {"": blob("raw")}}),
    "many parents": PLAIN._replace(parents={"runs": {"b": blob("b"), "a/c": blob("c")}}),
    "environment": PLAIN._replace(env={"SET": "x", "EMPTY": "", "UNSET": None}),
    "salted": PLAIN._replace(version="2026-11", seed=-1, name="prep/clean"),
}
"""Written to golden_keys.json by `python tests/core/test_action.py`, and only by that."""

ON_PURPOSE = (
    "The key of an unchanged action is another than it was: every result that users have would run again. "
    "If that is intended, turn FORMAT in fusionpipe/action.py, tell it in CHANGELOG.md, and write "
    "golden_keys.json anew with `python tests/core/test_action.py`. If not, this is a bug."
)


def golden() -> list[JsonObject]:
    rows: list[JsonObject] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return rows


def test_stored_manifests_still_have_the_keys_they_had() -> None:
    for row in golden():
        assert isinstance(row["manifest"], dict)
        assert row["key"] == key_of(row["manifest"]), f"{row['name']}: {ON_PURPOSE}"


def test_actions_still_have_the_manifests_they_had() -> None:
    told = {row["name"]: row["manifest"] for row in golden()}
    assert set(told) == set(GOLDEN_ACTIONS)
    for name, action in GOLDEN_ACTIONS.items():
        assert encode(told[name]) == encode(action.manifest()), f"{name}: {ON_PURPOSE}"


def write_golden() -> None:
    rows = [
        {"name": name, "key": action.key(), "manifest": action.manifest()}
        for name, action in GOLDEN_ACTIONS.items()
    ]
    GOLDEN.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_golden()
