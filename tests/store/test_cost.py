"""What storing costs, in calls and not in seconds: a budget per file, per tree, per result.

Calls are seen by the interpreter's own profile hook, so none that Python code makes into the system can
be left out: `stat` and `read` included, of which an audit hook hears nothing. What it cannot see are calls within
C code, LMDB's above all: its write transactions are counted by LMDB itself, in the data file.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, FrameType

import pytest

from fusionstore.contract import Claim, Draft, Published
from fusionstore.store import Store, no_step
from fusionstore.testing import anything, key_of, publish, result_of, write_tree

NOT_CALLS = {"fspath", "getpid", "urandom", "fsencode", "fsdecode", "get_ident"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store")
    for folder in range(256):  # made once in the life of a store
        (store.path / f"objects/{folder:02x}").mkdir()
        (store.path / f"actions/{folder:02x}").mkdir()
    store.release(claimed(store, "so that the lock file is there"))
    store.scratch()  # as a build begins
    yield store
    store.close()


def claimed(store: Store, word: str) -> Claim:
    claim = store.claim(key_of(word), anything)
    assert isinstance(claim, Claim)
    return claim


def calls_of(act: Callable[[], object]) -> Counter[str]:
    """What `act` asks of the system, and reads of the index."""
    found: Counter[str] = Counter()

    def see(frame: FrameType, event: str, called: object) -> None:
        if event == "c_call" and isinstance(called, BuiltinFunctionType):
            owner = getattr(called, "__module__", None) or type(called.__self__).__name__
            if owner in ("posix", "fcntl", "io", "_io"):
                found[called.__name__] += 1
            elif owner in ("DirEntry", "posix.DirEntry"):
                found[f"entry.{called.__name__}"] += 1
            elif owner in ("Transaction", "lmdb.cpython"):
                found[f"index.{called.__name__}"] += 1

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        act()
    finally:
        sys.setprofile(before)
    return Counter({name: count for name, count in found.items() if name not in NOT_CALLS})


def each(many: Counter[str], few: Counter[str], by: int) -> dict[str, float]:
    """What each of the `by` more of them took."""
    return {name: (many[name] - few[name]) / by for name in many if many[name] != few[name]}


PER_FILE = {
    "entry.is_file": 1,  # answered by the directory: no system call
    "open": 1,
    "fstat": 1,
    "fchmod": 1,
    "fcntl": 2,  # the lease that proves quiet, and its signal; closing gives it back
    "read": 1,
    "close": 1,
    "link": 1,
}


def files(count: int) -> dict[str, str | bytes]:
    return {f"file-{number:03}": f"{count} {number}" for number in range(count)}


def test_a_file_of_an_output_is_opened_once_and_looked_at_once(
    store: Store, tmp_path: Path
) -> None:
    few, many = (write_tree(tmp_path / f"out-{n}", files(n)) for n in (1, 101))
    one = calls_of(lambda: store.ingest(few))
    assert one == Counter(PER_FILE) + Counter(lstat=2, scandir=1, rename=1)
    assert each(calls_of(lambda: store.ingest(many)), one, 100) == PER_FILE


def test_a_log_costs_what_a_file_of_an_output_costs(store: Store, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("log")
    expected = Counter(PER_FILE) - Counter(["entry.is_file"]) + Counter(lstat=1)
    assert calls_of(lambda: store.ingest_file(tmp_path / "log")) == expected


def test_committing_looks_once_at_each_file_and_once_at_its_object(
    store: Store, tmp_path: Path
) -> None:
    more = []
    for count in (30, 40, 140):  # all too many to be synced one by one; the first imports ctypes
        tree = store.ingest(write_tree(tmp_path / f"out-{count}", files(count)))
        draft = Draft(key_of(f"k{count}"), {"data": tree})
        more.append(calls_of(lambda draft=draft: store.commit([draft])))  # type: ignore[misc]  # bound now
    _, few, many = more
    expected = {"lstat": 1, "entry.stat": 1, "index.put": 1}
    found = each(many, few, 100)
    assert expected == {name: found.get(name) for name in expected}
    assert (many["open"], many["index.get"]) == (few["open"], few["index.get"])


def write_transactions(store: Store) -> int:
    """LMDB's own count, read by another process: an environment is opened once in each."""
    text = "import lmdb, sys; print(lmdb.open(sys.argv[1], readonly=True).info()['last_txnid'])"
    command = [sys.executable, "-c", text, str(store.path / "index")]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_drafts_committed_together_are_one_transaction(
    store: Store, tmp_path: Path, count: int
) -> None:
    drafts = [result_of(store, tmp_path, key_of(str(n)), {"a": str(n)}) for n in range(count)]
    claims = [claimed(store, str(n)) for n in range(count)]
    before = write_transactions(store)
    assert all(isinstance(outcome, Published) for outcome in store.commit(drafts))
    assert write_transactions(store) - before == 1
    assert len(claims) == count


def test_many_records_get_durable_names_without_a_sync_for_each(
    store: Store, tmp_path: Path
) -> None:
    drafts = [result_of(store, tmp_path, key_of(str(n)), {"a": str(n)}) for n in range(10)]
    alone = calls_of(lambda: store.commit(drafts[:1]))
    assert (alone["fdatasync"], alone["fsync"]) == (2, 6)  # object, record; folders, tree
    together = calls_of(lambda: store.commit(drafts[1:]))
    assert (together["fdatasync"], together["fsync"]) == (0, 0)


def test_a_claim_is_one_lock_one_read_and_one_look(store: Store) -> None:
    found = calls_of(lambda: claimed(store, "k"))
    assert found == Counter(["open", "fcntl", "index.get", "index.__exit__", "lstat"])


def test_finding_a_result_costs_the_same_however_many_files_it_has(
    store: Store, tmp_path: Path
) -> None:
    for count in (1, 300):
        record = publish(store, result_of(store, tmp_path, key_of(str(count)), files(count))).record
        found = calls_of(lambda count=count: store.lookup(key_of(str(count)), anything))  # type: ignore[misc]  # bound now
        assert found == Counter(["index.get", "index.__exit__", "stat"])
        tree = record.slots["data"]
        assert calls_of(lambda tree=tree: store.materialise(tree)) == Counter(["stat"])  # type: ignore[misc]  # bound now


def test_a_result_that_is_to_be_used_costs_one_look_more_once(store: Store, tmp_path: Path) -> None:
    publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"}))
    other = Store(store._layout, store._index, store._quarantine, no_step)  # a later build's
    other.scratch()
    plain = Counter(["index.get", "index.__exit__", "stat"])
    assert calls_of(lambda: other.lookup(key_of("k"), anything)) == plain + Counter(["lstat"])
    assert calls_of(lambda: other.lookup(key_of("k"), anything)) == plain


def test_a_record_is_read_in_one_go(store: Store, tmp_path: Path) -> None:
    record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
    found = calls_of(lambda: store.read_record(record.id))
    assert found == Counter(["index.get", "index.__exit__", "open", "fstat", "read", "close"])


def test_checking_a_tree_is_one_read_and_one_look_at_each_name(
    store: Store, tmp_path: Path
) -> None:
    record = publish(store, result_of(store, tmp_path, key_of("k"), files(100))).record
    found = calls_of(lambda: store.check(record.slots["data"]))
    expected = Counter(["index.get", "index.__exit__", "lstat", "scandir"])
    assert found == expected + Counter({"entry.stat": 100})
