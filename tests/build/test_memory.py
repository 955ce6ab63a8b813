"""What one more node takes of memory, as the interpreter counts it: so that a list too much does not slip in."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from fusionpipe.build.session import Session
from fusionpipe.testing import Project

WIDTH = 20
FEW, MANY = 5, 45  # layers

PEAK = 3200.0
"""Bytes at the worst moment of reading a project of which nothing is known."""

HELD = 2600.0
"""Bytes that stay until the build is over: the graph, and what was seen and is remembered of its files."""


def read(root: Path, layers: int) -> tuple[int, int]:
    """(held, peak) of reading layers of nodes, each with two parents above it."""
    project = Project(root)
    for number in range(layers * WIDTH):
        layer, place = divmod(number, WIDTH)
        above = [f"n{layer - 1}x{at % WIDTH}" for at in (place, place + 1)] if layer else []
        project.node(f"n{layer}x{place}", f"echo {number} > ../data/it.txt", parents=above)
    tracemalloc.start()
    try:
        session = Session.open(root, project.environment)
        try:
            assert layers * WIDTH == len(session.graph.nodes)
            return tracemalloc.get_traced_memory()
        finally:
            session.close()
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def per_node(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, float]:
    """What one node more adds, whatever a project takes by itself. The first loads modules."""
    place = tmp_path_factory.mktemp("memory")
    read(place / "first", 2)
    few, many = read(place / "few", FEW), read(place / "many", MANY)
    more = (MANY - FEW) * WIDTH
    return (many[0] - few[0]) / more, (many[1] - few[1]) / more


def test_one_more_node_holds_no_more(per_node: tuple[float, float]) -> None:
    assert per_node[0] <= HELD


def test_one_more_node_takes_no_more_while_the_project_is_read(
    per_node: tuple[float, float],
) -> None:
    assert per_node[1] <= PEAK
