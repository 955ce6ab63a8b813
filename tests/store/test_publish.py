"""What publishing does besides what every store promises: quiet, disk errors, group commit, layout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionstore.contract import Claim, Draft, NotPublished, Published, Root
from fusionstore.digest import digest_bytes
from fusionstore.errors import ChangedWhileStored, DiskFull
from fusionstore.faults import ActAt, failing
from fusionstore.layout import Layout
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, read_back, result_of, write_tree


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store")
    yield store
    store.close()


def test_stored_files_are_read_only_and_shared_with_their_objects(
    store: Store, tmp_path: Path
) -> None:
    tree = store.ingest(write_tree(tmp_path / "out", {"a": "1", "x:b": "2", "c/d": "1"}))
    at = store.tree_path(tree.root)
    assert [0o444, 0o555, 0o755] == [(at / n).stat().st_mode & 0o7777 for n in ("a", "b", "c")]
    one = store.object_path(digest_bytes(b"1"))
    assert one.stat().st_ino == (at / "a").stat().st_ino == (at / "c/d").stat().st_ino


def test_a_file_somebody_still_writes_to_is_refused(store: Store, tmp_path: Path) -> None:
    directory = write_tree(tmp_path / "out", {"sub/a": "1"})
    with (directory / "sub/a").open("a"), pytest.raises(ChangedWhileStored, match="sub/a"):
        store.ingest(directory)


def test_a_users_file_that_was_hard_linked_into_the_output_stays_the_users(
    store: Store, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    mine.chmod(0o644)
    directory = write_tree(tmp_path / "out", {})
    os.link(mine, directory / "linked")
    tree = store.ingest(directory)
    mine.write_text("edited")
    assert read_back(store.check(tree.root)) == {"linked": "mine"}
    assert mine.stat().st_mode & 0o777 == 0o644


def opened(tmp_path: Path, step: str, act: object) -> Store:
    assert callable(act)
    return Store.open(tmp_path / "store", step=ActAt(step, act))


def test_a_result_that_changes_before_the_barrier_is_not_published_and_the_others_are(
    tmp_path: Path,
) -> None:
    trees: list[Path] = []

    def edit() -> None:
        (trees[0] / "a").chmod(0o644)
        (trees[0] / "a").write_text("changed late")

    store = opened(tmp_path, "records written", edit)
    late = result_of(store, tmp_path, key_of("late"), {"a": "1"})
    trees.append(store.tree_path(late.slots["data"].root))
    good = result_of(store, tmp_path, key_of("good"), {"a": "2"})
    first, second = store.commit([late, good])
    assert isinstance(first, NotPublished)
    assert isinstance(first.error, ChangedWhileStored)
    assert isinstance(second, Published)
    assert store.lookup(key_of("late"), anything) is None
    store.close()


@pytest.mark.parametrize("step", ["durable", "names durable"])
def test_a_disk_that_fills_up_in_the_end_leaves_nothing_visible(tmp_path: Path, step: str) -> None:
    def fill() -> None:
        raise DiskFull(tmp_path)

    store = opened(tmp_path, step, fill)
    claim = store.claim(key_of("k"), anything)
    assert isinstance(claim, Claim)
    draft = result_of(store, tmp_path, key_of("k"), {"a": "1"})
    try:
        (outcome,) = store.commit([draft])
        assert isinstance(outcome, NotPublished)
    except DiskFull:
        pass
    store.fail(claim, {"log": "disk full"})
    assert store.lookup(key_of("k"), anything) is None
    assert publish(store, draft).is_new
    store.close()


def test_a_batch_is_found_after_opening_again(store: Store, tmp_path: Path) -> None:
    drafts = [result_of(store, tmp_path, key_of(str(n)), {"a": str(n)}) for n in range(40)]
    assert all(isinstance(outcome, Published) for outcome in store.commit(drafts))
    store.close()
    again = Store.open(store.path)
    roots = [again.lookup(key_of(str(n)), anything) for n in range(40)]
    assert [r.slots["data"] for r in roots if r] == [d.slots["data"].root for d in drafts]
    again.close()


def test_a_large_directory_is_an_object_and_not_part_of_the_record(
    store: Store, tmp_path: Path
) -> None:
    files: dict[str, str | bytes] = {f"file-{n:04}": str(n % 7) for n in range(500)}
    draft = result_of(store, tmp_path, key_of("k"), files)
    record = publish(store, draft).record
    action = Path(Layout(store.path).action(key_of("k")))
    assert action.stat().st_size < 2_000
    assert store.read_record(record.id).trees == draft.slots["data"].directories
    store.trash(store.tree_path(record.slots["data"]))
    assert read_back(store.materialise(record.slots["data"])) == files


def test_the_store_knows_how_much_it_holds(store: Store, tmp_path: Path) -> None:
    publish(store, result_of(store, tmp_path, key_of("k"), {"a": "x" * 1000, "b": "x" * 1000}))
    assert store.usage().stored == 1000
    store.reindex()
    usage = store.usage()
    assert usage.stored == 1000
    assert 0 < usage.free <= usage.total


def test_an_identical_output_goes_to_the_trash(store: Store, tmp_path: Path) -> None:
    one = store.ingest(write_tree(tmp_path / "one", {"a": "1"}))
    inode = store.tree_path(one.root).stat().st_ino
    store.ingest(write_tree(tmp_path / "two", {"a": "1"}))
    assert store.tree_path(one.root).stat().st_ino == inode
    store.empty_trash()
    assert os.listdir(store.path / "tmp" / "trash") == []


def test_what_a_root_keeps_is_durable_without_a_record(store: Store, tmp_path: Path) -> None:
    tree = store.ingest(write_tree(tmp_path / "mine", {"a": "1"}))
    store.write_root(Root("kept-1", trees=(tree.root,), encodings=dict(tree.directories)))
    store.close()
    again = Store.open(store.path)
    assert again.read_tree(tree.root) == tree
    assert read_back(again.check(tree.root)) == {"a": "1"}
    again.close()


def test_a_wrapper_fails_only_what_it_is_told_to(store: Store, tmp_path: Path) -> None:
    broken = failing(store, {"commit": DiskFull(tmp_path)})
    draft = result_of(broken, tmp_path, key_of("k"), {"a": "1"})
    with pytest.raises(DiskFull):
        broken.commit([draft])
    assert isinstance(draft, Draft)
    assert broken.lookup(key_of("k"), anything) is None


@pytest.mark.slow
def test_a_hundred_thousand_files_are_one_result(store: Store, tmp_path: Path) -> None:
    directory = tmp_path / "out"
    for folder in range(100):
        (directory / str(folder)).mkdir(parents=True)
        for number in range(1000):
            (directory / str(folder) / str(number)).write_bytes(
                b"" if number % 2 else b"%d" % folder
            )
    tree = store.ingest(directory)
    record = publish(store, Draft(key_of("k"), {"data": tree})).record
    (store.tree_path(tree.root) / "5" / "7").unlink()
    assert len(os.listdir(store.check(record.slots["data"]) / "5")) == 1000


@pytest.mark.slow
def test_more_files_of_one_content_than_an_inode_has_links(store: Store, tmp_path: Path) -> None:
    directory = tmp_path / "out"
    directory.mkdir()
    for number in range(66_000):
        (directory / str(number)).touch()
    tree = store.ingest(directory)
    publish(store, Draft(key_of("k"), {"data": tree}))
    store.trash(store.tree_path(tree.root))
    assert len(os.listdir(store.check(tree.root))) == 66_000
