"""A SIGKILL at every step of an import leaves a whole store, and importing again ends as if nothing had been."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fusionstore.bringing import IMPORT_STEPS
from fusionstore.bundle_read import read_bundle
from fusionstore.contract import Draft, Record, Standing
from fusionstore.errors import Corrupt
from fusionstore.store import Store
from fusionstore.testing import (
    anything,
    bundle_of,
    import_bundle,
    key_of,
    publish,
    read_back,
    write_tree,
)

WORDS = ("one", "two")

CHILD = """
import sys
from pathlib import Path
from fusionstore.faults import KillAt
from fusionstore.store import Store
from fusionstore.testing import import_bundle, key_of
store = Store.open(Path(sys.argv[1]), step=KillAt(sys.argv[3], int(sys.argv[4])))
import_bundle(store, Path(sys.argv[2]).read_bytes())
for word in ("one", "two"):
    for record in store.records(key_of(word)):
        store.trust(record.id)
"""


def files_of(word: str) -> dict[str, str | bytes]:
    wide: dict[str, str | bytes] = {f"wide/{n:0>200}": "" for n in range(70)}
    return wide | {"name": word, "shared": "shared by all"}


def make_bundle(scratch: Path) -> tuple[list[Record], bytes]:
    store = Store.open(scratch / "elsewhere")
    records = []
    for word in WORDS:
        tree = store.ingest(write_tree(scratch / word, files_of(word)))
        code = store.ingest(write_tree(scratch / f"{word}-code", {"main.py": word}))
        draft = Draft(key_of(word), {"data": tree}, {"code": code}, body={"made": 1})
        records.append(publish(store, draft).record)
    bundle = bundle_of(store, *(record.id for record in records))
    store.close()
    return records, bundle


def every_record_is_whole(store: Store) -> list[Record]:
    """What is found, by the index and then by the files, has all its bytes."""
    store.reindex()
    found = [record for word in WORDS for record in store.records(key_of(word))]
    for record in found:
        full = store.read_record(record.id)
        word = next(word for word in WORDS if key_of(word) == record.key)
        assert read_back(store.check(record.slots["data"])) == files_of(word)
        assert read_back(store.check(full.keeps["code"])) == {"main.py": word}
    assert store.take_findings() == []
    return found


def crash(tmp_path: Path, bundle: bytes, step: str, nth: int) -> None:
    (tmp_path / "bundle").write_bytes(bundle)
    words = [str(tmp_path / "store"), str(tmp_path / "bundle"), step, str(nth)]
    ended = subprocess.run([sys.executable, "-c", CHILD, *words], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("step", "nth"),
    [(step, 1) for step in IMPORT_STEPS] + [("record brought", 2), ("trusted name linked", 2)],
)
def test_whatever_step_is_the_last_the_store_is_whole_and_goes_on(
    tmp_path: Path, step: str, nth: int
) -> None:
    records, bundle = make_bundle(tmp_path)
    crash(tmp_path, bundle, step, nth)
    store = Store.open(tmp_path / "store")
    shown = [record for word in WORDS for record in store.records(key_of(word))]
    is_shown = IMPORT_STEPS.index(step) >= IMPORT_STEPS.index("brought indexed")
    assert len(shown) == (len(WORDS) if is_shown else 0)  # all or none
    found = every_record_is_whole(store)
    trusted = {r.key for r in found if r.standing is not Standing.IMPORTED}
    assert len(trusted) == (nth if step.startswith("trusted") else 0)
    for record in records:
        hit = store.lookup(record.key, anything)
        assert hit == (record if record.key in trusted else None)
    import_bundle(store, bundle)
    for record in records:
        assert store.trust(record.id) == record == store.lookup(record.key, anything)
    assert len(every_record_is_whole(store)) == len(WORDS)
    (root,) = store.roots()
    assert set(root.records) == {record.id for record in records}
    store.close()


def test_a_record_that_was_renamed_before_a_crash_is_read_at_its_new_name(tmp_path: Path) -> None:
    records, bundle = make_bundle(tmp_path)
    crash(tmp_path, bundle, "trusted name durable", 1)
    store = Store.open(tmp_path / "store")
    key, id = records[0].key, records[0].id
    (store.path / "actions" / key[:2] / f"{key}.{id}.imported").unlink()
    assert store.read_record(id).record == records[0]
    store.close()


def test_bytes_that_went_while_a_bundle_was_read_stop_the_import(tmp_path: Path) -> None:

    records, bundle = make_bundle(tmp_path)
    store = Store.open(tmp_path / "store")
    (tmp_path / "scratch").mkdir()
    arriving = read_bundle(
        io.BytesIO(bundle), tmp_path / "scratch", lambda full: None, lambda name: True
    )
    with pytest.raises(Corrupt, match="not in the store"):
        store.bring_in(arriving.brought)
    assert (store.roots(), store.records(records[0].key)) == ([], [])
    store.close()


def test_a_record_whose_bytes_were_collected_comes_back_with_a_bundle(tmp_path: Path) -> None:
    records, bundle = make_bundle(tmp_path)
    store = Store.open(tmp_path / "elsewhere")
    record = records[0]
    path = store.path / "actions" / record.key[:2] / record.key
    path.rename(path.with_name(f"{record.key}.{record.id}.gone"))
    store.reindex()
    assert store.lookup(record.key, anything) is None
    (imported,) = import_bundle(store, bundle)
    assert imported.id == record.id
    assert store.trust(record.id) == record == store.lookup(record.key, anything)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    store.close()
