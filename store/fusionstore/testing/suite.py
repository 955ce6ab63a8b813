"""The conformance suite: what any `ResultStore` must do. Subclass it and give it a `store` fixture.

    class TestMyStore(ResultStoreSuite):
        @pytest.fixture
        def store(self, tmp_path): ...

Stores handed in start empty; `tmp_path` has to be on their file system.
"""

from __future__ import annotations

from fusionstore.testing.exchange import ExchangeChecks
from fusionstore.testing.flight import FlightChecks
from fusionstore.testing.keeping import KeepingChecks
from fusionstore.testing.publishing import PublishingChecks
from fusionstore.testing.trees import TreeChecks


class ResultStoreSuite(TreeChecks, PublishingChecks, FlightChecks, KeepingChecks, ExchangeChecks):
    """What a store must do."""
