"""Collecting beside those who use a store, and a SIGKILL at every step of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fusionpipe.testing import until
from fusionstore.contract import Draft, Record, Root
from fusionstore.digest import RecordId
from fusionstore.errors import Corrupt
from fusionstore.faults import ActAt
from fusionstore.gc import STEPS
from fusionstore.inventory import REMAINS
from fusionstore.store import Store, no_step
from fusionstore.testing import (
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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store")
    yield store
    store.close()


def no_lease(path: Path) -> Path:
    """A store where all is old at once, but for what a live process began to need."""
    Store.open(path).close()
    about = json.loads((path / "store.json").read_text())
    (path / "store.json").write_text(json.dumps(about | {"lease": 0}))
    return path


def objects(store: Store) -> set[str]:
    return {path.name for path in (store.path / "objects").rglob("*") if path.is_file()}


# -- what stays -----------------------------------------------------------------------------
def test_what_was_made_within_two_leases_stays(store: Store, tmp_path: Path) -> None:
    record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
    store.ingest(write_tree(tmp_path / "out", {"b": "2"}))
    done = store.collect(everything)
    assert (done.records, done.trees, done.objects) == ((), 0, 0)
    assert store.lookup(key_of("k"), anything) == record


USER = """
import sys
from pathlib import Path
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, result_of, write_tree
from fusionstore.contract import Draft
store = Store.open(Path(sys.argv[1]))
store.scratch()
scratch = Path(sys.argv[2])
match sys.argv[3]:
    case "lookup":
        assert store.lookup(key_of("k"), anything) is not None
    case "ingest":
        tree = store.ingest(write_tree(scratch / "again", {"a": "1"}))
    case "store":
        (scratch / "file").write_text("1")
        digest = store.store_file(scratch / "file")
    case "nothing":
        pass
print("ready", flush=True)
sys.stdin.readline()
match sys.argv[3]:
    case "lookup":
        record = store.lookup(key_of("k"), anything)
        assert (store.check(record.slots["data"]) / "a").read_text() == "1"
    case "ingest":
        publish(store, Draft(key_of("other"), {"data": tree}))
        assert (store.check(tree.root) / "a").read_text() == "1"
    case "store":
        assert store.object_path(digest).read_text() == "1"
    case "nothing":
        assert store.lookup(key_of("k"), anything) is None
store.close()
"""


@pytest.mark.parametrize("use", ["lookup", "ingest", "store", "nothing"])
def test_what_a_live_process_began_to_need_stays_and_nothing_else(tmp_path: Path, use: str) -> None:
    store = Store.open(no_lease(tmp_path / "store"))
    record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
    make_old(store)
    (tmp_path / "user").mkdir()
    words = [sys.executable, "-c", USER, str(store.path), str(tmp_path / "user"), use]
    user = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    assert user.stdout.readline() == "ready\n"
    assert not store._scratch.sweep()
    done = store.collect(everything, now=time.time() + 100)
    assert [held.id for held in done.records] == ([] if use == "lookup" else [record.id])
    assert done.objects == (1 if use == "nothing" else 0)
    user.communicate("go\n", timeout=60)
    assert user.returncode == 0
    store.close()


def make_old(store: Store) -> None:
    """Lets the clock of the file system go on, so that what begins now begins later than all there is."""
    newest = max(os.lstat(path).st_ctime for path in store.path.rglob("*"))
    # gc grants 50 ms, and the clock ticks each 10
    until(lambda: time.time() >= newest + 0.08, "the clock")


def beside(store: Store, step: Callable[[str], None] = no_step) -> Store:
    """Another user of a store: in one process, an index is opened once."""
    return Store(store._layout, store._index, store._quarantine, step)


def test_a_record_found_while_it_is_about_to_go_is_kept_or_missed(tmp_path: Path) -> None:
    """Whoever asks between choosing and taking wins; whoever asks later sees a miss, and runs."""
    store = Store.open(no_lease(tmp_path / "store"))
    maker, user = beside(store), beside(store)
    records = {
        word: publish(maker, result_of(maker, tmp_path, key_of(word), {word: word})).record
        for word in ("early", "late")
    }
    make_old(store)
    maker._scratch.close()
    found: list[Record | None] = []

    def ask(word: str) -> None:
        user.scratch()
        found.append(user.lookup(key_of(word), anything))

    def choose(inventory: object) -> list[RecordId]:
        ask("early")
        return [record.id for record in records.values()]

    collector = beside(store, ActAt("records gone", lambda: ask("late")))
    done = collector.collect(choose)
    assert found == [records["early"], None]
    assert [held.id for held in done.records] == [records["late"].id]
    assert read_back(user.check(records["early"].slots["data"])) == {"early": "early"}
    store.close()


def test_a_pin_that_is_written_while_collecting_holds(tmp_path: Path) -> None:
    store = Store.open(no_lease(tmp_path / "store"))
    record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
    make_old(store)
    other = beside(store)

    def choose(inventory: object) -> list[RecordId]:
        other.write_root(Root("pin-x", (record.id,)))
        return [record.id]

    assert store.collect(choose).records == ()
    assert read_back(store.check(record.slots["data"])) == {"a": "1"}
    store.close()


def test_a_result_that_was_linked_until_now_was_used_until_now(
    store: Store, tmp_path: Path
) -> None:
    record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
    store.write_root(Root("project-x", (record.id,)))
    path = store.path / "actions" / record.key[:2] / record.key
    before = os.lstat(path).st_ctime_ns
    until(lambda: time.time_ns() >= before + 20_000_000, "a tick of the file system's clock")
    store.write_root(Root("project-x", ()))
    assert os.lstat(path).st_ctime_ns > before


# -- what stops it --------------------------------------------------------------------------
def spoil(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-3])


def spoiled_root(store: Store) -> None:
    spoil(store.path / "roots" / "pin-x")


def spoiled_record(store: Store) -> None:
    (path,) = [p for p in (store.path / "actions").rglob("*") if p.is_file()]
    spoil(path)


def root_set_aside(store: Store) -> None:
    spoiled_root(store)
    store.reindex()
    assert store.take_findings()


@pytest.mark.parametrize("harm", [spoiled_root, spoiled_record, root_set_aside])
def test_what_cannot_be_read_stops_it_before_anything_goes(
    store: Store, tmp_path: Path, harm: Callable[[Store], None]
) -> None:
    publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"}))
    store.write_root(Root("pin-x"))
    before = objects(store)
    harm(store)
    with pytest.raises(Corrupt):
        store.collect(everything, now=LATER)
    assert objects(store) == before


def test_a_root_written_again_makes_good_for_the_one_set_aside(store: Store) -> None:
    store.write_root(Root("project-x"))
    spoil(store.path / "roots" / "project-x")
    store.reindex()
    store.write_root(Root("project-x"))
    assert store.collect(everything, now=LATER).records == ()


# -- what goes ------------------------------------------------------------------------------
def test_the_figure_of_what_is_stored_follows(store: Store, tmp_path: Path) -> None:
    publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1" * 1000, "b": "2"}))
    before = store.usage().stored
    done = store.collect(everything, now=LATER)
    assert (done.bytes, store.usage().stored) == (1001, before - 1001)


def test_a_large_input_goes_and_small_code_stays(store: Store, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (REMAINS + 1))
    (tmp_path / "small").write_bytes(b"y")
    large, small = store.store_file(tmp_path / "large"), store.store_file(tmp_path / "small")
    keeps = {
        "inputs": build({"large": Entry("large", Kind.FILE, large, REMAINS + 1)}),
        "code": build({"small": Entry("small", Kind.FILE, small, 1)}),
    }
    tree = store.ingest(write_tree(tmp_path / "out", {"a": "1"}))
    publish(store, Draft(key_of("k"), {"data": tree}, keeps))
    store.collect(everything, now=LATER)
    assert objects(store) == {small}


def test_a_record_with_many_names_is_still_told_when_its_directories_are_gone(
    store: Store, tmp_path: Path
) -> None:
    files: dict[str, str | bytes] = {f"{n:0255}": "" for n in range(4200)}
    record = publish(store, result_of(store, tmp_path, key_of("k"), files)).record
    assert max(map(len, store.read_record(record.id).trees.values())) > REMAINS
    store.collect(everything, now=LATER)
    assert store.read_record(record.id).record == record


def test_an_object_whose_twin_is_the_only_copy_stays(store: Store, tmp_path: Path) -> None:
    record = publish(store, result_of(store, tmp_path, key_of("k"), {"a": "1"})).record
    publish(store, result_of(store, tmp_path, key_of("x"), {"x:a": "1"}))
    (name,) = [name for name in objects(store) if not name.endswith("x")]
    (store.path / "objects" / name[:2] / name).unlink()
    gone = [r.id for r in store.records(key_of("x"))]
    store.collect(lambda _: gone, now=LATER)
    (store.path / "trees" / record.slots["data"] / "a").unlink()
    assert read_back(store.check(record.slots["data"])) == {"a": "1"}


# -- crashes --------------------------------------------------------------------------------
WORDS = [f"{n}" for n in range(6)]
KEPT = WORDS[::2]

CHILD = """
import sys
from pathlib import Path
from fusionstore.faults import KillAt
from fusionstore.store import Store
from fusionstore.testing import LATER, everything
store = Store.open(Path(sys.argv[1]), step=KillAt(sys.argv[2], int(sys.argv[3])))
store.collect(everything, now=LATER)
"""


def files_of(word: str) -> dict[str, str | bytes]:
    return {"own": word * 9, "sub/shared": "shared by all", "pair": str(int(word) // 2)}


@pytest.mark.parametrize(
    ("step", "nth"),
    [(step, 1) for step in STEPS] + [("record gone", 2), ("tree moved", 2), ("object moved", 2)],
)
def test_whatever_step_is_the_last_nothing_that_is_rooted_is_lost(
    tmp_path: Path, step: str, nth: int
) -> None:
    store = Store.open(tmp_path / "store")
    made = {
        word: publish(store, result_of(store, tmp_path, key_of(word), files_of(word))).record
        for word in WORDS
    }
    store.write_root(Root("pin-some", tuple(made[word].id for word in KEPT)))
    store.close()
    words = [str(tmp_path / "store"), step, str(nth)]
    ended = subprocess.run([sys.executable, "-c", CHILD, *words], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    store = Store.open(tmp_path / "store")
    assert_whole(store, made)
    store.sweep_tmp()
    store.collect(everything, now=LATER)
    assert_whole(store, made)
    assert [w for w in WORDS if store.lookup(key_of(w), anything)] == KEPT
    assert len(objects(store)) == 1 + 2 * len(KEPT)
    assert store.take_findings() == []
    for word in WORDS:
        publish(store, result_of(store, tmp_path, key_of(word), files_of(word)))
    store.close()


def assert_whole(store: Store, made: dict[str, Record]) -> None:
    """Every record is a result with all its bytes, or none; the rooted ones are results."""
    for word, record in made.items():
        assert store.read_record(record.id).record == record
        found = store.lookup(key_of(word), anything)
        assert found is not None or word not in KEPT
        if found is not None:
            assert read_back(store.check(found.slots["data"])) == files_of(word)
