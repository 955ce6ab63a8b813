"""A SIGKILL at every step of publishing leaves a store whose every record has all its bytes."""

from __future__ import annotations

import inspect
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fusionstore.contract import Claim, Draft, Published, Record
from fusionstore.publish import STEPS
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, read_back, write_tree

KEYS = ("one", "two", "three")


def files_of(word: str) -> dict[str, str | bytes]:
    return {"name": word, "shared": "shared by all", "sub/deep": word * 3}


def publish_all(store: Store, scratch: Path) -> list[Published]:
    """What the child does, and what is done again afterwards."""
    drafts = []
    for word in KEYS:
        if isinstance(store.claim(key_of(word), anything), Record):
            continue
        tree = store.ingest(write_tree(scratch / word, files_of(word)))
        (scratch / "log").write_text("log of " + word)
        drafts.append(Draft(key_of(word), {"data": tree}, log=store.ingest_file(scratch / "log")))
        (scratch / "log").unlink()
    outcomes = store.commit(drafts)
    return [outcome for outcome in outcomes if isinstance(outcome, Published)]


# The child does what `publish_all` does, and spares itself the import of pytest with this file.
CHILD = f"""
from __future__ import annotations
import sys
from pathlib import Path
from fusionstore.contract import Draft, Published, Record
from fusionstore.faults import KillAt
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, write_tree
KEYS = {KEYS!r}
{inspect.getsource(files_of)}
{inspect.getsource(publish_all)}
store = Store.open(Path(sys.argv[1]), step=KillAt(sys.argv[3], int(sys.argv[4])))
publish_all(store, Path(sys.argv[2]))
"""


def crash(store: Path, scratch: Path, step: str, nth: int) -> None:
    scratch.mkdir()
    words = [str(store), str(scratch), step, str(nth)]
    ended = subprocess.run([sys.executable, "-c", CHILD, *words], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("step", "nth"), [(step, 1) for step in STEPS] + [("object linked", 3), ("record linked", 2)]
)
def test_whatever_step_is_the_last_the_store_is_whole_and_goes_on(
    tmp_path: Path, step: str, nth: int
) -> None:
    crash(tmp_path / "store", tmp_path / "before", step, nth)
    store = Store.open(tmp_path / "store")
    found = {word: store.lookup(key_of(word), anything) for word in KEYS}
    for word, record in found.items():
        if record is not None:
            assert read_back(store.check(record.slots["data"])) == files_of(word)
            assert record.log is not None
            assert store.object_path(record.log).read_text() == "log of " + word
    assert store.take_findings() == []
    expected = {"record linked": nth, "names durable": 3, "indexed": 3}.get(step, 0)
    assert sum(record is not None for record in found.values()) == expected
    (tmp_path / "after").mkdir()
    assert len(publish_all(store, tmp_path / "after")) == len(KEYS) - expected
    for word in KEYS:
        record = store.lookup(key_of(word), anything)
        assert record is not None
        assert read_back(store.check(record.slots["data"])) == files_of(word)
    store.close()


def test_the_scratch_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    crash(tmp_path / "store", tmp_path / "before", "records written", 1)
    store = Store.open(tmp_path / "store")
    mine = store.scratch()
    (left,) = [p for p in (store.path / "tmp").iterdir() if p.name not in ("trash", mine.name)]
    store.sweep_tmp()
    assert (left.exists(), mine.exists()) == (False, True)
    store.empty_trash()
    assert list((store.path / "tmp" / "trash").iterdir()) == []
    store.close()


def test_claims_die_with_their_process(tmp_path: Path) -> None:
    crash(tmp_path / "store", tmp_path / "before", "records written", 1)
    store = Store.open(tmp_path / "store")
    assert isinstance(store.claim(key_of("one"), anything), Claim)
    store.close()
