"""What the command line of the benchmarks asks for: who, how many nodes, what is done. Measures nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.results import Scenario
from benchmarks.scenarios import Rounds, rounds_for
from benchmarks.work import Kind, Peer

T = TypeVar("T")

SIZES = (100, 1_000, 10_000, 100_000)
QUICK_ROUNDS = {100: Rounds(3, 7, 3, 5), 1_000: Rounds(2, 7, 3, 5)}
QUICK_PEERS = ("fp", "floor", "make", "ninja", "doit")
HUGE_PEERS = ("fp", "make", "ninja")  # above 10,000 nodes
PARTS = ("data", "slopes")
WORDS: Mapping[str, Scenario] = {
    "version": Scenario.VERSION,
    "cold": Scenario.COLD,
    "no-op": Scenario.NO_OP,
    "leaf": Scenario.LEAF,
    "comment": Scenario.COMMENT,
    "revert": Scenario.REVERT,
    "restore": Scenario.RESTORE,
}


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure. `is_whole` if nothing was left out, so that the report may replace the last one."""

    sizes: Sequence[int]
    kinds: Sequence[Kind]
    peers: Sequence[str]
    scenarios: frozenset[Scenario]
    parts: frozenset[str]
    jobs: int
    is_quick: bool
    is_whole: bool
    keeps: bool

    def rounds(self, nodes: int) -> Rounds:
        """How often each is run on a graph of that size."""
        return QUICK_ROUNDS.get(nodes, rounds_for(nodes)) if self.is_quick else rounds_for(nodes)

    def scenarios_of(self, kind: Kind, nodes: int) -> frozenset[Scenario]:
        """Of large graphs only what their time is worth."""
        if nodes > 10_000:
            return self.scenarios & {Scenario.COLD, Scenario.NO_OP}
        if kind is Kind.PYTHON and nodes > 1_000:
            return self.scenarios & {Scenario.COLD, Scenario.NO_OP}
        return self.scenarios

    def takes_part(self, peer: Peer, kind: Kind, nodes: int) -> bool:
        """Whether a peer is measured on such a graph."""
        if nodes > 10_000:
            return kind is Kind.SH and peer.name in HUGE_PEERS
        return nodes <= max(peer.most, peer.most_warm)


def parse(words: Sequence[str], known: Sequence[str]) -> Options:
    """Reads the command line; exits with 2 and a sentence if it makes no sense."""
    parser = _parser()
    asked = parser.parse_args(words)
    only = _listed(parser, asked.only, str, (*WORDS, *PARTS))
    peers = _listed(parser, asked.peers, str, known)
    kinds = _listed(parser, asked.kinds, Kind, tuple(Kind))
    sizes = _listed(parser, asked.sizes, int, None)
    return Options(
        sizes=sizes or (sorted(QUICK_ROUNDS) if asked.quick else SIZES),
        kinds=kinds or ((Kind.SH,) if asked.quick else tuple(Kind)),
        peers=peers or (QUICK_PEERS if asked.quick else known),
        scenarios=frozenset(WORDS[word] for word in only or WORDS if word in WORDS),
        parts=frozenset(only).intersection(PARTS) if only or asked.quick else frozenset(PARTS),
        jobs=asked.jobs,
        is_quick=asked.quick,
        is_whole=not (asked.quick or only or peers or kinds or sizes),
        keeps=asked.keep,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description="Measures fusionpipe beside its peers; see benchmarks/README.md.",
        epilog="Exit codes: 0 measured, whatever the verdicts; 1 a tool did something wrong; 2 wrong usage.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="two minutes: fast peers, small graphs"
    )
    parser.add_argument("--sizes", metavar="N,N", help="numbers of nodes")
    parser.add_argument("--kinds", metavar="KIND,…", help="sh, python")
    parser.add_argument("--peers", metavar="NAME,…", help="who is measured; fp is not implied")
    parser.add_argument("--only", metavar="SCENARIO,…", help=", ".join((*WORDS, *PARTS)))
    parser.add_argument("--jobs", type=int, default=2, help="nodes at once, for every peer")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="do not delete what was built: for runs in a row, as the next is slow after a mass deletion",
    )
    return parser


def _listed(
    parser: argparse.ArgumentParser,
    text: str | None,
    read: Callable[[str], T],
    known: Sequence[T] | None,
) -> tuple[T, ...]:
    if not text:
        return ()
    try:
        found = tuple(read(word.strip()) for word in text.split(","))
    except ValueError as error:
        parser.error(str(error))
    for each in found:
        if known is not None and each not in known:
            parser.error(f"{each!r} is none of {', '.join(map(str, known))}")
    return found
