"""No command without its documentation: help text, options, exit codes, an example that runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest

from fusionpipe.cli.app import COMMANDS
from fusionpipe.testing import Project

NAMES = [command.__name__ for command in COMMANDS]


def test_the_commands_are_those_that_are_promised() -> None:
    promised = (
        "init new build status why logs history show diff checkout reproduce graph "
        "run link accept pin unpin pins gc verify doctor export import destroy"
    )
    assert promised.split() == NAMES


def test_help_names_every_command_with_a_sentence(project: Project) -> None:
    told = project.call("--help").out
    for name in NAMES:
        assert re.search(rf"^\W*{name} +[A-Z]", told, re.MULTILINE), name


WIDE = {"COLUMNS": "200", "TERM": "dumb"}


@pytest.fixture(scope="module")
def help_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The long help of a command, asked for once."""
    project = Project(tmp_path_factory.mktemp("help"))
    return cache(lambda name: project.call(name, "--help", environment=WIDE).out)


@pytest.mark.parametrize("name", NAMES)
def test_a_command_says_what_it_does_its_exit_codes_and_an_example(
    help_of: Callable[[str], str], name: str
) -> None:
    told = help_of(name)
    assert re.search(r"Exit codes?:? ", told), "states its exit codes"
    assert re.search(rf"Example: fp {name}\b|Example: .*fp {name}\b", told), "shows an example"


@pytest.mark.parametrize("name", NAMES)
def test_every_option_and_argument_says_what_it_is_for(
    help_of: Callable[[str], str], name: str
) -> None:
    told = help_of(name)
    rows = [line for line in told.splitlines() if re.match(r"^│ +(\*? +)?(-|[a-z\[{])", line)]
    assert rows, told
    for row in rows:
        cells = [cell for cell in re.split(r" {2,}", row.strip("│ ")) if cell]
        assert re.match(r"[A-Z]", cells[-1]), f"no help for: {row}"


@pytest.mark.parametrize("name", NAMES)
def test_short_and_long_help_are_the_same(
    project: Project, help_of: Callable[[str], str], name: str
) -> None:
    assert help_of(name) == project.call(name, "-h", environment=WIDE).out


def test_the_version_is_told_in_each_way(project: Project) -> None:
    assert re.fullmatch(r"fp \d+\.\d+\.\d+\n", project.call("--version").out)
    assert project.call("--version").out == project.call("-C", ".", "--version").out
