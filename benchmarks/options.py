"""What the command line of the benchmarks asks for: who, how many nodes, what is done. Measures nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.plan import QUICK_PEERS, QUICK_SIZES, SIZES, Wanted
from benchmarks.results import Scenario
from benchmarks.work import Kind

T = TypeVar("T")

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
ON_GRAPH = frozenset(WORDS) - {"version"}


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure. `is_whole` if nothing was left out, so that the report may replace the last one."""

    wanted: Wanted
    peers: Sequence[str]
    versions: bool
    parts: frozenset[str]
    jobs: int
    is_whole: bool
    keeps: bool


def parse(words: Sequence[str], known: Sequence[str]) -> Options:
    """Reads the command line; exits with 2 and a sentence if it makes no sense."""
    parser = _parser()
    asked = parser.parse_args(words)
    only = _listed(parser, asked.only, str, (*WORDS, *PARTS))
    peers = _listed(parser, asked.peers, str, known)
    kinds = _listed(parser, asked.kinds, Kind, tuple(Kind))
    sizes = _listed(parser, asked.sizes, int, None)
    is_whole = not (asked.quick or only or peers or kinds or sizes)
    wanted = Wanted(
        sizes=sizes or (QUICK_SIZES if asked.quick else SIZES),
        kinds=kinds or ((Kind.SH,) if asked.quick else tuple(Kind)),
        scenarios=frozenset(WORDS[word] for word in only or WORDS if word in ON_GRAPH),
        by_name=bool(peers),
        is_quick=asked.quick,
    )
    return Options(
        wanted=wanted,
        peers=peers or (QUICK_PEERS if asked.quick else known),
        versions=not only or "version" in only,
        parts=frozenset(only or PARTS if is_whole or only else ()).intersection(PARTS),
        jobs=asked.jobs,
        is_whole=is_whole,
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
        help="go on where the last whole run stopped, and delete nothing of what was built",
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
