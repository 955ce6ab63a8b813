"""The conformance suite: what any `ResultStore` must do. Subclass it and give it a `store` fixture.

    class TestMyStore(ResultStoreSuite):
        @pytest.fixture
        def store(self, tmp_path): ...

Stores handed in start empty; `tmp_path` has to be on their file system.
"""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fusionstore.bringing import BEING_RUN, BYTES_MISSING
from fusionstore.bundle_read import read_bundle
from fusionstore.bundle_write import Wanted, write_bundle
from fusionstore.contract import (
    Busy,
    Claim,
    Draft,
    FailedElsewhere,
    Json,
    JsonObject,
    Named,
    NamedAs,
    NotPublished,
    NotTrusted,
    Published,
    Record,
    ResultStore,
    Root,
    Standing,
)
from fusionstore.digest import EMPTY_BLOB, ActionKey, RecordId, digest_bytes
from fusionstore.errors import TreeLost, UnstorableFile
from fusionstore.findings import Fault
from fusionstore.inventory import Inventory
from fusionstore.layout import LEASE
from fusionstore.memory import MemoryStore
from fusionstore.tree import EMPTY_TREE, Entry, Kind, build


def key_of(word: str) -> ActionKey:
    """An action key for a word."""
    return ActionKey(digest_bytes(word.encode()))


def anything(record: Record) -> bool:
    """Accepts every record."""
    return True


LATER = time.time() + 10 * LEASE
"""When nothing that a test makes is young any more."""


def everything(inventory: Inventory) -> list[RecordId]:
    """Chooses all there is to go."""
    return list(inventory.records)


def write_tree(directory: Path, files: dict[str, str | bytes]) -> Path:
    """Makes a directory of files; a name that ends in "/" is an empty directory, "x:" an executable,
    and a value "-> target" a symlink."""
    directory.mkdir(parents=True)
    for name, text in files.items():
        path = directory / name.removeprefix("x:")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif isinstance(text, str) and text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            path.chmod(0o755 if name.startswith("x:") else 0o644)
    return directory


def read_back(directory: Path) -> dict[str, str]:
    """What `write_tree` would have to be given to make this directory."""
    found: dict[str, str] = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_dir():
            if not any(path.iterdir()):
                found[name + "/"] = ""
        else:
            mark = "x:" if path.stat().st_mode & 0o111 else ""
            found[mark + name] = path.read_bytes().decode()
    return found


def result_of(
    store: ResultStore,
    scratch: Path,
    key: ActionKey,
    files: dict[str, str | bytes],
    *,
    observed: Json = None,
    body: JsonObject | None = None,
    asserted: bool = False,
) -> Draft:
    """A draft of a run that wrote these files, ingested."""
    directory = write_tree(scratch / f"run-{os.urandom(6).hex()}", files)
    tree = store.ingest(directory)
    return Draft(key, {"data": tree}, observed=observed, body=body or {}, asserted=asserted)


def publish(store: ResultStore, draft: Draft) -> Published:
    """Commits one draft, which must succeed."""
    (outcome,) = store.commit([draft])
    assert isinstance(outcome, Published), outcome
    return outcome


def bundle_of(store: ResultStore, *ids: RecordId, has_data: bool = True) -> bytes:
    """A bundle of these records."""
    parts: list[bytes] = []
    write_bundle(store, Wanted(ids, has_data=has_data, about="a test"), parts.append)
    return b"".join(parts)


def import_bundle(store: ResultStore, bundle: bytes) -> Sequence[Record]:
    """Brings in a bundle, unless it is refused; the records that were new."""
    beside = store.tree_path(EMPTY_TREE.root).parent.parent  # on the store's file system
    beside.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=beside) as scratch:
        arriving = read_bundle(
            io.BytesIO(bundle), Path(scratch), lambda full: None, lambda name: False
        )
        return store.bring_in(arriving.brought)


class ResultStoreSuite:
    """What a store must do."""

    # -- trees ------------------------------------------------------------------------------
    def test_an_ingested_directory_stands_at_its_tree_with_all_it_held(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        files: dict[str, str | bytes] = {
            "a.txt": "a",
            "x:run.sh": "echo",
            "sub/deep/b": "b",
            "sub/empty/": "",
            "link": "-> sub/deep/b",
            "\n": "newline",
            "nothing": "",
        }
        tree = store.ingest(write_tree(tmp_path / "out", files))
        assert read_back(store.materialise(tree.root)) == {**files}
        assert store.tree_path(tree.root) == store.materialise(tree.root)
        assert not (tmp_path / "out").exists()

    def test_a_tree_is_named_by_its_contents_alone(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        one = write_tree(tmp_path / "one", {"b": "2", "a": "1"})
        (one / "a").chmod(0o600)
        os.utime(one / "b", (1, 1))
        two = write_tree(tmp_path / "two", {"a": "1", "b": "2"})
        entries = {
            "a": Entry("a", Kind.FILE, digest_bytes(b"1"), 1),
            "b": Entry("b", Kind.FILE, digest_bytes(b"2"), 1),
        }
        assert build(entries).root == store.ingest(one).root == store.ingest(two).root

    def test_a_file_name_that_is_no_text_survives(self, store: ResultStore, tmp_path: Path) -> None:
        directory = write_tree(tmp_path / "out", {})
        Path(os.fsdecode(os.fsencode(directory) + b"/\xff\xfe")).write_text("raw")
        tree = store.ingest(directory)
        assert os.listdir(os.fsencode(store.materialise(tree.root))) == [b"\xff\xfe"]

    def test_an_empty_directory_is_a_tree(self, store: ResultStore, tmp_path: Path) -> None:
        assert store.ingest(write_tree(tmp_path / "out", {})) == EMPTY_TREE
        assert store.ingest(write_tree(tmp_path / "out2", {})) == EMPTY_TREE
        assert read_back(store.check(EMPTY_TREE.root)) == {}

    def test_a_copy_leaves_the_callers_directory_alone(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        mine = write_tree(tmp_path / "mine", {"a": "1", "x:b": "2", "c/": ""})
        tree = store.ingest_copy(mine)
        (mine / "a").write_text("edited")
        assert read_back(store.check(tree.root)) == {"a": "1", "x:b": "2", "c/": ""}
        assert read_back(mine) == {"a": "edited", "x:b": "2", "c/": ""}

    @pytest.mark.parametrize("target", ["../outside", "/etc/passwd", "sub/../../outside"])
    def test_a_link_that_leaves_the_directory_is_refused(
        self, store: ResultStore, tmp_path: Path, target: str
    ) -> None:
        directory = write_tree(tmp_path / "out", {"sub/": "", "link": f"-> {target}"})
        with pytest.raises(UnstorableFile, match="link"):
            store.ingest(directory)

    def test_a_fifo_is_refused(self, store: ResultStore, tmp_path: Path) -> None:
        directory = write_tree(tmp_path / "out", {})
        os.mkfifo(directory / "pipe")
        with pytest.raises(UnstorableFile, match="fifo"):
            store.ingest(directory)

    def test_a_socket_is_refused(
        self, store: ResultStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = write_tree(tmp_path / "out", {})
        monkeypatch.chdir(directory)  # a socket's whole path has to be short
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s")
            with pytest.raises(UnstorableFile, match="socket"):
                store.ingest(directory)

    def test_a_tree_of_stored_blobs_can_be_made_to_stand(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        (tmp_path / "main.py").write_text("print()")
        digest = store.store_file(tmp_path / "main.py", executable=True)
        tree = build({"lib/main.py": Entry("main.py", Kind.EXECUTABLE, digest, 7)})
        assert read_back(store.adopt(tree)) == {"x:lib/main.py": "print()"}
        missing = build({"f": Entry("f", Kind.FILE, digest_bytes(b"never"), 5)})
        with pytest.raises(TreeLost):
            store.adopt(missing)

    # -- blobs ------------------------------------------------------------------------------
    def test_a_stored_file_is_a_copy(self, store: ResultStore, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        mine.write_text("before")
        digest = store.store_file(mine)
        mine.write_text("after")
        assert digest == digest_bytes(b"before")
        assert store.object_path(digest).read_text() == "before"

    def test_a_large_file_is_stored_by_its_digest(self, store: ResultStore, tmp_path: Path) -> None:
        data = bytes(range(256)) * 10_000
        (tmp_path / "big").write_bytes(data)
        digest = store.store_file(tmp_path / "big", executable=True)
        path = store.object_path(digest, executable=True)
        assert (digest_bytes(data), True) == (digest, os.access(path, os.X_OK))
        assert path.read_bytes() == data

    def test_an_unknown_blob_is_a_key_error(self, store: ResultStore) -> None:
        with pytest.raises(KeyError):
            store.object_path(digest_bytes(b"never"))

    def test_the_empty_blob_can_be_stored(self, store: ResultStore, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"")
        assert store.ingest_file(tmp_path / "log") == EMPTY_BLOB

    # -- publishing -------------------------------------------------------------------------
    def test_a_published_result_is_found(self, store: ResultStore, tmp_path: Path) -> None:
        key = key_of("k")
        assert store.lookup(key, anything) is None
        draft = result_of(store, tmp_path, key, {"a": "1"}, body={"seconds": 2.5, "made": 9})
        record = publish(store, draft).record
        assert store.lookup(key, anything) == record
        assert (record.seconds, record.made, record.standing) == (2.5, 9.0, Standing.REALISATION)

    def test_a_record_reads_back_whole(self, store: ResultStore, tmp_path: Path) -> None:
        code = tmp_path / "main.py"
        code.write_text("print()")
        digest = store.store_file(code)
        kept = build({"main.py": Entry("main.py", Kind.FILE, digest, 7)})
        (tmp_path / "log").write_text("log")
        log = store.ingest_file(tmp_path / "log")
        tree = store.ingest(write_tree(tmp_path / "out", {"a/b": "1"}))
        observed: Json = {"packages": [["numpy", "2.1"]], "ü": None}
        body: JsonObject = {"host": "h", "nested": {"x": [1, 2.5, True]}}
        draft = Draft(key_of("k"), {"data": tree}, {"code": kept}, log, observed, body)
        full = store.read_record(publish(store, draft).record.id)
        assert (full.record.slots, full.keeps) == ({"data": tree.root}, {"code": kept.root})
        assert (full.record.log, full.record.observed, full.body) == (log, observed, body)
        assert dict(full.trees) == {**tree.directories, **kept.directories}
        assert store.read_tree(kept.root) == kept

    def test_a_run_that_agrees_adds_no_record(self, store: ResultStore, tmp_path: Path) -> None:
        first = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"}))
        again = result_of(store, tmp_path, key_of("k"), {"a": "1"}, body={"made": 99})
        assert publish(store, again) == Published(first.record, is_new=False)
        assert store.records(key_of("k")) == [first.record]

    def test_a_run_that_differs_is_recorded_and_the_realisation_stays(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        key = key_of("k")
        first = publish(store, result_of(store, tmp_path, key, {"a": "1"})).record
        other = publish(store, result_of(store, tmp_path, key, {"a": "2"}))
        assert (True, first, Standing.DISAGREES) == (
            other.is_new,
            other.disagrees_with,
            other.record.standing,
        )
        assert store.lookup(key, anything) == first
        assert store.lookup(key, anything, other.record.id) == other.record

    def test_other_observations_make_another_realisation(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        key = key_of("k")
        old = publish(store, result_of(store, tmp_path, key, {"a": "1"}, observed={"np": 1})).record
        new = publish(store, result_of(store, tmp_path, key, {"a": "2"}, observed={"np": 2})).record
        assert Standing.REALISATION is old.standing is new.standing
        assert store.lookup(key, lambda r: r.observed == {"np": 2}) == new
        assert store.lookup(key, lambda r: r.observed == {"np": 1}) == old
        assert store.lookup(key, lambda r: False) is None

    def test_an_asserted_result_is_found_but_after_a_realisation(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        key = key_of("k")
        draft = result_of(store, tmp_path, key, {"a": "1"}, observed=1, asserted=True)
        asserted = publish(store, draft).record
        assert (store.lookup(key, anything), asserted.standing) == (asserted, Standing.ASSERTED)
        run = publish(store, result_of(store, tmp_path, key, {"a": "2"}, observed=2)).record
        assert store.lookup(key, anything) == run
        assert store.lookup(key, anything, asserted.id) == asserted

    def test_a_run_is_not_measured_by_what_was_only_declared(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        for key, wrote in ((key_of("other"), "2"), (key_of("same"), "1")):
            asserted = publish(
                store, result_of(store, tmp_path, key, {"a": "1"}, asserted=True)
            ).record
            ran = publish(store, result_of(store, tmp_path, key, {"a": wrote}))
            assert (
                ran.is_new,
                ran.disagrees_with,
                ran.record.standing,
            ) == (True, None, Standing.REALISATION)
            assert store.lookup(key, anything) == ran.record
            assert store.lookup(key, anything, asserted.id) == asserted

    def test_what_a_run_gave_need_not_be_declared(self, store: ResultStore, tmp_path: Path) -> None:
        key = key_of("k")
        ran = publish(store, result_of(store, tmp_path, key, {"a": "1"})).record
        same = publish(store, result_of(store, tmp_path, key, {"a": "1"}, asserted=True))
        assert (False, ran) == (same.is_new, same.record)
        other = publish(store, result_of(store, tmp_path, key, {"a": "2"}, asserted=True))
        assert (True, ran, Standing.ASSERTED) == (
            other.is_new,
            other.disagrees_with,
            other.record.standing,
        )

    def test_each_who_declares_is_kept_with_their_own_reason(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        key = key_of("k")
        drafts = [
            result_of(store, tmp_path, key, {"a": "1"}, asserted=True, body={"reason": reason})
            for reason in ("mine", "theirs", "mine")
        ]
        outcomes = [publish(store, draft) for draft in drafts]
        assert [one.is_new for one in outcomes] == [True, True, False]
        mine, theirs, again = (store.read_record(one.record.id) for one in outcomes)
        assert (mine.body, theirs.body) == ({"reason": "mine"}, {"reason": "theirs"})
        assert again == mine

    def test_an_unknown_choice_is_no_hindrance(self, store: ResultStore, tmp_path: Path) -> None:
        record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
        gone = RecordId(digest_bytes(b"gone"))
        assert store.lookup(key_of("k"), anything, gone) == record

    def test_drafts_of_one_batch_are_answered_in_order(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        names = ["a", "b", "a", "c"]
        drafts = [result_of(store, tmp_path, key_of(n), {"out": n}) for n in names]
        outcomes = [o for o in store.commit(drafts) if isinstance(o, Published)]
        assert [key_of(n) for n in names] == [o.record.key for o in outcomes]
        assert [o.is_new for o in outcomes] == [True, True, False, True]

    def test_a_draft_that_names_missing_bytes_is_not_published(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        good = result_of(store, tmp_path, key_of("good"), {"a": "1"})
        missing = build({"f": Entry("f", Kind.FILE, digest_bytes(b"never"), 5)})
        bad = Draft(key_of("bad"), good.slots, keeps={"code": missing})
        outcomes = store.commit([bad, good])
        assert [NotPublished, Published] == [type(outcome) for outcome in outcomes]
        assert store.lookup(key_of("bad"), anything) is None

    def test_keys_records_and_trees_are_found_by_how_their_hashes_begin(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        drafts = [result_of(store, tmp_path, key_of(word), {"f": word}) for word in ("one", "two")]
        records = [publish(store, draft).record for draft in drafts]
        for record in records:
            for length in (1, 4, 7, 64):
                found = store.named(record.key[:length])
                assert Named(NamedAs.KEY, record.key) in found
                assert Named(NamedAs.RECORD, record.id) in store.named(record.id[:length])
                tree = record.slots["data"]
                assert Named(NamedAs.TREE, tree) in store.named(tree[:length])
                assert all(one.hash.startswith(record.key[:length]) for one in found)
            assert [record.id] == list(store.holders(record.slots["data"]))
        assert list(store.named("f" * 64)) == []

    def test_an_unknown_record_is_a_key_error(self, store: ResultStore) -> None:
        with pytest.raises(KeyError):
            store.read_record(RecordId(digest_bytes(b"never")))

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

    def test_a_tree_nobody_stored_is_lost(self, store: ResultStore) -> None:
        with pytest.raises(TreeLost):
            store.check(digest_bytes(b"never"))
        with pytest.raises(KeyError):
            store.read_tree(digest_bytes(b"never"))

    # -- single flight ----------------------------------------------------------------------
    def test_a_key_is_claimed_once(self, store: ResultStore, tmp_path: Path) -> None:
        claim = store.claim(key_of("k"), anything)
        assert isinstance(claim, Claim)
        assert isinstance(store.claim(key_of("k"), anything), Busy)
        assert isinstance(store.claim(key_of("other"), anything), Claim)
        store.release(claim)
        store.release(claim)
        assert isinstance(store.claim(key_of("k"), anything), Claim)

    def test_a_published_key_is_a_hit_and_its_claim_is_given_up(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        assert isinstance(store.claim(key_of("k"), anything), Claim)
        record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
        assert store.claim(key_of("k"), anything) == record
        assert isinstance(store.claim(key_of("k"), anything, rerun=True), Claim)

    def test_a_waiter_takes_the_result_over(self, store: ResultStore, tmp_path: Path) -> None:
        busy = _make_busy(store, key_of("k"))
        waiter = _Waiter(lambda: store.wait(busy, anything))
        record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
        assert waiter.outcome() == record

    def test_every_waiter_takes_the_failure_over(self, store: ResultStore) -> None:
        claim = store.claim(key_of("k"), anything)
        assert isinstance(claim, Claim)
        busy = store.claim(key_of("k"), anything)
        assert isinstance(busy, Busy)
        waiters = [_Waiter(lambda: store.wait(busy, anything)) for _ in range(3)]
        store.fail(claim, {"log": "boom"})
        expected = FailedElsewhere(key_of("k"), {"log": "boom"})
        assert [expected] * 3 == [waiter.outcome() for waiter in waiters]

    def test_a_waiter_takes_the_work_over_when_the_claim_was_released(
        self, store: ResultStore
    ) -> None:
        failed = store.claim(key_of("k"), anything)
        assert isinstance(failed, Claim)
        store.fail(failed, {"log": "an old failure"})
        claim = store.claim(key_of("k"), anything)
        busy = store.claim(key_of("k"), anything)
        assert isinstance(claim, Claim)
        assert isinstance(busy, Busy)
        waiter = _Waiter(lambda: store.wait(busy, anything))
        store.release(claim)
        assert isinstance(waiter.outcome(), Claim)

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

    # -- from store to store ----------------------------------------------------------------
    def test_an_imported_record_answers_who_asks_for_it_and_no_key_until_it_is_trusted(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        record, bundle = _made_elsewhere(tmp_path, {"a": "1"})
        (imported,) = import_bundle(store, bundle)
        assert imported == record._replace(standing=Standing.IMPORTED)
        assert store.records(record.key) == [imported]
        assert store.read_record(record.id).record == imported
        assert RecordId(digest_bytes(store.record_file(record.id)[:-72])) == record.id
        for choice in (None, record.id):
            assert store.lookup(record.key, anything, choice) is None
        claim = store.claim(record.key, anything)
        assert isinstance(claim, Claim)
        assert store.trust(record.id) == NotTrusted(imported, BEING_RUN)
        store.release(claim)
        store.reindex()
        assert store.lookup(record.key, anything) is None
        assert store.trust(record.id) == record == store.trust(record.id)
        for _ in range(2):
            assert store.lookup(record.key, anything) == record
            assert read_back(store.check(record.slots["data"])) == {"a": "1"}
            store.reindex()

    def test_a_run_beside_an_imported_record_is_the_result_whether_it_agrees_or_not(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        record, bundle = _made_elsewhere(tmp_path, {"a": "1"})
        import_bundle(store, bundle)
        outcome = publish(store, result_of(store, tmp_path, record.key, {"a": "2"}))
        assert (
            outcome.is_new,
            outcome.disagrees_with,
            outcome.record.standing,
        ) == (True, None, Standing.REALISATION)
        refused = store.trust(record.id)
        assert isinstance(refused, NotTrusted)
        assert "keeps it" in refused.why
        assert store.lookup(record.key, anything) == outcome.record

    def test_trust_is_given_beside_a_result_with_other_observations(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        record, bundle = _made_elsewhere(tmp_path, {"a": "1"})
        ours = publish(store, result_of(store, tmp_path, record.key, {"a": "2"}, observed=7)).record
        import_bundle(store, bundle)
        assert store.trust(record.id) == record
        assert store.lookup(record.key, lambda one: one.observed is None) == record
        assert store.lookup(record.key, lambda one: one.observed == 7) == ours

    def test_what_is_here_already_is_not_brought_in_again(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        draft = result_of(store, tmp_path, key_of("k"), {"a": "1"})
        record = publish(store, draft).record
        assert list(import_bundle(store, bundle_of(store, record.id))) == []
        assert store.lookup(record.key, anything) == record
        assert [root.records for root in store.roots()] == [(record.id,)]

    def test_a_record_without_its_data_cannot_be_trusted_before_that_is_here(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        record, bundle = _made_elsewhere(tmp_path, {"a": "1"}, has_data=False)
        import_bundle(store, bundle)
        refused = store.trust(record.id)
        assert isinstance(refused, NotTrusted)
        assert refused.why == BYTES_MISSING
        store.ingest(write_tree(tmp_path / "again", {"a": "1"}))
        assert store.trust(record.id) == record == store.lookup(record.key, anything)

    def test_nobody_trusts_what_disagreed_where_it_was_made(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        elsewhere = MemoryStore(tmp_path / "elsewhere")
        publish(elsewhere, result_of(elsewhere, tmp_path, key_of("k"), {"a": "1"}))
        other = publish(elsewhere, result_of(elsewhere, tmp_path, key_of("k"), {"a": "2"})).record
        import_bundle(store, bundle_of(elsewhere, other.id))
        refused = store.trust(other.id)
        assert isinstance(refused, NotTrusted)
        assert "disagreed" in refused.why
        assert store.lookup(key_of("k"), anything) is None

    def test_reindexing_changes_no_answer(self, store: ResultStore, tmp_path: Path) -> None:
        key = key_of("k")
        publish(store, result_of(store, tmp_path, key, {"a": "1"}, body={"made": 1}))
        publish(store, result_of(store, tmp_path, key, {"a": "2"}, body={"made": 2}))
        publish(store, result_of(store, tmp_path, key, {"a": "3"}, observed=1, body={"made": 3}))
        before = (store.records(key), store.lookup(key, anything))
        store.reindex()
        assert (store.records(key), store.lookup(key, anything)) == before

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


def _made_elsewhere(
    scratch: Path, files: dict[str, str | bytes], *, has_data: bool = True
) -> tuple[Record, bytes]:
    """A result of another store, and the bundle of it."""
    elsewhere = MemoryStore(scratch / "elsewhere")
    record = publish(elsewhere, result_of(elsewhere, scratch, key_of("theirs"), files)).record
    return record, bundle_of(elsewhere, record.id, has_data=has_data)


class _Waiter:
    """A call on a thread of its own."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._outcome: list[object] = []
        self._thread = threading.Thread(target=lambda: self._outcome.append(call()), daemon=True)
        self._thread.start()

    def outcome(self) -> object:
        self._thread.join(20)
        assert self._outcome, "the waiter did not come back"
        return self._outcome[0]


def _make_busy(store: ResultStore, key: ActionKey) -> Busy:
    assert isinstance(store.claim(key, anything), Claim)
    busy = store.claim(key, anything)
    assert isinstance(busy, Busy)
    return busy


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
