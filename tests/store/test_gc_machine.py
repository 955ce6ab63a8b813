"""Random publishing, rooting, letting go, collecting, damage and restarts: nothing rooted is ever lost."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from fusionstore.contract import Draft, Root
from fusionstore.digest import RecordId
from fusionstore.inventory import Inventory
from fusionstore.testing import LATER, anything, key_of, publish, read_back, write_tree
from fusionstore.testing.machine import StoreMachine

KEYS = st.sampled_from(["k1", "k2", "k3", "k4"])
NAMES = st.sampled_from(["pin-a", "pin-b", "project-c"])
CONTENTS = st.dictionaries(
    st.sampled_from(["a", "sub/b", "x:c", "empty/"]), st.sampled_from(["", "1", "22"])
).map(lambda files: {n: "" if n.endswith("/") else t for n, t in files.items()})

Files = dict[str, str]


class GcMachine(StoreMachine):
    """The model: what each record holds, and which records and trees each root names."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.held: dict[RecordId, tuple[str, Files]] = {}
        self.rooted: dict[str, list[RecordId]] = {}
        self.kept: dict[str, tuple[str, Files]] = {}

    @rule(key=KEYS, files=CONTENTS)
    def run(self, key: str, files: Files) -> None:
        self.number += 1
        tree = self.store.ingest(write_tree(self.place / "out", {**files}))
        outcome = publish(self.store, Draft(key_of(key), {"data": tree}, body={"n": self.number}))
        self.held[outcome.record.id] = (key, files)

    @rule(name=NAMES, keys=st.sets(KEYS, max_size=3))
    def link(self, name: str, keys: set[str]) -> None:
        found = [self.store.lookup(key_of(key), anything) for key in sorted(keys)]
        ids = [record.id for record in found if record is not None]
        self.store.write_root(Root(name, ids))
        self.rooted[name] = ids

    @rule(name=NAMES)
    def let_go(self, name: str) -> None:
        self.store.delete_root(name)
        self.rooted.pop(name, None)

    @rule(files=CONTENTS)
    def keep_the_users_own(self, files: Files) -> None:
        tree = self.store.ingest(write_tree(self.place / "mine", {**files}))
        name = f"kept-{tree.root}"
        self.store.write_root(Root(name, (), (tree.root,), dict(tree.directories)))
        self.kept[name] = (tree.root, files)

    @rule(chosen=st.none() | st.sets(st.integers(0, 9)), dry=st.booleans())
    def collect(self, chosen: set[int] | None, dry: bool) -> None:
        def choose(inventory: Inventory) -> list[RecordId]:
            ids = sorted(inventory.records)
            return ids if chosen is None else [ids[n] for n in chosen if n < len(ids)]

        before = self.objects()
        told = self.store.collect(choose, dry_run=True, now=LATER)
        assert self.objects() == before
        if dry:
            return
        done = self.store.collect(choose, now=LATER)
        assert (done.bytes, done.objects, done.trees) == (told.bytes, told.objects, told.trees)
        assert [held.id for held in done.records] == [held.id for held in told.records]
        assert sum(before.values()) - sum(self.objects().values()) == done.bytes
        assert self.store.collect(lambda _: [], now=LATER).objects == 0

    @invariant()
    def what_is_rooted_is_there(self) -> None:
        for ids in self.rooted.values():
            for id in ids:
                key, files = self.held[id]
                record = self.store.lookup(key_of(key), anything, id)
                assert record is not None
                assert record.id == id
                assert read_back(self.store.check(record.slots["data"])) == files
        for tree, files in self.kept.values():
            assert read_back(self.store.check(tree)) == files  # type: ignore[arg-type]  # a digest

    @invariant()
    def what_is_found_is_right_and_every_record_can_be_read(self) -> None:
        for id, (key, _) in self.held.items():
            assert self.store.read_record(id).record.key == key_of(key)
            record = self.store.lookup(key_of(key), anything)
            if record is not None:
                assert read_back(self.store.check(record.slots["data"])) == self.held[record.id][1]
        assert self.store.take_findings() == []

    def objects(self) -> dict[str, int]:
        found = (self.store.path / "objects").rglob("*")
        return {path.name: path.stat().st_size for path in found if path.is_file()}


TestGcMachine = GcMachine.TestCase
# of the profile that tests/conftest.py chose: ten in the default suite, forty with the slow tests
TestGcMachine.settings = settings(
    max_examples=settings.default.max_examples * 2 // 5, stateful_step_count=20, deadline=None
)
