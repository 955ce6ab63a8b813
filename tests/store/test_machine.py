"""Random uses of a store, with damage and restarts in between, agree with an obviously right model."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from fusionstore.contract import Claim, Record, Standing
from fusionstore.errors import TreeLost
from fusionstore.testing import anything, key_of, publish, read_back, result_of
from fusionstore.testing.machine import StoreMachine

KEYS = st.sampled_from(["k1", "k2", "k3"])
OBSERVED = st.sampled_from([1, 2])
CONTENTS = st.dictionaries(
    st.sampled_from(["a", "sub/b", "x:c", "sub/deep/d", "empty/"]), st.sampled_from(["", "1", "22"])
).map(lambda files: {n: "" if n.endswith("/") else t for n, t in files.items()})

Files = dict[str, str]


class ResultsMachine(StoreMachine):
    """The model: for each key and observation, the bytes of its realisation."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[tuple[str, int], Files] = {}
        self.lost: dict[tuple[str, int], Files] = {}

    @rule(key=KEYS, observed=OBSERVED, files=CONTENTS)
    def run(self, key: str, observed: int, files: Files) -> None:
        draft = result_of(self.store, self.place, key_of(key), {**files}, observed=observed)
        self.find_again()  # the same bytes may have been another key's, lost since
        outcome = publish(self.store, draft)
        self.lost.pop((key, observed), None)
        kept = self.model.setdefault((key, observed), files)
        assert outcome.record.slots["data"] == draft.slots["data"].root
        assert (outcome.disagrees_with is None) == (kept == files)
        assert (outcome.record.standing is Standing.DISAGREES) == (kept != files)

    @rule(key=KEYS, observed=OBSERVED)
    def look_up(self, key: str, observed: int) -> None:
        self.find_again()
        record = self.find(key, observed)
        files = self.model.get((key, observed))
        assert (record is None) == (files is None)
        if record is not None:
            assert read_back(self.store.check(record.slots["data"])) == files

    @rule(key=KEYS)
    def claim_and_release(self, key: str) -> None:
        self.find_again()
        found = self.store.claim(key_of(key), anything)
        known = any(name == key for name, _ in self.model)
        assert isinstance(found, Record if known else Claim)
        if isinstance(found, Claim):
            self.store.release(found)

    @rule(key=KEYS, observed=OBSERVED)
    def add_and_remove_files(self, key: str, observed: int) -> None:
        self.find_again()
        record = self.find(key, observed)
        if record is None:
            return
        tree = self.store.materialise(record.slots["data"])
        for path in [path for path in tree.rglob("*") if path.is_file()][:1]:
            path.unlink()
        (tree / "mine").write_text("added")
        assert read_back(self.store.check(record.slots["data"])) == self.model[key, observed]
        assert self.store.take_findings()

    @rule(key=KEYS, observed=OBSERVED)
    def spoil_all_bytes(self, key: str, observed: int) -> None:
        """Every file of a result is edited in place: whoever shares those bytes has to run again."""
        self.find_again()
        record = self.find(key, observed)
        if record is None:
            return
        tree = self.store.materialise(record.slots["data"])
        for path in [path for path in tree.rglob("*") if path.is_file()]:
            path.chmod(0o644)
            path.write_bytes(path.read_bytes() + b"spoilt")
        self.settle_losses()

    @invariant()
    def nothing_is_left_in_a_run_directory(self) -> None:
        assert [p.name for p in self.place.iterdir()] == ["store"]

    def find(self, key: str, observed: int) -> Record | None:
        return self.store.lookup(key_of(key), lambda record: record.observed == observed)

    def settle_losses(self) -> None:
        """What cannot be healed leaves the model; what can be must be as it was."""
        for (key, observed), files in list(self.model.items()):
            record = self.find(key, observed)
            try:
                if record is not None:
                    assert read_back(self.store.check(record.slots["data"])) == files
                    continue
            except TreeLost:
                assert self.find(key, observed) is None
            self.lost[key, observed] = self.model.pop((key, observed))

    def find_again(self) -> None:
        """A lost result is one again when its bytes came back with another key's."""
        for (key, observed), files in list(self.lost.items()):
            record = self.find(key, observed)
            if record is None:
                continue
            try:
                assert read_back(self.store.check(record.slots["data"])) == files
                self.model[key, observed] = self.lost.pop((key, observed))
            except TreeLost:
                assert self.find(key, observed) is None


TestResultsMachine = ResultsMachine.TestCase
TestResultsMachine.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
