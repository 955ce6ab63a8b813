"""What is measured of every peer on one graph: cold, no-op, edits, revert, restore.

Peers take turns within each scenario. Projects of cold builds are new each time, and all of them stay on
the disk until the whole run is over. After every measured run the outputs are compared with what they have to be.
How often each is run, and when it is given up, says the plan.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.graph import layered
from benchmarks.measure import CommandFailed, Cost, Figure, TookTooLong, interleave, run_once
from benchmarks.plan import GraphPlan, Turn, give_up_after, is_done, remaining
from benchmarks.prices import one_run
from benchmarks.results import Cell, Results, Scenario
from benchmarks.sites import Site
from benchmarks.work import Peer, Work

Say = Callable[[str], None]


class WrongOutputs(Exception):
    """A tool said all is well, and it is not."""


@dataclass(slots=True)
class Bench:
    """One graph, the peers that build it, and where their projects lie. What is found is saved at once."""

    plan: GraphPlan
    peers: Mapping[str, Peer]
    jobs: int
    place: Path
    results: Results
    say: Say
    save: Callable[[], None]
    sites: dict[str, Site] = field(default_factory=dict)  # the newest built one of each peer
    gone: dict[str, str] = field(default_factory=dict)  # who was left out, and why

    def measure(self) -> None:
        """Measures what is planned and not there yet; who fails is left out, and it is noted."""
        due = remaining(self.plan, self.results).turns
        if not due:
            return
        self.say(f"{self.plan.name}: about {sum(turn.seconds for turn in due) / 60:.1f} min")
        self._cold(due)
        self._warm_up(due)
        runs: Mapping[Scenario, Callable[[Site, float], Cost]] = {
            Scenario.NO_OP: _run,
            Scenario.LEAF: _leaf,
            Scenario.COMMENT: _comment,
            Scenario.REVERT: _revert,
            Scenario.RESTORE: _restore,
        }
        for scenario, run in runs.items():
            self._interleave(
                [turn for turn in due if turn.cell.scenario is scenario],
                {turn.cell.peer: partial(self._again, run, turn) for turn in due},
            )
        for turn in due:
            if not is_done(turn, self.results) and turn.cell.peer in self.gone:
                self.results.missing[turn.cell] = self.gone[turn.cell.peer]
        self.save()

    def _cold(self, due: Sequence[Turn]) -> None:
        cold = [turn for turn in due if turn.cell.scenario is Scenario.COLD]
        self._interleave(cold, {turn.cell.peer: partial(self._cold_once, turn) for turn in cold})
        # whoever has something else to measure needs a built project, whether its making is measured or not
        for turn in due:
            name = turn.cell.peer
            if name not in self.sites and name not in self.gone:
                self._guarded(turn, partial(self._build_once, turn))(0)

    def _cold_once(self, turn: Turn, number: int) -> Cost:
        peer = self.peers[turn.cell.peer]
        site = self._new_site(peer, str(number))
        # everybody starts on a quiet disk: a durable build must not pay for what we wrote before it
        os.sync()
        cost = _run(site, turn.limit)
        _check(site, Scenario.COLD)
        self.sites[peer.name] = site
        return cost

    def _build_once(self, turn: Turn, _: int) -> Cost:
        """A project to go on with; of peers too slow to build it, one that takes over what others built."""
        peer = self.peers[turn.cell.peer]
        site = self._new_site(peer, "built")
        command = peer.command(site.work)
        if self.plan.nodes > peer.most:
            command = peer.adopt_command(site.work)
            for node in site.work.graph:
                script = peer.script(node.name, self.plan.kind)
                interpreter = self.plan.kind.interpreter
                subprocess.run([interpreter, script], cwd=site.directory, check=True)
        cold = Cell(peer.name, self.plan.kind, self.plan.nodes, Scenario.COLD)
        limit = give_up_after(one_run(peer, cold))
        cost = run_once(command, site.directory, site.environment(), limit)
        self.sites[peer.name] = site
        return cost

    def _warm_up(self, due: Sequence[Turn]) -> None:
        """Bytecode, caches of the disk, entries too young to be trusted. Slow peers go without: it counts."""
        again = {turn.cell.peer: turn for turn in due if turn.rounds > 1}
        for name, turn in again.items():
            if self.peers[name].is_incremental:
                self._guarded(turn, partial(self._once_more, name, turn.limit))(0)
        os.sync()

    def _once_more(self, name: str, limit: float, _: int) -> Cost:
        return _run(self.sites[name], limit)

    def _again(self, run: Callable[[Site, float], Cost], turn: Turn, _: int) -> Cost:
        site = self.sites[turn.cell.peer]
        cost = run(site, turn.limit)
        _check(site, turn.cell.scenario)
        return cost

    def _interleave(self, turns: Sequence[Turn], runs: Mapping[str, Callable[[int], Cost]]) -> None:
        found = interleave(
            {turn.cell: self._guarded(turn, runs[turn.cell.peer]) for turn in turns},
            rounds={turn.cell: turn.rounds for turn in turns},
            heard=self._keep,
        )
        for cell, figure in found.items():
            self.say(f"  {cell.scenario}: {cell.peer} {figure.wall:.3f} s")

    def _keep(self, cell: Cell, figure: Figure) -> None:
        self.results.cells[cell] = figure
        self.results.missing.pop(cell, None)
        self.save()

    def _guarded(self, turn: Turn, run: Callable[[int], Cost]) -> Callable[[int], Cost | None]:
        """The same, but a peer that does something wrong is left out from then on, and that is noted."""
        peer, scenario = turn.cell.peer, turn.cell.scenario

        def guarded(number: int) -> Cost | None:
            if peer in self.gone:
                return None
            try:
                return run(number)
            except (CommandFailed, WrongOutputs) as error:
                self.results.faults.append(f"{peer}, {self.plan.name}, {scenario}: {error}")
                self._leave_out(turn, f"it failed at {scenario}")
            except TookTooLong as error:
                self._leave_out(turn, f"{scenario}: {error}")
            return None

        return guarded

    def _leave_out(self, turn: Turn, why: str) -> None:
        self.gone[turn.cell.peer] = why
        self.sites.pop(turn.cell.peer, None)
        self.say(f"  {turn.cell.peer} is left out: {why}")

    def _new_site(self, peer: Peer, label: str) -> Site:
        plan = self.plan
        work = Work(layered(plan.nodes), plan.kind, self.jobs)
        return Site.make(peer, work, self.place / f"{peer.name}-{plan.kind}-{plan.nodes}-{label}")


def _run(site: Site, limit: float) -> Cost:
    return run_once(site.peer.command(site.work), site.directory, site.environment(), limit)


def _leaf(site: Site, limit: float) -> Cost:
    _let_pass(site.peer)
    site.edit_leaf()
    return _run(site, limit)


def _comment(site: Site, limit: float) -> Cost:
    _let_pass(site.peer)
    site.comment_root()
    return _run(site, limit)


def _revert(site: Site, limit: float) -> Cost:
    _leaf(site, limit)
    _let_pass(site.peer)
    site.revert()
    return _run(site, limit)


def _restore(site: Site, limit: float) -> Cost:
    site.wipe_outputs()
    os.sync()  # what was written before is not to be waited for now
    command = site.peer.restore_command(site.work)
    return run_once(command, site.directory, site.environment(), limit)


def _check(site: Site, scenario: Scenario) -> None:
    if wrong := site.wrong_outputs():
        raise WrongOutputs(f"{site.peer.name}, {scenario}: {len(wrong)} outputs, first {wrong[0]}")


def _let_pass(peer: Peer) -> None:
    """Waits for the next second, for peers that would miss an edit made in this one."""
    if peer.misses_same_second:
        time.sleep(1.1)
