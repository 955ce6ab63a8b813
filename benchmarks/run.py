"""Measures fusionpipe beside its peers and prints which speed targets are met.

`python -m benchmarks.install` puts the peers in place; who is missing is left out and named. A whole run
writes RESULTS.md; any other only prints. What was built is deleted at the very end, since a file system
that has just lost a million files is slow for minutes.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.correct import faults
from benchmarks.data import SHAPES, measure_data
from benchmarks.options import QUICK_PEERS, Options, parse
from benchmarks.peers.all import all_peers
from benchmarks.places import RUNS, WORK
from benchmarks.report import KEPT, write_report
from benchmarks.results import Results, Scenario
from benchmarks.scenarios import Bench, measure_one_run, measure_versions
from benchmarks.slopes import measure_slopes
from benchmarks.verdict import tally, verdicts
from benchmarks.work import Peer

BUSY = 0.5  # processes that want a core: with more, figures are worth little


def main(words: Sequence[str]) -> int:
    """0 when all was measured, whatever the verdicts; 1 when a tool did something wrong."""
    options = parse(words, [peer.name for peer in all_peers()])
    results = Results(machine=machine.describe())
    if (load := machine.load()) > BUSY:
        results.notes.append(f"the machine was busy when this began: load {load:.1f}")
    place = RUNS / time.strftime("%Y%m%d-%H%M%S")
    place.mkdir(parents=True)
    (WORK / "home").mkdir(exist_ok=True)
    try:
        _measure(options, place, results)
    finally:
        results.save(KEPT)
        _tell(results, is_whole=options.is_whole)
        _clear(place, keeps=options.keeps)
    if options.is_whole:
        write_report(results)
    return 1 if results.faults else 0


def _measure(options: Options, place: Path, results: Results) -> None:
    peers = _proven(options, _there(options, results), place, results)
    if Scenario.VERSION in options.scenarios:
        measure_versions(peers, 5 if options.is_quick else 15, results, place)
    measure_one_run(15, results, place)
    if options.scenarios - {Scenario.VERSION}:
        _graphs(options, peers, place, results)
    if "slopes" in options.parts:
        quick = [peer for peer in peers if peer.name in QUICK_PEERS and peer.is_incremental]
        measure_slopes(quick, 7, place / "slopes", results, _say)
    if "data" in options.parts:
        measure_data(SHAPES, 3, place / "data", results, _say)


def _graphs(options: Options, peers: Sequence[Peer], place: Path, results: Results) -> None:
    for kind in options.kinds:
        for nodes in options.sizes:
            chosen = [peer for peer in peers if options.takes_part(peer, kind, nodes)]
            if not chosen:
                continue
            bench = Bench(
                peers=chosen,
                kind=kind,
                nodes=nodes,
                jobs=options.jobs,
                place=place,
                rounds=options.rounds(nodes),
                results=results,
                say=_say,
            )
            bench.measure(options.scenarios_of(kind, nodes))


def _there(options: Options, results: Results) -> list[Peer]:
    """Who was asked for and is installed."""
    asked = [peer for peer in all_peers() if peer.name in options.peers]
    for peer in asked:
        if not peer.is_available():
            results.notes.append(f"{peer.name}: not installed (python -m benchmarks.install)")
    return [peer for peer in asked if peer.is_available()]


def _proven(options: Options, peers: Sequence[Peer], place: Path, results: Results) -> list[Peer]:
    """Who builds the right things, and runs no node too many; others are not measured at all."""
    proven = []
    for peer in peers:
        wrong = [
            str(fault)
            for kind in options.kinds
            for fault in faults(peer, kind, place / f"proof-{peer.name}-{kind}")
        ]
        results.faults += wrong
        if not wrong:
            proven.append(peer)
        _say(f"{peer.name}: {'; '.join(wrong) if wrong else 'builds the right things'}")
    return proven


def _tell(results: Results, *, is_whole: bool) -> None:
    found = verdicts(results)
    print()
    for sentence in (*results.notes, *results.faults):
        print(f"note: {sentence}")
    for verdict in found:
        if is_whole or verdict.met is not None:
            print(verdict)
    print(f"targets: {tally(found)}", flush=True)


def _clear(place: Path, *, keeps: bool) -> None:
    if keeps:
        print(f"kept: {place}")
        return
    print(f"deleting {place}; measure again in some minutes, or now with --keep", flush=True)
    shutil.rmtree(place, ignore_errors=True)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
