"""How many examples hypothesis draws: few in the default suite, its own hundred with the slow tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=25)


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("quick" if config.option.markexpr == "not slow" else "default")
