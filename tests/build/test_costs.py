"""What one more node costs a cold build: counted, so that a look or an inode more does not slip in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fusionpipe.counting import PYTHON, counted_calls
from fusionpipe.testing import Project

WIDTH = 10

# Making an inode costs ten times what a name costs. A node with two parents makes symlinks to its data, its
# log and its parents, and one that all who read it share; its next run's data/, and parents/ beside its
# code; and now and then one of the store's 512 folders.
MOST = {
    "symlink": 5.5,
    "mkdir": 6.0,
    "rename": 1.5,  # its output becomes the stored tree
    "unlink": 8.5,
    "open": 15.5,
    "scandir": 13.0,
    "lstat": 37.0,
    "stat": 17.0,
    PYTHON: 1750.0,
}


def cold_build(root: Path, layers: int) -> Counter[str]:
    """What building layers of nodes, each with two parents above it, calls."""
    project = Project(root)
    for number in range(layers * WIDTH):
        layer, place = divmod(number, WIDTH)
        above = [f"n{layer - 1}x{at % WIDTH}" for at in (place, place + 1)] if layer else []
        project.node(f"n{layer}x{place}", f"echo {number} > ../data/it.txt", parents=above)
    with counted_calls() as counts:
        built = project.build()
    assert built.finished.ran == layers * WIDTH
    return counts


@pytest.fixture(scope="module")
def per_node(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What one node more adds, whatever a build costs by itself. The first loads modules."""
    place = tmp_path_factory.mktemp("costs")
    cold_build(place / "first", 2)
    few, many = cold_build(place / "few", 3), cold_build(place / "many", 9)
    return {name: (many[name] - few[name]) / (6 * WIDTH) for name in many}


@pytest.mark.parametrize("what", MOST)
def test_one_more_node_costs_no_more_than(what: str, per_node: dict[str, float]) -> None:
    assert per_node[what] <= MOST[what]
