"""What a store must keep, may give up, and must notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusionstore.contract import (
    Claim,
    Draft,
    ResultStore,
    Root,
    Standing,
)
from fusionstore.digest import digest_bytes
from fusionstore.errors import TreeLost
from fusionstore.findings import Fault
from fusionstore.testing.results import (
    LATER,
    anything,
    everything,
    key_of,
    publish,
    read_back,
    result_of,
    write_tree,
)
from fusionstore.tree import Entry, Kind, build


class KeepingChecks:
    """Checking, roots, collecting, auditing."""

    # -- checking ---------------------------------------------------------------------------
    @pytest.mark.parametrize(
        "harm", ["add", "remove", "add below", "swap kind", "retarget", "rename"]
    )
    def test_check_mends_a_tree_and_says_what_it_found(
        self, store: ResultStore, tmp_path: Path, harm: str
    ) -> None:
        files: dict[str, str | bytes] = {"a": "1", "sub/b": "2", "link": "-> a"}
        draft = result_of(store, tmp_path, key_of("k"), files)
        root = publish(store, draft).record.slots["data"]
        _HARM[harm](store.check(root))
        assert read_back(store.check(root)) == files
        assert store.take_findings()
        assert (store.check(root), store.take_findings()) == (store.tree_path(root), [])

    def test_a_tree_of_many_names_can_be_taken_as_it_stands(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        files: dict[str, str | bytes] = {"a": "1", "sub/b": "2"}
        root = publish(store, result_of(store, tmp_path, key_of("k"), files)).record.slots["data"]
        assert store.check_small(root, 3)
        _HARM["add"](store.tree_path(root))
        assert not store.check_small(root, 3)
        assert len(read_back(store.tree_path(root))) > 2
        assert store.check_small(root, 9)
        assert read_back(store.tree_path(root)) == files

    def test_a_tree_nobody_stored_is_lost(self, store: ResultStore) -> None:
        with pytest.raises(TreeLost):
            store.check(digest_bytes(b"never"))
        with pytest.raises(KeyError):
            store.read_tree(digest_bytes(b"never"))

    # -- roots ------------------------------------------------------------------------------
    def test_a_root_is_written_replaced_and_deleted(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        tree = store.ingest(write_tree(tmp_path / "mine", {"a": "1"}))
        root = Root("kept-1", trees=(tree.root,), encodings=dict(tree.directories), body={"n": 1})
        store.write_root(root)
        assert store.read_root("kept-1") == root
        assert store.read_tree(tree.root) == tree
        newer = Root("kept-1", body={"n": 2})
        store.write_root(newer)
        assert store.roots() == [newer] == store.roots("kept-")
        assert store.roots("pin-") == []
        store.delete_root("kept-1")
        store.delete_root("kept-1")
        assert (store.read_root("kept-1"), store.roots()) == (None, [])

    # -- collecting -------------------------------------------------------------------------
    def test_what_is_given_up_is_no_result_and_can_still_be_read(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        one = publish(store, result_of(store, tmp_path, key_of("1"), {"a": "1", "all": "x"})).record
        two = publish(store, result_of(store, tmp_path, key_of("2"), {"a": "2", "all": "x"})).record
        full = store.read_record(one.id)
        done = store.collect(lambda _: [one.id], now=LATER)
        assert ([held.id for held in done.records], done.objects, done.bytes) == ([one.id], 1, 1)
        assert store.lookup(key_of("1"), anything, one.id) is None
        assert (store.records(key_of("1")), store.hold([one.id, two.id])) == ([], [two.id])
        assert store.read_record(one.id) == full
        with pytest.raises(TreeLost):
            store.check(one.slots["data"])
        assert read_back(store.check(two.slots["data"])) == {"a": "2", "all": "x"}

    def test_a_dry_run_tells_what_would_go_and_leaves_it(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "12345"})).record
        told = store.collect(lambda _: [record.id], dry_run=True, now=LATER)
        assert ([held.id for held in told.records], told.bytes) == ([record.id], 5)
        assert store.lookup(key_of("k"), anything) == record
        assert read_back(store.check(record.slots["data"])) == {"a": "12345"}

    def test_what_a_root_names_stays_whoever_chooses_it(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
        mine = store.ingest(write_tree(tmp_path / "mine", {"b": "2"}))
        root = Root("pin-x", (record.id,), (mine.root,), dict(mine.directories))
        store.write_root(root)
        assert store.collect(everything, now=LATER).records == ()
        assert store.lookup(key_of("k"), anything) == record
        assert read_back(store.check(mine.root)) == {"b": "2"}
        store.delete_root("pin-x")
        assert store.collect(everything, now=LATER).bytes == 2
        assert store.lookup(key_of("k"), anything) is None

    def test_what_nobody_named_goes_too(self, store: ResultStore, tmp_path: Path) -> None:
        tree = store.ingest(write_tree(tmp_path / "out", {"a": "1234567"}))
        assert store.collect(lambda _: [], now=LATER).bytes == 7
        with pytest.raises(TreeLost):
            store.check(tree.root)

    def test_what_was_given_up_can_be_published_again(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        gone = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
        store.collect(everything, now=LATER)
        assert isinstance(store.claim(key_of("k"), anything), Claim)
        again = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"}, body={"n": 2}))
        assert (again.is_new, again.record.standing) == (True, Standing.REALISATION)
        assert store.lookup(key_of("k"), anything) == again.record
        assert read_back(store.check(again.record.slots["data"])) == {"a": "1"}
        assert store.read_record(gone.id).record == gone

    def test_code_and_log_of_what_was_given_up_stay(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        (tmp_path / "main.py").write_text("print()")
        code = store.store_file(tmp_path / "main.py")
        (tmp_path / "log").write_text("said")
        log = store.ingest_file(tmp_path / "log")
        kept = build({"main.py": Entry("main.py", Kind.FILE, code, 7)})
        data = store.ingest(write_tree(tmp_path / "out", {"a": "1"}))
        publish(store, Draft(key_of("k"), {"data": data}, {"code": kept}, log))
        assert store.collect(everything, now=LATER).bytes == 1
        assert store.object_path(code).read_text() == "print()"
        assert store.object_path(log).read_text() == "said"

    def test_reindexing_after_collecting_brings_nothing_back(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
        store.collect(everything, now=LATER)
        store.reindex()
        assert store.lookup(key_of("k"), anything, record.id) is None
        assert store.read_record(record.id).record == record

    # -- auditing ---------------------------------------------------------------------------
    @pytest.mark.parametrize("deep", [False, True])
    def test_a_sound_store_has_nothing_to_find_and_is_counted(
        self, store: ResultStore, tmp_path: Path, deep: bool
    ) -> None:
        publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1", "sub/b": "22"}))
        mine = store.ingest(write_tree(tmp_path / "mine", {"c": "333"}))
        store.write_root(Root("kept-1", trees=(mine.root,), encodings=dict(mine.directories)))
        audit = store.audit(deep=deep)
        assert (audit.findings, audit.is_sound) == ([], True)
        assert (audit.records, audit.roots, audit.objects, audit.stored) == (1, 1, 3, 6)
        assert audit.hashed == (6 if deep else 0)

    def test_what_was_added_to_a_tree_is_found_and_moved_out_of_it(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        files: dict[str, str | bytes] = {"a": "1"}
        record = publish(store, result_of(store, tmp_path, key_of("k"), files)).record
        (store.tree_path(record.slots["data"]) / "mine").write_text("mine")
        (finding,) = store.audit().findings
        assert (finding.fault, list(finding.trees)) == (
            Fault.TREE_ALTERED,
            [record.slots["data"]],
        )
        assert store.repair(finding).is_mended
        assert read_back(store.tree_path(record.slots["data"])) == files
        assert store.audit(deep=True).is_sound
        assert any("mine" in sentence for sentence in store.take_findings())


def _swap_kind(tree: Path) -> None:
    (tree / "sub/b").unlink()
    (tree / "sub/b").mkdir()


def _retarget(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("sub/b")


_HARM: dict[str, Callable[[Path], object]] = {
    "add": lambda tree: (tree / "extra").write_text("mine"),
    "remove": lambda tree: (tree / "a").unlink(),
    "add below": lambda tree: (tree / "sub/extra").mkdir(),
    "swap kind": _swap_kind,
    "retarget": _retarget,
    "rename": lambda tree: (tree / "a").rename(tree / "z"),
}
