"""What is measured of every peer on one graph: cold, no-op, edits, revert, restore, --version.

Peers take turns within each scenario. Projects of cold builds are new each time, and all of them stay on
the disk until the whole run is over. After every measured run the outputs are compared with what they have to be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.graph import layered
from benchmarks.measure import CommandFailed, Cost, interleave, run_once
from benchmarks.peers.floor import Floor
from benchmarks.places import environment
from benchmarks.results import Cell, DataCell, Results, Scenario
from benchmarks.scripts import node_command
from benchmarks.sites import Site
from benchmarks.work import Kind, Peer, Work

Say = Callable[[str], None]


class WrongOutputs(Exception):
    """A tool said all is well, and it is not."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often each thing is measured, and the seconds after which a slow peer is let off."""

    cold: int
    no_op: int
    edit: int
    patience: float


def rounds_for(nodes: int) -> Rounds:
    """Many short runs, few long ones."""
    if nodes <= 1_000:
        return Rounds(cold=5, no_op=15, edit=7, patience=20)
    if nodes <= 10_000:
        return Rounds(cold=3, no_op=7, edit=3, patience=90)
    return Rounds(cold=1, no_op=3, edit=1, patience=120)


@dataclass(slots=True)
class Bench:
    """One graph, the peers that build it, and where their projects lie."""

    peers: Sequence[Peer]
    kind: Kind
    nodes: int
    jobs: int
    place: Path
    rounds: Rounds
    results: Results
    say: Say
    sites: dict[str, Site] = field(default_factory=dict)  # the newest built one of each peer

    def measure(self, scenarios: Collection[Scenario]) -> None:
        """Measures all that is asked for; who fails is left out, and it is noted."""
        self.say(f"{self.nodes} {self.kind} nodes")
        self._cold(is_asked=Scenario.COLD in scenarios)
        self._adopt()
        for name, site in list(self.sites.items()):
            if site.peer.is_incremental:
                # a warm-up: bytecode, caches of the disk, entries too young to be trusted
                self._guarded(name, Scenario.NO_OP, partial(_run_again, site))(0)
        os.sync()
        runs: Mapping[Scenario, Callable[[Site], Cost]] = {
            Scenario.NO_OP: _run,
            Scenario.LEAF: _leaf,
            Scenario.COMMENT: _comment,
            Scenario.REVERT: _revert,
            Scenario.RESTORE: _restore,
        }
        for scenario, run in runs.items():
            if scenario in scenarios:
                self._warm(scenario, run)

    def _cold(self, *, is_asked: bool) -> None:
        peers = {peer.name: peer for peer in self.peers if self.nodes <= peer.most}

        rounds = self.rounds.cold if is_asked else 1
        found = interleave(
            {
                name: self._guarded(name, Scenario.COLD, partial(self._cold_once, peer))
                for name, peer in peers.items()
            },
            rounds=rounds,
            patience=self.rounds.patience,
        )
        if not is_asked:
            return
        for name, figure in found.items():
            self.results.cells[Cell(name, self.kind, self.nodes, Scenario.COLD)] = figure
            self.say(f"  {Scenario.COLD}: {name} {figure.wall:.3f} s")

    def _cold_once(self, peer: Peer, number: int) -> Cost:
        site = self._new_site(peer, str(number))
        # everybody starts on a quiet disk: a durable build must not pay for what we wrote before it
        os.sync()
        cost = _run(site)
        _check(site, Scenario.COLD)
        self.sites[peer.name] = site
        return cost

    def _adopt(self) -> None:
        """Peers too slow to build that many, but able to take over what was built by others."""
        for peer in self.peers:
            if peer.most < self.nodes <= peer.most_warm:
                self._guarded(peer.name, Scenario.COLD, partial(self._adopt_once, peer))(0)

    def _adopt_once(self, peer: Peer, _: int) -> Cost:
        site = self._new_site(peer, "adopted")
        for node in site.work.graph:
            script = peer.script(node.name, self.kind)
            subprocess.run([self.kind.interpreter, script], cwd=site.directory, check=True)
        cost = run_once(peer.adopt_command(site.work), site.directory, site.environment())
        self.sites[peer.name] = site
        return cost

    def _warm(self, scenario: Scenario, run: Callable[[Site], Cost]) -> None:
        chosen = [site for site in self.sites.values() if _takes_part(site.peer, scenario)]

        def once(site: Site, _: int) -> Cost:
            cost = run(site)
            _check(site, scenario)
            return cost

        found = interleave(
            {
                site.peer.name: self._guarded(site.peer.name, scenario, partial(once, site))
                for site in chosen
            },
            rounds=self.rounds.no_op if scenario is Scenario.NO_OP else self.rounds.edit,
            patience=self.rounds.patience,
        )
        for name, figure in found.items():
            self.results.cells[Cell(name, self.kind, self.nodes, scenario)] = figure
            self.say(f"  {scenario}: {name} {figure.wall:.3f} s")

    def _guarded(
        self, peer: str, scenario: Scenario, run: Callable[[int], Cost]
    ) -> Callable[[int], Cost | None]:
        """The same, but a peer that does something wrong is left out from then on, and that is noted."""

        def guarded(number: int) -> Cost | None:
            try:
                return run(number)
            except (CommandFailed, WrongOutputs) as error:
                at = f"{peer}, {self.nodes} {self.kind} nodes, {scenario}"
                self.results.faults.append(f"{at}: {error}")
                self.say(f"  {at}: left out: {error}")
                self.sites.pop(peer, None)
                return None

        return guarded

    def _new_site(self, peer: Peer, label: str) -> Site:
        work = Work(layered(self.nodes), self.kind, self.jobs)
        return Site.make(peer, work, self.place / f"{peer.name}-{self.kind}-{self.nodes}-{label}")


def measure_versions(peers: Sequence[Peer], rounds: int, results: Results, place: Path) -> None:
    """What it costs to start each, and no more. Beside them as "python": fusionpipe's own bare interpreter."""
    commands = {peer.name: (peer.version_command(), dict(peer.environment())) for peer in peers}
    commands["python"] = ([sys.executable, "-I", "-c", "pass"], {})
    for peer in peers:
        results.versions[peer.name] = peer.version()  # also the warm-up

    def once(name: str, _: int) -> Cost:
        command, extra = commands[name]
        return run_once(command, place, environment(extra))

    found = interleave({name: partial(once, name) for name in commands}, rounds=rounds, patience=20)
    for name, figure in found.items():
        results.cells[Cell(name, Kind.SH, 0, Scenario.VERSION)] = figure


def measure_one_run(rounds: int, results: Results, place: Path) -> None:
    """What one `sh` node takes, started by nobody but us."""
    site = Site.make(Floor(), Work(layered(1), Kind.SH), place / "one-node")
    command = node_command(site.work.graph[0].name, Kind.SH)

    def once(_: int) -> Cost:
        return run_once(command, site.directory, site.environment())

    found = interleave({"sh": once}, rounds=rounds)
    results.data[DataCell("one node", "sh", "run")] = found["sh"].wall


def _takes_part(peer: Peer, scenario: Scenario) -> bool:
    if scenario is Scenario.RESTORE:
        return peer.caches
    return peer.is_incremental


def _run_again(site: Site, _: int) -> Cost:
    return _run(site)


def _run(site: Site) -> Cost:
    return run_once(site.peer.command(site.work), site.directory, site.environment())


def _leaf(site: Site) -> Cost:
    _let_pass(site.peer)
    site.edit_leaf()
    return _run(site)


def _comment(site: Site) -> Cost:
    _let_pass(site.peer)
    site.comment_root()
    return _run(site)


def _revert(site: Site) -> Cost:
    _leaf(site)
    _let_pass(site.peer)
    site.revert()
    return _run(site)


def _restore(site: Site) -> Cost:
    site.wipe_outputs()
    return run_once(site.peer.restore_command(site.work), site.directory, site.environment())


def _check(site: Site, scenario: Scenario) -> None:
    if wrong := site.wrong_outputs():
        raise WrongOutputs(f"{site.peer.name}, {scenario}: {len(wrong)} outputs, first {wrong[0]}")


def _let_pass(peer: Peer) -> None:
    """Waits for the next second, for peers that would miss an edit made in this one."""
    if peer.misses_same_second:
        time.sleep(1.1)
