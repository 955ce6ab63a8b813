"""What a store must do with finished runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionstore.contract import (
    Draft,
    Json,
    JsonObject,
    Named,
    NamedAs,
    NotPublished,
    Published,
    ResultStore,
    Standing,
)
from fusionstore.digest import RecordId, digest_bytes
from fusionstore.testing.results import (
    anything,
    key_of,
    publish,
    result_of,
    write_tree,
)
from fusionstore.tree import Entry, Kind, build


class PublishingChecks:
    """Publishing and finding."""

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
