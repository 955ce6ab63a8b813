"""What a store must do when several want one key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from fusionstore.contract import (
    Busy,
    Claim,
    FailedElsewhere,
    ResultStore,
)
from fusionstore.digest import ActionKey
from fusionstore.testing.results import (
    anything,
    key_of,
    publish,
    result_of,
)


class FlightChecks:
    """Claims: a key runs once."""

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
