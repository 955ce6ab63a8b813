"""What a store must do with results made elsewhere."""

from __future__ import annotations

from pathlib import Path

from fusionstore.bringing import BEING_RUN, BYTES_MISSING
from fusionstore.contract import (
    Claim,
    NotTrusted,
    Record,
    ResultStore,
    Standing,
)
from fusionstore.digest import RecordId, digest_bytes
from fusionstore.memory import MemoryStore
from fusionstore.testing.bundles import bundle_of, import_bundle
from fusionstore.testing.results import (
    anything,
    key_of,
    publish,
    read_back,
    result_of,
    write_tree,
)


class ExchangeChecks:
    """From store to store."""

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


def _made_elsewhere(
    scratch: Path, files: dict[str, str | bytes], *, has_data: bool = True
) -> tuple[Record, bytes]:
    """A result of another store, and the bundle of it."""
    elsewhere = MemoryStore(scratch / "elsewhere")
    record = publish(elsewhere, result_of(elsewhere, scratch, key_of("theirs"), files)).record
    return record, bundle_of(elsewhere, record.id, has_data=has_data)
