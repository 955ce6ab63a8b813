"""An audit finds every kind of damage; mending leaves a store that an audit finds sound, and no wrong answer."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fusionstore.contract import Claim, Draft, Record, Root
from fusionstore.digest import Digest, RecordId, digest_bytes
from fusionstore.errors import TreeLost
from fusionstore.findings import Fault
from fusionstore.mend import STEPS
from fusionstore.repair import Repaired, renew_index, repair_all
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, read_back, result_of, write_tree

KEY = key_of("k")
FILES: dict[str, str | bytes] = {"a": "one", "sub/b": "two", "x:run": "three", "twin": "three"}
# names so long that the directory is spilled
MANY: dict[str, str | bytes] = {f"many/{n:0>200}": "same" for n in range(75)}


class Held(NamedTuple):
    """A store with one result, whose code and log are kept, and a pin on it."""

    store: Store
    record: Record

    @property
    def tree(self) -> Digest:
        return self.record.slots["data"]

    def place(self, name: str) -> Path:
        return self.store.tree_path(self.tree) / name

    def object(self, text: str, *, executable: bool = False) -> Path:
        return blob(self.store, digest_bytes(text.encode()), executable=executable)

    @property
    def action(self) -> Path:
        return self.store.path / "actions" / KEY[:2] / KEY


def blob(store: Store, digest: str, *, executable: bool = False) -> Path:
    return store.path / "objects" / digest[:2] / (digest + "x" * executable)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    store = Store.open(tmp_path / "store")
    (tmp_path / "log").write_text("its log")
    code = store.ingest(write_tree(tmp_path / "code", {"main.py": "the code"}))
    draft = result_of(store, tmp_path, KEY, {**FILES, **MANY}, body={"node": "n"})
    draft = Draft(
        KEY, draft.slots, {"code": code}, store.ingest_file(tmp_path / "log"), body={"node": "n"}
    )
    record = publish(store, draft).record
    store.write_root(Root("pin-best", (record.id,)))
    yield Held(store, record)
    store.close()


def flip(path: Path) -> None:
    """Changes a byte so that size, time and inode stay: what only reading can find."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(status.st_mode & 0o777)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def edit(path: Path) -> None:
    path.chmod(0o644)
    path.write_text("EDITED IN PLACE")
    path.chmod(0o444)


def pinned(store: Store) -> list[RecordId]:
    root = store.read_root("pin-best")
    return [] if root is None else list(root.records)


def faults(store: Store, *, deep: bool = False) -> set[Fault]:
    return {finding.fault for finding in store.audit(deep=deep).findings}


def mended(store: Store, *, deep: bool = False) -> Repaired:
    repaired = repair_all(store, deep=deep)
    assert repaired.is_sound, repaired
    assert not [f for f in store.audit(deep=True).findings if f.fault.is_damage]
    return repaired


def test_a_store_in_use_is_sound_and_everything_in_it_is_counted(held: Held) -> None:
    quick, deep = held.store.audit(), held.store.audit(deep=True)
    assert (quick.findings, deep.findings) == ([], [])
    assert (quick.records, quick.roots, quick.gone, quick.unproven) == (1, 1, 0, 0)
    assert quick.stored == sum(p.stat().st_size for p in held.store.path.glob("objects/*/*"))
    assert (quick.hashed, deep.hashed) == (0, quick.stored)


def test_an_audit_changes_no_file(held: Held) -> None:
    edit(held.place("a"))
    held.action.chmod(0o644)

    def everything() -> list[tuple[str, int]]:
        found = (p for p in held.store.path.rglob("*") if "index" not in p.parts)
        return sorted((str(p), p.lstat().st_mtime_ns) for p in found if "locks" not in p.parts)

    before = everything()
    assert held.store.audit(deep=True).findings
    assert everything() == before


def test_an_audit_beside_a_process_that_publishes_finds_nothing(held: Held) -> None:
    child = subprocess.Popen([sys.executable, "-c", PUBLISHER, str(held.store.path)])
    try:
        while child.poll() is None:
            assert held.store.audit(deep=True).findings == []
            assert repair_all(held.store).repairs == ()
    finally:
        child.kill()
    assert child.wait() == 0
    assert held.store.audit(deep=True).records == 1 + 40


PUBLISHER = """
import sys
from pathlib import Path
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, result_of
store = Store.open(Path(sys.argv[1]))
for number in range(40):
    store.claim(key_of(str(number)), anything)  # as builds do
    files = {"n": str(number), "shared": "shared", "x:run": str(number % 3)}
    publish(store, result_of(store, store.scratch(), key_of(str(number)), files))
store.close()
"""


def harm_index_row(held: Held) -> None:
    with held.store._index.writing() as writer:  # there is no other way to lose a row
        writer.drop_row(KEY, held.record.id)


def unname_the_trees(held: Held) -> None:
    with held.store._index.writing() as writer:
        writer.clear()
        writer.set_figure("complete", 1)


def tear(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-30])


def dangle(held: Held) -> None:
    ids = (held.record.id, RecordId(digest_bytes(b"never")))
    held.store.write_root(Root("pin-best", ids))


def put_stranger(held: Held) -> None:
    (held.object("one").parent / "notes.txt").write_text("mine")


class Harm(NamedTuple):
    fault: Fault
    act: Callable[[Held], object]
    is_deep: bool = False
    is_lost: bool = False  # whether the result is no result any more


HARMS = {
    "an edit in place": Harm(Fault.OBJECT_ALTERED, lambda h: edit(h.place("a")), is_lost=True),
    "a flipped bit": Harm(Fault.OBJECT_ALTERED, lambda h: flip(h.place("a")), True, True),
    "a flipped bit with a twin": Harm(Fault.OBJECT_ALTERED, lambda h: flip(h.place("twin")), True),
    "an unlinked object": Harm(Fault.OBJECT_MISSING, lambda h: h.object("one").unlink()),
    "a writable object": Harm(Fault.OBJECT_MODE, lambda h: h.object("one").chmod(0o644)),
    "an added file": Harm(Fault.TREE_ALTERED, lambda h: h.place("added").write_text("mine")),
    "a removed file": Harm(Fault.TREE_ALTERED, lambda h: h.place("sub/b").unlink()),
    "a removed tree": Harm(Fault.TREE_MISSING, lambda h: shutil.rmtree(h.store.tree_path(h.tree))),
    "a torn record": Harm(Fault.RECORD_TORN, lambda h: tear(h.action), is_lost=True),
    "a removed record": Harm(Fault.RECORD_MISSING, lambda h: h.action.unlink(), is_lost=True),
    "a lost row": Harm(Fault.RECORD_UNINDEXED, harm_index_row),
    "lost rows": Harm(Fault.RECORD_UNINDEXED, unname_the_trees),
    "a torn root": Harm(Fault.ROOT_TORN, lambda h: tear(h.store.path / "roots" / "pin-best")),
    "a dangling root": Harm(Fault.ROOT_DANGLING, dangle),
    "a stranger": Harm(Fault.STRANGER, put_stranger),
}


@pytest.mark.parametrize("name", HARMS)
def test_damage_is_found_and_mended_and_the_next_answer_is_right(
    held: Held, tmp_path: Path, name: str
) -> None:
    harm = HARMS[name]
    harm.act(held)
    assert harm.fault in faults(held.store, deep=harm.is_deep)
    mended(held.store, deep=harm.is_deep)
    found = held.store.lookup(KEY, anything)
    assert found == (None if harm.is_lost else held.record)
    assert harm.is_lost or pinned(held.store) == [held.record.id]
    if found is None:
        found = publish(held.store, result_of(held.store, tmp_path, KEY, {**FILES, **MANY})).record
    assert read_back(held.store.check(found.slots["data"])) == {**FILES, **MANY}
    assert held.store.audit(deep=True).is_sound


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in HARMS if not HARMS[name].is_lost])
def test_what_was_pinned_stays_pinned_when_every_byte_is_read(held: Held, name: str) -> None:
    HARMS[name].act(held)
    mended(held.store, deep=True)
    assert pinned(held.store) == [held.record.id]


def test_a_flipped_bit_with_its_stamp_kept_is_found_by_reading_alone(held: Held) -> None:
    flip(held.place("a"))
    assert faults(held.store) == set()
    (finding,) = held.store.audit(deep=True).findings
    assert (finding.fault, finding.trees) == (Fault.OBJECT_ALTERED, (held.tree,))
    assert (finding.records, finding.paths) == ((held.record.id,), ("a",))


def test_a_flipped_bit_is_found_in_every_result_that_shares_it(held: Held, tmp_path: Path) -> None:
    other = publish(held.store, result_of(held.store, tmp_path, key_of("other"), {"z": "one"}))
    flip(held.place("a"))
    repaired = mended(held.store, deep=True)
    lost = {id for repair in repaired.repairs for id in repair.lost}
    assert lost == {held.record.id, other.record.id}
    with pytest.raises((TreeLost, KeyError)):
        held.store.check(other.record.slots["data"])


def test_what_a_collection_took_since_it_was_found_missing_is_told_still(held: Held) -> None:
    hidden = held.action.with_name("hidden")
    held.action.rename(hidden)
    (finding,) = [f for f in held.store.audit().findings if f.fault is Fault.RECORD_MISSING]
    hidden.rename(held.action)
    held.store._catalogue.retire(held.store._index.rows(KEY)[0])
    assert held.store.repair(finding).lost == ()
    assert held.store.read_record(held.record.id).body == {"node": "n"}


def test_the_tree_of_a_record_that_is_gone_is_not_trusted_with_a_flipped_bit(
    held: Held, tmp_path: Path
) -> None:
    held.store._catalogue.retire(held.store._index.rows(KEY)[0])
    flip(held.place("a"))
    mended(held.store, deep=True)
    again = publish(held.store, result_of(held.store, tmp_path, KEY, {**FILES, **MANY})).record
    assert read_back(held.store.check(again.slots["data"])) == {**FILES, **MANY}


def test_what_is_lost_is_told_as_gone_and_named(held: Held) -> None:
    edit(held.place("a"))
    repaired = mended(held.store)
    assert [id for repair in repaired.repairs for id in repair.lost] == [held.record.id]
    assert held.store.read_record(held.record.id).body == {"node": "n"}
    assert [f.fault for f in repaired.now.findings] == [Fault.KEPT_GONE]
    assert repaired.now.gone == 1


def test_what_was_edited_is_kept_in_quarantine(held: Held) -> None:
    edit(held.place("a"))
    mended(held.store)
    kept = {p.read_text() for p in held.store.path.glob("quarantine/*/*") if p.is_file()}
    assert "EDITED IN PLACE" in kept


def test_lost_code_does_not_cost_the_result(held: Held) -> None:
    held.object("the code").unlink()
    shutil.rmtree(held.store.tree_path(held.store.read_record(held.record.id).keeps["code"]))
    repaired = mended(held.store)
    assert {f.fault for f in repaired.now.findings} == {Fault.INCOMPLETE}
    assert held.store.lookup(KEY, anything) == held.record


def test_a_long_directory_that_is_lost_is_told_by_the_tree_that_stands(held: Held) -> None:
    tree = held.store.read_tree(held.tree)
    (spilled,) = [digest for digest, data in tree.directories.items() if len(data) > 16384]
    blob(held.store, spilled).unlink()
    assert Fault.OBJECT_MISSING in faults(held.store)
    mended(held.store)
    assert held.store.read_tree(held.tree) == tree


def test_asking_what_suffers_moves_nothing(held: Held) -> None:
    tree = held.store.read_tree(held.tree)
    (spilled,) = [digest for digest, data in tree.directories.items() if len(data) > 16384]
    edit(blob(held.store, spilled))
    assert held.store.read_body(held.record.id) == {"node": "n"}
    assert blob(held.store, spilled).exists()


def test_a_copy_in_a_tree_is_read_too(held: Held) -> None:
    path = held.place("a")
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    mended(held.store, deep=True)  # an inode of its own is fine while its bytes are
    flip(path)
    assert faults(held.store, deep=True) == {Fault.TREE_ALTERED}
    mended(held.store, deep=True)
    assert path.read_text() == "one"


def test_a_touched_file_is_no_damage_and_is_read_once(held: Held) -> None:
    os.utime(held.place("a"), (5, 5))
    first = held.store.audit()
    assert (first.findings, first.hashed) == ([], 3)
    assert held.store.audit().hashed == 0


def test_after_the_index_is_lost_all_is_unproven_until_it_was_read(held: Held) -> None:
    held.store.close()
    shutil.rmtree(held.store.path / "index")
    again = Store.open(held.store.path)
    objects = again.audit().objects
    assert again.audit().unproven == objects
    assert again.audit(deep=True).findings == []
    assert again.audit().unproven == 0
    assert again.lookup(KEY, anything) == held.record
    again.close()


def test_bytes_that_only_a_root_kept_are_told_for_as_long_as_they_are_lost(
    held: Held, tmp_path: Path
) -> None:
    mine = held.store.ingest(write_tree(tmp_path / "mine", {"m": "only copy", "n": "fine"}))
    held.store.write_root(Root("kept-1", trees=(mine.root,), encodings=dict(mine.directories)))
    edit(held.store.tree_path(mine.root) / "m")
    repaired = repair_all(held.store)
    assert not repaired.is_sound
    assert held.store.read_root("kept-1") is not None
    assert held.object("fine").exists()


def test_a_key_that_a_build_holds_is_left_alone(held: Held) -> None:
    edit(held.place("a"))
    claim = held.store.claim(KEY, anything, rerun=True)
    assert isinstance(claim, Claim)
    repaired = repair_all(held.store)
    assert held.action.exists()
    assert any("build" in repair.done for repair in repaired.repairs)
    held.store.release(claim)
    mended(held.store)
    assert not held.action.exists()


CHILD = """
import sys
from pathlib import Path
from fusionstore.faults import KillAt
from fusionstore.mend import STEPS
from fusionstore.repair import repair_all
from fusionstore.store import Store
store = Store.open(Path(sys.argv[1]), step=KillAt(sys.argv[2], int(sys.argv[3])))
repair_all(store, deep=True)
"""


@pytest.mark.parametrize(
    ("step", "nth"), [*((step, 1) for step in STEPS), ("tree mended", 2), ("record retired", 2)]
)
def test_a_repair_killed_at_any_step_gives_no_wrong_answer_and_goes_on(
    held: Held, tmp_path: Path, step: str, nth: int
) -> None:
    """The index must not vouch for a flipped bit, even where nobody repairs again."""
    store = held.store
    publish(store, result_of(store, tmp_path, key_of("other"), {"z": "one", "y": "fine"}))
    flip(held.place("a"))
    store.close()
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, str(store.path), step, str(nth)], check=False, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL
    again = Store.open(store.path)
    wanted = {KEY: {**FILES, **MANY}, key_of("other"): {"z": "one", "y": "fine"}}
    for key in wanted:
        record = again.lookup(key, anything)
        if record is not None:
            with pytest.raises(TreeLost):
                again.check(record.slots["data"])
    mended(again, deep=True)
    for key, files in wanted.items():
        assert again.lookup(key, anything) is None
        record = publish(again, result_of(again, tmp_path, key, files)).record
        assert read_back(again.check(record.slots["data"])) == files
    assert again.audit(deep=True).is_sound
    again.close()


@pytest.mark.parametrize("kept_pages", [2, 3])
def test_an_index_damaged_within_is_made_anew(held: Held, kept_pages: int) -> None:
    held.store.close()
    data = held.store.path / "index" / "data.mdb"
    size = data.stat().st_size
    os.truncate(data, kept_pages * 4096)
    os.truncate(data, size)
    again = Store.open(held.store.path)
    if not again.audit().is_sound:
        again = renew_index(again)
    mended(again, deep=True)
    assert again.lookup(KEY, anything) == held.record
    assert len(list(again.path.glob("quarantine/index-*"))) == 1
    again.close()
