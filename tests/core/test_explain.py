"""Every difference between two keys is told, as a sentence a user understands (L11)."""

from __future__ import annotations

import json

import pytest

from fusionpipe.action import Action, Material
from fusionpipe.explain import Change, Field, compare, nearest, summary
from fusionpipe.model import Entry, Language
from fusionstore.contract import JsonObject
from fusionstore.digest import Digest, digest_bytes
from fusionstore.tree import Entry as Name
from fusionstore.tree import Kind, Tree, build

TREES: dict[Digest, Tree] = {}


def tree(*empty: str, **files: str) -> Digest:
    """A stored tree of files by name ("x_py" is x.py; a text with #! is executable)."""
    entries = {
        name.replace("_", "."): Name(
            "",
            Kind.EXECUTABLE if text.startswith("#!") else Kind.FILE,
            blob(text.removeprefix("#!")),
            len(text),
        )
        for name, text in files.items()
    }
    made = build({**entries, **{at: Name("", Kind.DIRECTORY) for at in empty}})
    TREES[made.root] = made
    return made.root


def blob(text: str) -> Digest:
    return digest_bytes(text.encode())


def folder(digest: Digest) -> Material:
    return Material(Kind.DIRECTORY, digest)


OLD = Action(
    code=tree(main_py="a", old_py="o"),
    entry=Entry(Language.PYTHON, "main.py"),
    tool=("python", "3.11.7"),
    libs={"ours": folder(tree(stats_py="s"))},
    inputs={"config": Material(Kind.FILE, blob("c"))},
    params={"lr": 0.1, "deep": {"a": 1}},
    parents={"raw": {"": blob("raw")}, "runs": {"a": blob("a")}},
    tools={"matlab": "R2024b"},
    locks={"uv.lock": blob("lock")},
    env={"REGION": "eu"},
    seed=0,
    version="",
)

SENTENCES: dict[str, tuple[Action, list[str]]] = {
    "a file of code edited": (
        OLD._replace(code=tree(main_py="b", old_py="o")),
        ["code/main.py edited"],
    ),
    "files of code added, removed": (
        OLD._replace(code=tree(main_py="a", new_py="o")),
        ["code/new.py added", "code/old.py removed"],
    ),
    "a mode": (
        OLD._replace(code=tree(main_py="#!a", old_py="o")),
        ["code/main.py changed its executable bit"],
    ),
    "an empty directory": (
        OLD._replace(code=tree("out", main_py="a", old_py="o")),
        ["code/ edited"],
    ),
    "no code any more": (
        OLD._replace(code=None),
        ["code/main.py removed", "code/old.py removed"],
    ),
    "code that cannot be read any more": (OLD._replace(code=blob("gone")), ["code/ edited"]),
    "a parameter": (OLD._replace(params={**OLD.params, "lr": 0.2}), ["param lr: 0.1 → 0.2"]),
    "a nested parameter": (
        OLD._replace(params={**OLD.params, "deep": {"a": 2}}),
        ["param deep.a: 1 → 2"],
    ),
    "a parameter's type": (
        OLD._replace(params={**OLD.params, "deep": {"a": 1.0}}),
        ["param deep.a: 1 → 1.0"],
    ),
    "a parameter in a list": (
        OLD._replace(params={"lr": 0.1, "deep": {"a": [1]}}),
        ["param deep.a: 1 → [1]"],
    ),
    "a parameter more": (
        OLD._replace(params={**OLD.params, "on": True}),
        ["param on: (none) → true"],
    ),
    "a parameter that became a text": (
        OLD._replace(params={**OLD.params, "on": "true", "n": "1"}),
        ["param n: (none) → '1'", "param on: (none) → 'true'"],
    ),
    "a lib's file": (
        OLD._replace(libs={"ours": folder(tree(stats_py="t"))}),
        ["libs/ours/stats.py edited"],
    ),
    "a lib": (OLD._replace(libs={}), ["libs/ours removed"]),
    "an input": (
        OLD._replace(inputs={"config": Material(Kind.FILE, blob("d"))}),
        ["inputs/config edited"],
    ),
    "an input's mode": (
        OLD._replace(inputs={"config": Material(Kind.EXECUTABLE, blob("c"))}),
        ["inputs/config changed its executable bit"],
    ),
    "an input that became a directory": (
        OLD._replace(inputs={"config": folder(tree(a_yaml="a"))}),
        ["inputs/config edited"],
    ),
    "a parent's data": (
        OLD._replace(parents={**OLD.parents, "raw": {"": blob("new")}}),
        ["raw produced other data"],
    ),
    "a parent more": (
        OLD._replace(parents={**OLD.parents, "more": {"": blob("m")}}),
        ["more parent added"],
    ),
    "a member of a group": (
        OLD._replace(parents={**OLD.parents, "runs": {"b": blob("a")}}),
        ["runs/a parent removed", "runs/b parent added"],
    ),
    "a group without members": (
        OLD._replace(parents={**OLD.parents, "none": {}}),
        ["none parent added"],
    ),
    "a lock": (OLD._replace(locks={"uv.lock": blob("x")}), ["uv.lock locks other packages"]),
    "a lock fewer": (OLD._replace(locks={}), ["uv.lock removed"]),
    "a variable": (OLD._replace(env={"REGION": "us"}), ["REGION: eu → us"]),
    "a variable that is unset": (OLD._replace(env={"REGION": None}), ["REGION: eu → (unset)"]),
    "a variable declared but unset": (
        OLD._replace(env={"REGION": "eu", "MORE": None}),
        ["MORE: (none) → (unset)"],
    ),
    "an empty variable": (OLD._replace(env={"REGION": ""}), ["REGION: eu → ''"]),
    "the tool's version": (
        OLD._replace(tool=("python", "3.12.1")),
        ["python 3.11.7 → 3.12.1"],
    ),
    "the tool": (OLD._replace(tool=("r", "4.4")), ["tool python 3.11.7 → r 4.4"]),
    "a declared tool": (OLD._replace(tools={"matlab": "R2025a"}), ["matlab R2024b → R2025a"]),
    "the entry": (
        OLD._replace(entry=Entry(Language.PYTHON, "go.py")),
        ["it is started differently"],
    ),
    "the seed": (OLD._replace(seed=7), ["seed 0 → 7"]),
    "the version": (OLD._replace(version="2"), ["version '' → 2"]),
    "the name": (OLD._replace(name="prep/clean"), ["name (none) → prep/clean"]),
}


@pytest.mark.parametrize("what", SENTENCES)
def test_a_change_is_told_in_one_sentence(what: str) -> None:
    new, told = SENTENCES[what]
    assert told == [str(change) for change in differences(OLD, new)]


def stored(action: Action) -> JsonObject:
    """A manifest as it comes back from a record."""
    manifest: JsonObject = json.loads(json.dumps(action.manifest()))
    return manifest


def differences(old: Action, new: Action) -> tuple[Change, ...]:
    return compare(stored(old), new.manifest(), TREES.get)


@pytest.mark.parametrize("what", SENTENCES)
def test_no_difference_is_told_of_equal_actions(what: str) -> None:
    assert () == differences(SENTENCES[what][0], SENTENCES[what][0])


def test_not_a_number_equals_itself() -> None:
    action = OLD._replace(params={"x": float("nan")})
    assert () == differences(action, action)


@pytest.mark.parametrize("field", sorted(set(Field) - {Field.PACKAGE, Field.FORMAT}))
def test_each_part_of_the_key_has_a_sentence_of_its_own_here(field: Field) -> None:
    seen = {change.field for new, _ in SENTENCES.values() for change in differences(OLD, new)}
    assert field in seen


def test_another_format_and_a_package_are_told_too() -> None:
    (change,) = compare({**OLD.manifest(), "format": "older"}, OLD.manifest(), TREES.get)
    assert "made by a version of fusionpipe that gave runs something else" == str(change)
    assert "pandas 2.2.0 → 2.3.1" == str(Change(Field.PACKAGE, "pandas", "2.2.0", "2.3.1"))
    assert "pandas 2.2.0 → (none)" == str(Change(Field.PACKAGE, "pandas", "2.2.0", None))
    edited = Change(Field.PACKAGE, "ourlib", "1.0 e3b0 17ae", "1.0 e3b0 9c1e")
    assert "ourlib 1.0: its installed files were edited" == str(edited)


def test_what_the_user_did_is_told_before_what_follows_from_it() -> None:
    new = OLD._replace(
        code=tree(main_py="b", old_py="o"), parents={}, tool=("python", "3.12"), seed=1
    )
    expected = [Field.CODE, Field.PARENT, Field.PARENT, Field.TOOL, Field.SEED]
    assert expected == [change.field for change in differences(OLD, new)]


# -- the nearest earlier run -------------------------------------------------------------------
def test_the_run_with_the_fewest_differences_is_the_nearest() -> None:
    far = OLD._replace(seed=1, version="1")
    near = OLD._replace(seed=2)
    found = nearest([("far", stored(far)), ("near", stored(near))], OLD.manifest(), TREES.get)
    assert found is not None
    assert ("near", ["seed 2 → 0"]) == (found[0], [str(change) for change in found[1]])


def test_of_equally_near_runs_the_latest_is_told() -> None:
    runs = [(name, stored(OLD._replace(seed=seed))) for name, seed in (("new", 1), ("old", 2))]
    found = nearest(runs, OLD.manifest(), TREES.get)
    assert found is not None
    assert "new" == found[0]


def test_without_an_earlier_run_there_is_no_nearest() -> None:
    assert nearest([], OLD.manifest(), TREES.get) is None


def changes(count: int) -> list[Change]:
    return [Change(Field.SEED, f"s{number}", 0, 1) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, ""), (1, "s0 0 → 1"), (2, "s0 0 → 1; s1 0 → 1"), (4, "s0 0 → 1; s1 0 → 1 (+2 more)")],
)
def test_a_summary_names_the_first_changes_and_counts_the_rest(count: int, told: str) -> None:
    assert told == summary(changes(count))
