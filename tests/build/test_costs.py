"""What one more node costs a build: counted, so that a look or an inode more does not slip in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from fusionpipe import hot
from fusionpipe.counting import PYTHON, counted_calls
from fusionpipe.testing import Project

WIDTH = 10

# Making an inode costs ten times what a name costs. A node with two parents makes symlinks to its data, its
# log and its parents, and one that all who read it share; its next run's data/, and parents/ beside its
# code; and now and then one of the store's 512 folders.
COLD = {
    "symlink": 5.5,
    "mkdir": 6.0,
    "rename": 1.5,  # its output becomes the stored tree
    "unlink": 8.5,
    "open": 11.5,
    "scandir": 11.5,
    "lstat": 35.5,
    "stat": 14.5,
    PYTHON: 1650.0,
}


# What is asked of the disk when nothing changed: a node's directory, its node.toml, its code/, the script, its data.
NO_OP = {"stat": 5.0, "lstat": 0.0, "open": 0.0, "scandir": 0.0, "readlink": 0.0, PYTHON: 0.0}

# Linking a result again whose link is gone: that and no more is made, and no file is opened.
RESTORE = {
    "symlink": 1.0,
    "open": 0.2,  # the clock is asked a few times more or less
    "scandir": 3.0,
    "lstat": 1.0,
    "stat": 8.0,  # five of them find out that the link is gone
    PYTHON: 49.0,
}

Counts = Counter[str]


class Costs(NamedTuple):
    """What was called by building nodes, by looking at them again, and by linking all their results again."""

    cold: Counts
    no_op: Counts
    restore: Counts


def costs(root: Path, layers: int) -> Costs:
    """Of layers of nodes, each with two parents above it."""
    project = Project(root)
    for number in range(layers * WIDTH):
        layer, place = divmod(number, WIDTH)
        above = [f"n{layer - 1}x{at % WIDTH}" for at in (place, place + 1)] if layer else []
        project.node(f"n{layer}x{place}", f"echo {number} > ../data/it.txt", parents=above)
    with counted_calls() as cold:
        built = project.build()
    assert built.finished.ran == layers * WIDTH
    with counted_calls() as no_op:
        assert hot.check(str(root), project.environment) is not None
    for data in root.glob("n*/data"):
        data.unlink()
    with counted_calls() as restore:
        built = project.build()
    assert built.finished.restored == layers * WIDTH
    return Costs(cold, no_op, restore)


@pytest.fixture(scope="module")
def per_node(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    """What one node more adds, whatever a build costs by itself. The first loads modules."""
    place = tmp_path_factory.mktemp("costs")
    costs(place / "first", 2)
    few, many = costs(place / "few", 3), costs(place / "many", 9)
    return [
        {name: (large[name] - small[name]) / (6 * WIDTH) for name in {*small, *large}}
        for small, large in zip(few, many, strict=True)
    ]


CASES = [
    *((0, what, most) for what, most in COLD.items()),
    *((1, what, most) for what, most in NO_OP.items()),
    *((2, what, most) for what, most in RESTORE.items()),
]


@pytest.mark.parametrize(("kind", "what", "most"), CASES)
def test_one_more_node_costs_no_more_than(
    kind: int, what: str, most: float, per_node: list[dict[str, float]]
) -> None:
    assert per_node[kind].get(what, 0.0) <= most
