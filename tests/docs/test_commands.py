"""Every command is in the README: one that is not found there does not exist for its users."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionpipe.cli.app import COMMANDS

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.parametrize("name", [command.__name__ for command in COMMANDS])
def test_the_readme_tells_of_every_command(name: str) -> None:
    assert f"`fp {name}" in README
