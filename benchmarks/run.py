"""Measures fusionpipe beside its peers and prints which speed targets are met.

Says first what it is going to do and how long that should take. `python -m benchmarks.install` puts the peers in
place; who is missing is left out and named. A whole run writes RESULTS.md; any other only prints. Every figure is
saved at once, so that `--keep` can go on where a run was stopped. What was built is deleted at the very end, since
a file system that has just lost a million files is slow for minutes.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import machine
from benchmarks.correct import SIZE, faults
from benchmarks.data import SHAPES, Shape, measure_data
from benchmarks.options import Options, parse
from benchmarks.peers.all import all_peers
from benchmarks.places import RUNS, WORK
from benchmarks.plan import QUICK_PEERS, SLOW, fitted, graphs, lines, others, remaining, why_not
from benchmarks.report import KEPT, write_report
from benchmarks.results import Cell, Results, Scenario
from benchmarks.scenarios import Bench
from benchmarks.slopes import measure_slopes
from benchmarks.startup import measure_one_run, measure_start_up
from benchmarks.verdict import tally, verdicts
from benchmarks.work import Kind, Peer

BUSY = 0.5  # processes that want a core: with more, figures are worth little
LAST = WORK / "last.json"  # what a run found that was not whole
SLOW_PROOF = 9  # nodes


def main(words: Sequence[str]) -> int:
    """0 when all was measured, whatever the verdicts; 1 when a tool did something wrong."""
    options = parse(words, [peer.name for peer in all_peers()])
    place = RUNS / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    place.mkdir(parents=True)
    (WORK / "home").mkdir(exist_ok=True)
    file = KEPT if options.is_whole or options.keeps else LAST
    results = _begun(file if options.keeps else None)
    # ended like with Ctrl-C: the command that is being measured is not left behind
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        Run(options, place, results, file).measure()
    finally:
        results.save(file)
        if options.is_whole:
            write_report(results)
        _tell(results, is_whole=options.is_whole)
        _clear(place, keeps=options.keeps)
    return 1 if results.faults else 0


def _begun(file: Path | None) -> Results:
    """What an earlier run found, or nothing yet."""
    here = machine.describe()
    if file is None or not file.exists():
        results = Results(machine=here)
    else:
        results = Results.load(file)
        results.faults.clear()  # whoever failed gets another chance
        before = results.machine.get("commit")
        if before != here["commit"]:
            results.note(f"begun at commit {before}, went on at {here['commit']}")
    if (load := machine.load()) > BUSY:
        results.note(f"the machine was busy when this began: load {load:.1f}")
    return results


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the benchmarks: what is asked for, where, and what is known so far."""

    options: Options
    place: Path
    results: Results
    file: Path

    def measure(self) -> None:
        """Everything that is asked for and not known yet."""
        options, results = self.options, self.results
        peers = _there(options, results)
        self._say_plan(peers)
        peers = self._proven(peers)
        if options.versions:
            self._once("start-up", lambda: self._start_up(peers))
        self._graphs(peers)
        if "slopes" in options.parts:
            self._once("slopes", lambda: self._slopes(peers))
        if "data" in options.parts:
            for number, shape in enumerate(SHAPES):
                measure = partial(self._data, shape, self.place / f"data-{number}")
                self._once(f"data: {shape.name}", measure)

    def _data(self, shape: Shape, place: Path) -> None:
        measure_data([shape], _rounds(shape), place, self.results, _say)

    def _say_plan(self, peers: Sequence[Peer]) -> None:
        parts = ["proofs", *(["start-up"] if self.options.versions else [])]
        parts += sorted(self.options.parts)
        done = set(self.results.done)
        if done.issuperset(f"data: {shape.name}" for shape in SHAPES):
            done.add("data")
        if all(self._is_proven(peer, kind) for peer in peers for kind in self.options.wanted.kinds):
            done.add("proofs")
        due = others(peers, [part for part in parts if part not in done])
        left = [remaining(plan, self.results) for plan in graphs(peers, self.options.wanted)]
        _say("\n".join(["what will be done:", *lines([plan for plan in left if plan.turns], due)]))

    def _once(self, part: str, measure: Callable[[], None]) -> None:
        if part in self.results.done:
            return
        began = time.monotonic()
        measure()
        self.results.done.append(part)
        self.results.save(self.file)
        _say(f"{part}: took {time.monotonic() - began:.0f} s")

    def _start_up(self, peers: Sequence[Peer]) -> None:
        measure_start_up(peers, lambda name: 3 if name in SLOW else 11, self.results, self.place)
        measure_one_run(11, self.results, self.place)

    def _graphs(self, peers: Sequence[Peer]) -> None:
        for planned in graphs(peers, self.options.wanted):
            plan = fitted(planned, self.results)
            if plan is not planned:
                self.results.note(f"{plan.name} instead of {planned.name}: fp builds too slowly")
            began = time.monotonic()
            Bench(
                plan=plan,
                peers={peer.name: peer for peer in peers},
                jobs=self.options.jobs,
                place=self.place,
                results=self.results,
                say=_say,
                save=lambda: self.results.save(self.file),
            ).measure()
            _say(f"{plan.name}: took {time.monotonic() - began:.0f} s")

    def _slopes(self, peers: Sequence[Peer]) -> None:
        self.results.slopes.clear()  # of a run that was stopped half way
        quick = [peer for peer in peers if peer.name in QUICK_PEERS and peer.is_incremental]
        measure_slopes(quick, 5, self.place / "slopes", self.results, _say)

    def _proven(self, peers: Sequence[Peer]) -> list[Peer]:
        """Who builds the right things, and runs no node too many; others are not measured at all."""
        proven = []
        for peer in peers:
            wrong = [each for kind in self.options.wanted.kinds for each in self._wrong(peer, kind)]
            self.results.faults += wrong
            if not wrong:
                proven.append(peer)
            _say(f"{peer.name}: {'; '.join(wrong) if wrong else 'builds the right things'}")
        self.results.save(self.file)
        return proven

    def _wrong(self, peer: Peer, kind: Kind) -> list[str]:
        """What a peer does wrong; nothing where it is not measured anyway, or was proven before."""
        if self._is_proven(peer, kind):
            return []
        size = SLOW_PROOF if peer.name in SLOW else SIZE
        found = [
            str(each) for each in faults(peer, kind, self.place / f"proof-{peer.name}-{kind}", size)
        ]
        if not found:
            self.results.proven.append(f"{peer.name} {kind}")
        return found

    def _is_proven(self, peer: Peer, kind: Kind) -> bool:
        smallest = Cell(peer.name, kind, 1, Scenario.COLD)
        is_out = why_not(peer, smallest, by_name=self.options.wanted.by_name)
        return bool(is_out) or f"{peer.name} {kind}" in self.results.proven


def _rounds(shape: Shape) -> int:
    """Large shapes fill the disk, and many files take minutes."""
    if shape.files > 20_000:
        return 1
    return 2 if shape.bytes > 1 << 20 else 3


def _there(options: Options, results: Results) -> list[Peer]:
    """Who was asked for and is installed."""
    asked = [peer for peer in all_peers() if peer.name in options.peers]
    for peer in asked:
        if not peer.is_available():
            results.note(f"{peer.name}: not installed (python -m benchmarks.install)")
    return [peer for peer in asked if peer.is_available()]


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
