"""The private state is a memo: torn, foreign or gone, it reads as nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionpipe import memo

VALUE = {"a": (1, 2.5, None, True), "b": [b"bytes", "text \udcff"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    at = tmp_path / "state" / "memo"
    memo.save(at, VALUE)
    return at


def test_what_was_kept_is_loaded(path: Path) -> None:
    assert VALUE == memo.load(path)


def test_a_memo_is_replaced_whole_and_leaves_nothing_beside_it(path: Path) -> None:
    memo.save(path, "new")
    assert "new" == memo.load(path)
    assert ["memo"] == [one.name for one in path.parent.iterdir()]


def test_values_kept_one_by_one_are_loaded_one_by_one_and_the_first_alone(path: Path) -> None:
    memo.save_parts(path, iter((VALUE, "second", {})))
    assert [VALUE, "second", {}] == list(memo.load_parts(path))
    assert VALUE == memo.load(path)


def test_no_file_is_nothing(tmp_path: Path) -> None:
    assert memo.load(tmp_path / "none") is None


def test_a_memo_cut_anywhere_is_nothing(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert memo.load(path) is None, length


def test_a_memo_with_any_byte_changed_is_nothing(path: Path) -> None:
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 0x20,)) + whole[at + 1 :])
        assert memo.load(path) is None, at


def test_a_memo_with_something_after_it_is_nothing(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")
    assert memo.load(path) is None


def test_a_directory_in_its_place_is_nothing(tmp_path: Path) -> None:
    assert memo.load(tmp_path) is None


def test_a_value_that_cannot_be_kept_leaves_the_earlier_one(path: Path) -> None:
    with pytest.raises(ValueError, match="unmarshallable"):
        memo.save(path, object())
    assert VALUE == memo.load(path)
    assert ["memo"] == [one.name for one in path.parent.iterdir()]


def test_values_that_cannot_all_be_kept_leave_the_earlier_ones(path: Path) -> None:
    with pytest.raises(ValueError, match="unmarshallable"):
        memo.save_parts(path, iter(("new", object())))
    assert VALUE == memo.load(path)
    assert ["memo"] == [one.name for one in path.parent.iterdir()]
