"""Damage of every kind is noticed before a node sees it, and mended or owned up to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fusionstore.contract import Claim, Record, Root
from fusionstore.digest import digest_bytes
from fusionstore.errors import Corrupt, TreeLost
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, read_back, result_of, write_tree

FILES: dict[str, str | bytes] = {"a": "one", "sub/b": "two", "x:run": "three"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def record(store: Store, tmp_path: Path) -> Record:
    return publish(store, result_of(store, tmp_path, key_of("k"), FILES)).record


def reopened(store: Store) -> Store:
    store.close()
    return Store.open(store.path)


def edit_in_place(path: Path, text: str) -> None:
    path.chmod(0o644)
    path.write_text(text)


def object_of(store: Store, text: str) -> Path:
    digest = digest_bytes(text.encode())
    return store.path / "objects" / digest[:2] / digest


def break_tree_link(tree: Path, name: str) -> None:
    """Gives a tree's file an inode of its own, as a copying tool would."""
    data = (tree / name).read_bytes()
    (tree / name).unlink()
    (tree / name).write_bytes(data)


def test_an_edit_in_place_spoils_the_object_too_and_the_tree_is_lost(
    store: Store, record: Record
) -> None:
    tree = store.tree_path(record.slots["data"])
    edit_in_place(tree / "a", "ONE")
    with pytest.raises(TreeLost):
        store.check(record.slots["data"])
    assert store.lookup(key_of("k"), anything) is None
    assert not object_of(store, "one").exists()
    assert any("quarantine" in finding for finding in store.take_findings())
    kept = [path.read_text() for path in (store.path / "quarantine").rglob("a")]
    assert kept == ["ONE"]


def test_a_lost_tree_comes_back_when_its_maker_runs_again(
    store: Store, record: Record, tmp_path: Path
) -> None:
    edit_in_place(store.tree_path(record.slots["data"]) / "a", "ONE")
    with pytest.raises(TreeLost):
        store.check(record.slots["data"])
    assert isinstance(store.claim(key_of("k"), anything), Claim)
    again = publish(store, result_of(store, tmp_path, key_of("k"), FILES))
    assert (again.record, again.is_new) == (record, False)
    assert read_back(store.check(record.slots["data"])) == FILES


def test_a_rerun_that_differs_replaces_a_realisation_whose_bytes_are_lost(
    store: Store, record: Record, tmp_path: Path
) -> None:
    edit_in_place(store.tree_path(record.slots["data"]) / "a", "ONE")
    with pytest.raises(TreeLost):
        store.check(record.slots["data"])
    again = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "other"}))
    assert (again.is_new, again.disagrees_with) == (True, None)
    assert store.lookup(key_of("k"), anything) == again.record
    assert store.read_record(record.id).record == record  # what it was is still told


def test_an_edit_that_keeps_size_and_length_is_noticed(store: Store, record: Record) -> None:
    path = store.tree_path(record.slots["data"]) / "sub/b"
    edit_in_place(path, "owt")
    with pytest.raises(TreeLost):
        store.check(record.slots["data"])


def test_a_replaced_file_is_brought_back_from_its_object(store: Store, record: Record) -> None:
    tree = store.tree_path(record.slots["data"])
    (tree / "a").unlink()
    (tree / "a").write_text("replaced")
    assert read_back(store.check(record.slots["data"])) == FILES
    assert any("replaced" == p.read_text() for p in (store.path / "quarantine").rglob("a"))


def test_an_executable_bit_that_was_added_is_taken_away(store: Store, record: Record) -> None:
    (store.tree_path(record.slots["data"]) / "a").chmod(0o777)
    assert read_back(store.check(record.slots["data"])) == FILES


def test_a_touched_file_is_hashed_and_kept(store: Store, record: Record) -> None:
    os.utime(store.tree_path(record.slots["data"]) / "a", (5, 5))
    assert read_back(store.check(record.slots["data"])) == FILES
    assert store.take_findings() == []


def test_a_spoilt_file_is_healed_by_its_executable_twin(store: Store, tmp_path: Path) -> None:
    draft = result_of(store, tmp_path, key_of("k"), {"plain": "same", "x:runs": "same"})
    root = publish(store, draft).record.slots["data"]
    edit_in_place(store.tree_path(root) / "plain", "SAME")
    assert read_back(store.check(root)) == {"plain": "same", "x:runs": "same"}


@pytest.mark.parametrize("harm", ["truncate", "flip", "remove"])
def test_a_harmed_object_never_reaches_a_new_tree(store: Store, record: Record, harm: str) -> None:
    root = record.slots["data"]
    shutil.rmtree(store.tree_path(root))
    path = object_of(store, "two")
    path.chmod(0o644)
    match harm:
        case "truncate":
            os.truncate(path, 1)
        case "flip":
            path.write_bytes(b"twp")
        case _:
            path.unlink()
    with pytest.raises(TreeLost):
        store.materialise(root)
    assert not store.tree_path(root).exists()
    assert store.lookup(key_of("k"), anything) is None


def test_a_harmed_object_is_healed_by_the_tree_that_holds_a_copy(
    store: Store, record: Record
) -> None:
    tree = store.tree_path(record.slots["data"])
    break_tree_link(tree, "a")
    object_of(store, "one").unlink()
    assert read_back(store.check(record.slots["data"])) == FILES
    assert object_of(store, "one").read_text() == "one"


def test_a_bad_object_is_not_shared_by_a_later_ingest(
    store: Store, record: Record, tmp_path: Path
) -> None:
    edit_in_place(object_of(store, "one"), "ONE")
    tree = store.ingest(write_tree(tmp_path / "more", {"fresh": "one"}))
    assert read_back(store.check(tree.root)) == {"fresh": "one"}
    assert object_of(store, "one").read_text() == "one"


def test_without_an_index_every_byte_is_hashed_again(store: Store, record: Record) -> None:
    path = store.tree_path(record.slots["data"]) / "a"
    status = path.stat()
    edit_in_place(path, "eno")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    store.close()
    shutil.rmtree(store.path / "index")
    store = Store.open(store.path)
    assert store.lookup(key_of("k"), anything) is None
    store.close()


@pytest.mark.parametrize("how", ["deleted", "truncated", "garbage"])
def test_a_lost_index_is_made_anew(store: Store, record: Record, how: str) -> None:
    store.close()
    data = store.path / "index" / "data.mdb"
    match how:
        case "deleted":
            shutil.rmtree(store.path / "index")
        case "truncated":
            os.truncate(data, data.stat().st_size // 2)
        case _:
            data.write_bytes(os.urandom(64 * 1024))
    again = Store.open(store.path)
    assert again.lookup(key_of("k"), anything) == record
    assert read_back(again.check(record.slots["data"])) == FILES
    assert again.usage().stored > 0
    again.close()


def test_roots_survive_the_index(store: Store, tmp_path: Path) -> None:
    tree = store.ingest(write_tree(tmp_path / "mine", {"a": "1"}))
    store.write_root(Root("kept-1", trees=(tree.root,), encodings=dict(tree.directories)))
    store.close()
    shutil.rmtree(store.path / "index")
    shutil.rmtree(store.path / "trees")
    again = Store.open(store.path)
    assert read_back(again.check(tree.root)) == {"a": "1"}
    again.close()


@pytest.mark.parametrize("cut", [0, 10, 200, -1])
def test_a_torn_action_file_is_set_aside_and_its_key_runs_again(
    store: Store, record: Record, tmp_path: Path, cut: int
) -> None:
    key = key_of("k")
    action = store.path / "actions" / key[:2] / key
    store.close()
    shutil.rmtree(store.path / "index")
    whole = action.read_bytes()
    action.chmod(0o644)
    action.write_bytes(whole[:cut])
    again = Store.open(store.path)
    assert isinstance(again.claim(key, anything), Claim)
    assert (action.exists(), any("actions" in f for f in again.take_findings())) == (False, True)
    assert publish(again, result_of(again, tmp_path, key, FILES)).is_new
    again.close()


def test_an_indexed_record_whose_file_is_damaged_is_corrupt_once_then_unknown(
    store: Store, record: Record, tmp_path: Path
) -> None:
    key = key_of("k")
    edit_in_place(store.path / "actions" / key[:2] / key, "rubbish")
    with pytest.raises(Corrupt):
        store.read_record(record.id)
    with pytest.raises(KeyError):
        store.read_record(record.id)
    assert publish(store, result_of(store, tmp_path, key, FILES)).is_new


def test_a_record_on_disk_that_the_index_never_saw_is_taken_up(
    store: Store, record: Record, tmp_path: Path
) -> None:
    other = Store.open(tmp_path / "other")
    other.close()
    for part in ("actions", "objects"):
        shutil.copytree(store.path / part, other.path / part, dirs_exist_ok=True)
    other = Store.open(other.path)
    assert other.lookup(key_of("k"), anything) == record
    assert read_back(other.check(record.slots["data"])) == FILES
    other.close()


def test_a_record_whose_bytes_never_came_is_no_hit(
    store: Store, record: Record, tmp_path: Path
) -> None:
    other = Store.open(tmp_path / "other")
    other.close()
    shutil.copytree(store.path / "actions", other.path / "actions", dirs_exist_ok=True)
    other = Store.open(other.path)
    assert isinstance(other.claim(key_of("k"), anything), Claim)
    other.close()


def put_a_file_in_its_place(tree: Path) -> None:
    tree.rename(tree.with_name("moved"))
    tree.touch()


def put_a_link_in_its_place(tree: Path) -> None:
    tree.rename(tree.with_name("moved"))
    tree.symlink_to("moved")


HARMS: dict[str, Callable[[Path], object]] = {
    "a deleted tree": shutil.rmtree,
    "a file in its place": put_a_file_in_its_place,
    "a link in its place": put_a_link_in_its_place,
    "shut directories": lambda tree: (tree / "sub").chmod(0o000),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_tree_stands_again_after(store: Store, record: Record, harm: str) -> None:
    HARMS[harm](store.tree_path(record.slots["data"]))
    assert read_back(store.check(record.slots["data"])) == FILES
    assert not store.tree_path(record.slots["data"]).is_symlink()
