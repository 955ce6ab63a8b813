"""What a run measures, how often, and how long that should take: decided before anything is started. Pure.

Slow peers are measured once, and only where it tells something; what is left out has its reason here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.prices import around, one_run
from benchmarks.results import Cell, Results, Scenario
from benchmarks.work import Kind, Peer

SIZES = (100, 1_000, 10_000, 100_000)
QUICK_SIZES = (100, 1_000)
QUICK_PEERS = ("fp", "floor", "make", "ninja", "doit")
SLOW = ("snakemake", "nx", "redun", "pytask", "dvc")
PYTHON_PEERS = ("fp", "floor", "leanest", "make", "doit", "snakemake", "pytask")
HUGE = 10_000  # more nodes are
HUGE_PEERS = ("fp", "make", "ninja")
SMALLER_HUGE = 30_000
LONGEST_BUILD = 600.0  # seconds: a cold build of 100,000 nodes that takes longer is not made
LONG_RUN, LONG_EDIT = 60.0, 4.0  # seconds: a cold build, anything else, that is measured once only
BARE = frozenset({Scenario.COLD, Scenario.NO_OP})
ON_GRAPHS = tuple(scenario for scenario in Scenario if scenario is not Scenario.VERSION)
OTHERS: Mapping[str, float] = {"slopes": 75.0, "data": 420.0}
"""What is no graph, with the seconds it takes: see run.py."""
PROOF, SLOW_PROOF = 1.5, 14.0  # seconds to prove a peer; correct.py says how
START, SLOW_START = 1.0, 4.0  # seconds to measure what a peer's `--version` takes


@dataclass(frozen=True, slots=True)
class Turn:
    """A cell that is to be measured: how often, what one run and what goes with it take, in seconds.

    A run that takes longer than `limit` is ended, and its peer left out.
    """

    cell: Cell
    rounds: int
    one_run: float
    around: float
    limit: float

    @property
    def seconds(self) -> float:
        return self.rounds * (self.one_run + self.around)


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """All that is measured on one graph."""

    kind: Kind
    nodes: int
    turns: tuple[Turn, ...]

    @property
    def name(self) -> str:
        return f"{self.nodes:,} {self.kind} nodes"

    @property
    def seconds(self) -> float:
        return sum(turn.seconds for turn in self.turns)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `by_name`: the peers were named, so that only what they cannot do is left out."""

    sizes: Sequence[int] = SIZES
    kinds: Sequence[Kind] = tuple(Kind)
    scenarios: frozenset[Scenario] = frozenset(ON_GRAPHS)
    by_name: bool = False
    is_quick: bool = False


def graphs(peers: Iterable[Peer], wanted: Wanted) -> list[GraphPlan]:
    """The graphs in the order in which they are built: small ones first, so that much is known early."""
    chosen = list(peers)
    found = []
    for nodes in wanted.sizes:
        for kind in wanted.kinds:
            turns = tuple(_turns(chosen, kind, nodes, wanted))
            if turns:
                found.append(GraphPlan(kind, nodes, turns))
    return found


def _turns(peers: Sequence[Peer], kind: Kind, nodes: int, wanted: Wanted) -> Iterator[Turn]:
    for scenario in ON_GRAPHS:
        for peer in peers:
            cell = Cell(peer.name, kind, nodes, scenario)
            if scenario not in wanted.scenarios or not can_do(peer, scenario):
                continue
            if not why_not(peer, cell, by_name=wanted.by_name):
                rounds = _rounds(peer, cell, is_quick=wanted.is_quick)
                one = one_run(peer, cell)
                yield Turn(cell, rounds, one, around(peer, cell), give_up_after(one))


def give_up_after(expected: float) -> float:
    """The seconds after which a command that was expected to take so many has lost its chance."""
    return 60 + 5 * expected


def can_do(peer: Peer, scenario: Scenario) -> bool:
    """Whether a peer has such a thing at all."""
    match scenario:
        case Scenario.RESTORE:
            return peer.caches
        case Scenario.NO_OP:
            return peer.is_incremental
        case Scenario.LEAF | Scenario.COMMENT | Scenario.REVERT:
            return peer.is_incremental and peer.notices_edits
        case _:
            return True


def why_not(peer: Peer, cell: Cell, *, by_name: bool = False) -> str:
    """Why a peer's cell is not measured; "" if it is."""
    if cell.nodes > max(peer.most, peer.most_warm):
        return "a build of so many takes too long"
    if cell.nodes > peer.most and cell.scenario is Scenario.COLD:
        return "it takes over outputs made for it: building so many takes too long"
    return "" if by_name else _not_worth_it(peer, cell)


def _not_worth_it(peer: Peer, cell: Cell) -> str:
    if cell.nodes > HUGE and (cell.kind is Kind.PYTHON or peer.name not in HUGE_PEERS):
        return f"more than {HUGE:,} nodes: only {', '.join(HUGE_PEERS)}, of sh"
    if cell.nodes > HUGE and cell.scenario not in BARE:
        return f"more than {HUGE:,} nodes: only cold and no-op"
    if cell.kind is Kind.PYTHON and (peer.name not in PYTHON_PEERS or cell.nodes > 1_000):
        return "python nodes: a few peers up to 1,000, for most of the time is the nodes' own"
    if peer.name not in SLOW:
        return ""
    if cell.scenario is Scenario.REVERT:
        return "slow, and a revert is to it one more edit"
    if cell.scenario not in BARE and cell.kind is Kind.PYTHON:
        return "slow: python nodes only cold and no-op"
    if cell.scenario not in BARE and cell.nodes < 1_000 <= peer.most:
        return "slow: edits only at 1,000"
    return ""


def _rounds(peer: Peer, cell: Cell, *, is_quick: bool) -> int:
    one = one_run(peer, cell)
    is_cold = cell.scenario is Scenario.COLD
    if peer.name in SLOW or one > LONG_RUN or (one > LONG_EDIT and not is_cold):
        return 1
    if cell.nodes > HUGE:
        return 1 if is_cold else 3
    if cell.nodes > 1_000:
        return 2 if is_cold else 3
    if cell.scenario is Scenario.NO_OP:
        return 7 if cell.nodes <= 100 or is_quick else 5
    return 2 if is_quick and is_cold and cell.nodes > 100 else 3


def remaining(plan: GraphPlan, results: Results) -> GraphPlan:
    """What of it has not been measured as often as it should."""
    turns = tuple(turn for turn in plan.turns if not is_done(turn, results))
    return GraphPlan(plan.kind, plan.nodes, turns)


def is_done(turn: Turn, results: Results) -> bool:
    """Whether its figure is there, of all its rounds."""
    found = results.cells.get(turn.cell)
    return found is not None and found.runs >= turn.rounds


def fitted(plan: GraphPlan, results: Results) -> GraphPlan:
    """The same plan, or that of a smaller graph if fusionpipe took too long for a tenth of this one."""
    wall = results.wall("fp", Scenario.COLD, plan.nodes // 10)
    if plan.nodes < SIZES[-1] or wall is None or 10 * wall <= LONGEST_BUILD:
        return plan
    share = SMALLER_HUGE / plan.nodes
    turns = (_scaled(turn, replace(turn.cell, nodes=SMALLER_HUGE), share) for turn in plan.turns)
    return GraphPlan(plan.kind, SMALLER_HUGE, tuple(turns))


def _scaled(turn: Turn, cell: Cell, share: float) -> Turn:
    return replace(turn, cell=cell, one_run=turn.one_run * share, around=turn.around * share)


def others(peers: Sequence[Peer], parts: Iterable[str]) -> dict[str, float]:
    """What is done besides graphs, and the seconds it takes."""
    slow = sum(peer.name in SLOW for peer in peers)
    fast = len(peers) - slow
    known = {
        "proofs": slow * SLOW_PROOF + fast * PROOF,
        "start-up": slow * SLOW_START + fast * START,
        **OTHERS,
    }
    return {part: known[part] for part in parts}


def lines(plans: Sequence[GraphPlan], besides: Mapping[str, float]) -> Iterator[str]:
    """The plan as people read it, with its minutes."""
    seconds = {**besides, **{plan.name: plan.seconds for plan in plans}}
    for name, each in seconds.items():
        yield f"  {each / 60:5.1f} min  {name}"
    yield f"  {sum(seconds.values()) / 60:5.1f} min  in all, on a quiet machine with two cores"


def left_out(peers: Sequence[Peer], wanted: Wanted) -> dict[str, list[Cell]]:
    """What the plan never measures: reason → cells."""
    found: dict[str, list[Cell]] = {}
    for nodes in wanted.sizes:
        for kind in wanted.kinds:
            for peer in peers:
                for scenario in ON_GRAPHS:
                    cell = Cell(peer.name, kind, nodes, scenario)
                    if can_do(peer, scenario) and (why := why_not(peer, cell)):
                        found.setdefault(why, []).append(cell)
    return found
