"""A project, and the hall in which its nodes meet the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from fusionpipe.testing import Hall, Project

Make = Callable[[str, Mapping[str, str]], Project]


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    """Where nodes note that they ran, and wait for the test."""
    return Hall(tmp_path / "hall")


@pytest.fixture
def make_project(tmp_path: Path) -> Iterator[Make]:
    """Makes projects by name, with what to add to their environment."""
    made: list[Project] = []

    def make(name: str, environment: Mapping[str, str]) -> Project:
        made.append(Project(tmp_path / name, environment))
        return made[-1]

    yield make
    for project in made:
        project.end_all()


@pytest.fixture
def project(make_project: Make, hall: Hall) -> Project:
    """A project whose nodes can reach the hall."""
    return make_project("a project", hall.environment)
