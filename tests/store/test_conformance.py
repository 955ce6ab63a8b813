"""Both stores keep what `ResultStore` promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionstore.contract import ResultStore
from fusionstore.memory import MemoryStore
from fusionstore.store import Store
from fusionstore.testing.suite import ResultStoreSuite


class TestStore(ResultStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ResultStore]:
        store = Store.open(tmp_path / "store")
        yield store
        store.close()


class TestMemoryStore(ResultStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ResultStore:
        return MemoryStore(tmp_path / "memory")
