"""Several processes on one store: a key is run once, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionstore.contract import Busy, Claim, FailedElsewhere, Record
from fusionstore.errors import StoreError
from fusionstore.faults import ActAt
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, result_of

HOLDER = """
import sys
from pathlib import Path
from fusionstore.contract import Claim
from fusionstore.errors import StoreError
from fusionstore.faults import ActAt
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, result_of
store = Store.open(Path(sys.argv[1]))
claim = store.claim(key_of("k"), anything)
assert isinstance(claim, Claim)
print("held", flush=True)
match sys.stdin.readline().strip():
    case "publish":
        publish(store, result_of(store, Path(sys.argv[2]), key_of("k"), {"a": "theirs"}))
    case "fail":
        store.fail(claim, {"log": "boom"})
sys.stdin.readline()
"""


class Holder:
    """Another process that has claimed the key and waits to be told what to do."""

    def __init__(self, store: Path, scratch: Path) -> None:
        words = [sys.executable, "-c", HOLDER, str(store), str(scratch)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def holder(store: Store, tmp_path: Path) -> Iterator[Holder]:
    holder = Holder(store.path, tmp_path)
    yield holder
    holder.end()


def busy(store: Store) -> Busy:
    found = store.claim(key_of("k"), anything)
    assert isinstance(found, Busy)
    return found


def test_a_result_made_elsewhere_is_taken_over(store: Store, holder: Holder) -> None:
    seen = busy(store)
    holder.tell("publish")
    outcome = store.wait(seen, anything)
    assert isinstance(outcome, Record)
    assert (store.check(outcome.slots["data"]) / "a").read_text() == "theirs"


def test_a_failure_elsewhere_is_taken_over(store: Store, holder: Holder) -> None:
    seen = busy(store)
    holder.tell("fail")
    assert store.wait(seen, anything) == FailedElsewhere(key_of("k"), {"log": "boom"})


def test_the_work_of_a_killed_holder_is_taken_over(store: Store, holder: Holder) -> None:
    seen = busy(store)
    holder.kill()
    assert isinstance(store.wait(seen, anything), Claim)


def test_a_forked_child_that_never_execs_keeps_no_claim(store: Store) -> None:
    claim = store.claim(key_of("k"), anything)
    assert isinstance(claim, Claim)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(read, 1)
        os._exit(0)
    store.release(claim)
    try:
        assert isinstance(store.claim(key_of("k"), anything), Claim)
    finally:
        os.write(write, b"x")
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)


def test_a_store_is_refused_to_a_forked_child(store: Store) -> None:
    child = os.fork()
    if child == 0:
        try:
            store.lookup(key_of("k"), anything)
        except AssertionError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_closing_does_not_wait_for_those_who_wait(store: Store, holder: Holder) -> None:
    seen = busy(store)
    told: list[str] = []

    def wait() -> None:
        try:
            store.wait(seen, anything)
        except StoreError as error:
            told.append(str(error))

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    store.close()
    assert holder.process.poll() is None
    holder.end()
    waiter.join(20)
    assert told == ["the store was closed while somebody waited for a key"]


MAKER = """
import sys
from pathlib import Path
from fusionstore.contract import Busy, Claim
from fusionstore.errors import StoreError
from fusionstore.faults import ActAt
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, result_of
store, ran = Store.open(Path(sys.argv[1])), 0
for number in range(30):
    key = key_of(f"node {number}")
    outcome = store.claim(key, anything)
    if isinstance(outcome, Busy):
        outcome = store.wait(outcome, anything)
    if isinstance(outcome, Claim):
        publish(store, result_of(store, Path(sys.argv[2]), key, {"n": str(number % 3), "all": "x"}))
        ran += 1
store.close()
print(ran)
"""


def test_each_key_runs_once_however_many_processes_want_it(tmp_path: Path) -> None:
    words = [sys.executable, "-c", MAKER, str(tmp_path / "store"), str(tmp_path)]
    makers = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    counts = [int(maker.communicate(timeout=60)[0]) for maker in makers]
    assert sum(counts) == 30
    store = Store.open(tmp_path / "store")
    records = [store.lookup(key_of(f"node {number}"), anything) for number in range(30)]
    assert all(r and (store.check(r.slots["data"]) / "n").exists() for r in records)
    assert store.take_findings() == []
    store.close()


def test_two_drafts_of_one_key_without_claims_leave_one_realisation(
    store: Store, tmp_path: Path
) -> None:
    first = result_of(store, tmp_path, key_of("k"), {"a": "1"})
    second = result_of(store, tmp_path, key_of("k"), {"a": "2"})
    one, two = publish(store, first), publish(store, second)
    assert (two.disagrees_with, store.lookup(key_of("k"), anything)) == (one.record, one.record)


PUBLISHER = """
import sys
from pathlib import Path
from fusionstore.store import Store
from fusionstore.testing import key_of, publish, result_of
store = Store.open(Path(sys.argv[1]))
publish(store, result_of(store, Path(sys.argv[2]), key_of("k"), {"a": sys.argv[3]}))
store.close()
"""


@pytest.mark.parametrize(("theirs", "is_new"), [("ours", False), ("theirs", True)])
def test_who_links_a_key_second_follows_who_linked_it_first(
    tmp_path: Path, theirs: str, is_new: bool
) -> None:
    (tmp_path / "other").mkdir()
    words = [str(tmp_path / "store"), str(tmp_path / "other"), theirs]
    command = [sys.executable, "-c", PUBLISHER, *words]
    race = ActAt("unchanged", lambda: subprocess.run(command, check=True, timeout=60))
    store = Store.open(tmp_path / "store", step=race)
    ours = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "ours"}))
    first = store.lookup(key_of("k"), anything)
    assert first is not None
    assert (store.check(first.slots["data"]) / "a").read_text() == theirs
    assert (ours.is_new, ours.disagrees_with) == (is_new, first if is_new else None)
    assert len(store.records(key_of("k"))) == 1 + is_new
    store.close()
