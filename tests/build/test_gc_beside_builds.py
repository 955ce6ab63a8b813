"""Builds and `fp gc` on one store at the same time: no build fails, and no link leads nowhere."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path

import pytest

from fusionpipe.testing import Project
from fusionstore.store import Store
from fusionstore.testing import read_back

BUILDERS = 3
NODES = {"top": [], "left": ["top"], "right": ["top"], "end": ["left", "right"]}


def without_lease(store: Path) -> None:
    """What nobody needs is old at once."""
    Store.open(store).close()
    about = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps(about | {"lease": 0}))


def a_project(place: Path, store: Path) -> Project:
    project = Project(place).write("fusionpipe.toml", f'store = "{store}"\n')
    for name, parents in NODES.items():
        reads = "cat ../parents/*/it.txt ../params.json"
        code = f"{{ echo {name}; {reads if parents else 'cat ../params.json'}; }} > ../data/it.txt"
        project.node(name, code, parents=parents)
    return project


def turn(project: Project, number: int) -> None:
    """One of three states the project has been in before."""
    for name, parents in NODES.items():
        toml = f"parents = {json.dumps(parents)}\n[params]\nturn = {number % 3}\n"
        project.write(f"{name}/node.toml", toml)


def build_on(project: Project, rounds: int, seed: int, wrong: list[str]) -> None:
    order = random.Random(seed)
    for _ in range(rounds):
        number = order.randrange(3)
        turn(project, number)
        built = project.fp("build")
        if built.code != 0:
            wrong.append(built.out + built.err)
        for name in NODES:
            data = project.root / name / "data"
            if not data.is_dir() or f'"turn":{number}' not in _squeezed(data / "it.txt"):
                wrong.append(f"{name} shows {read_back(data) if data.is_dir() else 'nothing'}")


def _squeezed(path: Path) -> str:
    return path.read_text().replace(" ", "").replace("\n", "")


def race(place: Path, rounds: int) -> tuple[list[str], int]:
    """Three projects on one store are built, while a collector takes all that nobody needs, again and again."""
    store = place / "store"
    without_lease(store)
    projects = [a_project(place / f"project{n}", store) for n in range(BUILDERS)]
    wrong: list[str] = []
    builders = [
        threading.Thread(target=build_on, args=(project, rounds, seed, wrong))
        for seed, project in enumerate(projects)
    ]
    for builder in builders:
        builder.start()
    collected = 0
    while any(builder.is_alive() for builder in builders):
        done = projects[0].fp("gc", "--keep", "0", "--json")
        if done.code != 0:
            wrong.append(done.out + done.err)
        else:
            collected += json.loads(done.out)["results"]
    for builder in builders:
        builder.join()
    opened = Store.open(store)
    for root in opened.roots():
        for id in root.records:
            for tree in opened.read_record(id).record.slots.values():
                opened.check(tree)
    wrong += opened.take_findings()
    opened.close()
    return wrong, collected


def test_builds_beside_a_collector_end_well(tmp_path: Path) -> None:
    wrong, _ = race(tmp_path, rounds=3)
    assert wrong == []


@pytest.mark.slow
def test_many_builds_beside_a_collector_that_takes_much_end_well(tmp_path: Path) -> None:
    wrong, collected = race(tmp_path, rounds=25)
    assert wrong == []
    assert collected > 10
