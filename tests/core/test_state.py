"""The project's private state: merged when two builds save at once, worth nothing when torn."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionpipe import memo
from fusionpipe.build.state import DIRECTORY, NodeRow, State
from fusionpipe.memory import Memory
from fusionpipe.model import NodeName
from fusionstore.digest import Digest

A, B, C = NodeName("a"), NodeName("b"), NodeName("c")
ALL = {A: None, B: None, C: None}


def row(record: str) -> NodeRow:
    return NodeRow(record=record, key="k" + record, root=(1, 2), overridden=("x",), seconds=1.5)


def rows(state: State) -> dict[NodeName, NodeRow]:
    return {name: state.row(name) for name in state.names}


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    state = State.load(tmp_path)
    state.put(A, row("1"))
    state.choose("key", "record")
    state.probes["python"] = {"found": "3.11"}
    state.memory.files["x"] = ((1, 2, 3, 4, 5), Digest("d"))
    state.save(ALL)
    loaded = State.load(tmp_path)
    assert (rows(state), state.choices) == (rows(loaded), loaded.choices)
    assert (state.probes, state.memory) == (loaded.probes, loaded.memory)


def test_every_fact_of_a_row_is_kept(tmp_path: Path) -> None:
    values: dict[str, object] = {
        "root": (3, 4),
        "overridden": ("p",),
        "recent": ("r",),
        "seconds": 2.5,
    }
    full = NodeRow(**{name: values.get(name, name) for name in NodeRow._fields})  # type: ignore[arg-type]
    state = State.load(tmp_path)
    state.put(A, full)
    state.save(ALL)
    assert full == State.load(tmp_path).row(A)


def test_two_builds_that_save_at_once_keep_each_others_rows_and_choices(tmp_path: Path) -> None:
    first = State.load(tmp_path)
    first.put(A, row("old"))
    first.put(C, row("old"))
    first.save(ALL)
    one, two = State.load(tmp_path), State.load(tmp_path)
    one.put(A, row("one"))
    one.choose("k1", "one")
    two.put(B, row("two"))
    two.choose("k2", "two")
    one.save(ALL)
    two.save(ALL)
    loaded = State.load(tmp_path)
    assert {A: row("one"), B: row("two"), C: row("old")} == rows(loaded)
    assert {"k1": "one", "k2": "two"} == loaded.choices


def test_a_node_of_another_branch_keeps_its_row_if_it_has_a_result(tmp_path: Path) -> None:
    state = State.load(tmp_path)
    state.put(A, row("1"))
    state.put(B, NodeRow(failed_key="k"))
    state.save({C: None})
    assert {A: row("1")} == rows(State.load(tmp_path))


@pytest.mark.parametrize("damage", [b"", b"torn", None])
def test_a_damaged_state_is_an_empty_one(tmp_path: Path, damage: bytes | None) -> None:
    state = State.load(tmp_path)
    state.put(A, row("1"))
    state.memory.files["x"] = ((1, 2, 3, 4, 5), Digest("d"))
    state.save(ALL)
    for name in ("rows", "memory"):
        path = tmp_path / DIRECTORY / "state" / name
        if damage is None:
            path.unlink()
        else:
            path.write_bytes(damage)
    loaded = State.load(tmp_path)
    assert ({}, {}, Memory()) == (rows(loaded), loaded.choices, loaded.memory)


def test_a_state_of_another_shape_is_an_empty_one(tmp_path: Path) -> None:
    state = State.load(tmp_path)
    state.put(A, row("1"))
    state.save(ALL)
    path = tmp_path / DIRECTORY / "state" / "rows"
    plain = memo.load(path)
    assert isinstance(plain, tuple)
    memo.save(path, ((*plain[0], "a field of tomorrow"), *plain[1:]))
    assert {} == rows(State.load(tmp_path))


def test_a_node_that_was_never_seen_has_an_empty_row(tmp_path: Path) -> None:
    assert NodeRow() == State.load(tmp_path).row(A)


# -- rows -------------------------------------------------------------------------------------
def test_a_linked_result_becomes_the_most_recent_and_clears_the_failure() -> None:
    before = NodeRow(record="1", recent=("1", "0"), failed_key="k", failed_why="exited with 1")
    after = before._replace(record="2", key="k2").linked()
    assert NodeRow(record="2", key="k2", recent=("2", "1", "0")) == after


def test_a_result_linked_again_is_moved_to_the_front_and_not_listed_twice() -> None:
    assert ("1", "3", "2") == NodeRow(record="1", recent=("3", "2", "1")).linked().recent


def test_only_the_latest_results_are_remembered() -> None:
    made = NodeRow()
    for number in range(30):
        made = made._replace(record=str(number)).linked()
    assert tuple(str(number) for number in range(29, 9, -1)) == made.recent
    assert made._replace(recent=()) == NodeRow(record="29")
