"""A store that hypothesis uses in any order, and to which happens what happens to stores. Needs hypothesis."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine, rule

from fusionstore.store import Store


class StoreMachine(RuleBasedStateMachine):
    """Restarts, and the loss of all that is derived. What uses the store, and the model, is its heir's."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="fusionstore-"))
        self.store = Store.open(self.place / "store")

    @rule()
    def delete_trees(self) -> None:
        """The trees are derived from objects."""
        shutil.rmtree(self.store.path / "trees")
        (self.store.path / "trees").mkdir()

    @rule()
    def reopen_without_index(self) -> None:
        """The index is derived from files."""
        self.store.close()
        shutil.rmtree(self.store.path / "index")
        self.store = Store.open(self.store.path)

    @rule()
    def reopen(self) -> None:
        """As the next command finds it."""
        self.store.close()
        self.store = Store.open(self.store.path)

    def teardown(self) -> None:
        """Leaves nothing behind."""
        self.store.close()
        shutil.rmtree(self.place)
