"""A fresh project for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionpipe.testing import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")
