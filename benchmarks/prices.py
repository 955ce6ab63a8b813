"""What each peer is expected to take, so that a run can say beforehand how long it lasts. Measures nothing.

Seconds, from earlier runs on two cores. They decide nothing that is reported: only the plan that is printed,
and the time after which a command is given up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.results import Cell, Scenario
from benchmarks.work import Kind, Peer


@dataclass(frozen=True, slots=True)
class Price:
    """What any command takes, and what each node adds to it. Restoring costs a no-op where nothing is said."""

    start: float
    cold: float
    no_op: float
    restore: float = 0.0
    write: float = 2e-4  # laying out the project, which is not measured


PRICES: Mapping[str, Price] = {
    "fp": Price(0.03, 2.7e-3, 2e-5, restore=1.2e-4, write=6e-4),
    "floor": Price(0.01, 5e-4, 0.0),
    "leanest": Price(0.02, 9e-4, 2e-5, restore=6e-5, write=6e-4),
    "make": Price(0.002, 5.2e-4, 7e-6),
    "ninja": Price(0.003, 9e-4, 7e-6),
    "tup": Price(0.005, 3.2e-3, 2e-5),
    "doit": Price(0.08, 1.1e-3, 9e-5),
    "joblib": Price(0.13, 9e-4, 2.9e-4, restore=3.3e-4),
    "snakemake": Price(0.8, 1.6e-2, 1e-3),
    "nx": Price(0.8, 2.3e-2, 2e-3, restore=3e-3, write=4e-4),
    "redun": Price(2.0, 2.6e-2, 6e-3),
    "pytask": Price(0.9, 2.7e-2, 1.1e-2),
    "dvc": Price(0.6, 1.8e-1, 1.2e-2, restore=6e-3),
}
UNKNOWN = Price(1.0, 3e-2, 1e-2)
PYTHON_NODE = 4.5e-3  # what such a node takes by itself, two at a time
CHECK = 3e-5  # comparing a node's output with what it has to be
REBUILT = 0.92  # of all nodes, below the root that is edited


def one_run(peer: Peer, cell: Cell) -> float:
    """Seconds that the measured command takes."""
    price = PRICES.get(peer.name, UNKNOWN)
    own = PYTHON_NODE * cell.nodes if cell.kind is Kind.PYTHON else 0.0
    cold = price.start + price.cold * cell.nodes + own
    no_op = price.start + price.no_op * cell.nodes
    match cell.scenario:
        case Scenario.COLD:
            return cold
        case Scenario.COMMENT if not peer.cuts_off:
            return REBUILT * cold
        case Scenario.RESTORE:
            return price.start + (price.restore or price.no_op) * cell.nodes
        case _:
            return no_op


def around(peer: Peer, cell: Cell) -> float:
    """Seconds that pass around each measured command: its project is written, its outputs are compared."""
    seconds = CHECK * cell.nodes
    if cell.scenario is Scenario.COLD:
        seconds += PRICES.get(peer.name, UNKNOWN).write * cell.nodes
    if cell.scenario is Scenario.REVERT:
        seconds += one_run(peer, cell)  # there has to be something to revert
    if peer.misses_same_second and cell.scenario is not Scenario.NO_OP:
        seconds += 1.1
    return seconds
