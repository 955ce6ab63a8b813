"""The plan: who is measured how often, why the others are not, and that a stopped run goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.measure import Figure
from benchmarks.options import parse
from benchmarks.peers.all import all_peers
from benchmarks.peers.floor import Floor
from benchmarks.peers.leanest import Leanest
from benchmarks.plan import (
    SLOW,
    Wanted,
    fitted,
    graphs,
    is_done,
    left_out,
    lines,
    others,
    remaining,
    why_not,
)
from benchmarks.report import markdown
from benchmarks.results import Cell, Results, Scenario
from benchmarks.scenarios import Bench
from benchmarks.startup import engine_modules
from benchmarks.work import Kind, Peer, Work

PEERS = {peer.name: peer for peer in all_peers()}


def figure(runs: int, wall: float = 1.0) -> Figure:
    return Figure(runs, wall, wall, wall, 1, wall, wall)


def rounds() -> dict[Cell, int]:
    return {
        turn.cell: turn.rounds for plan in graphs(PEERS.values(), Wanted()) for turn in plan.turns
    }


def test_a_whole_run_fits_into_forty_minutes() -> None:
    besides = others(tuple(PEERS.values()), ("proofs", "start-up", "slopes", "data"))
    *_, total = lines(graphs(PEERS.values(), Wanted()), besides)
    assert 10 < float(total.split()[0]) < 40


def test_slow_peers_are_measured_once_and_never_on_large_graphs() -> None:
    slow = {cell: each for cell, each in rounds().items() if cell.peer in SLOW}
    assert {1} == set(slow.values())
    assert 1_000 == max(cell.nodes for cell in slow)


def test_fast_peers_take_turns_at_least_three_times_at_a_thousand() -> None:
    fast = {
        cell: each
        for cell, each in rounds().items()
        if cell.nodes == 1_000 and cell.kind is Kind.SH and cell.peer not in SLOW
    }
    assert 3 <= min(fast.values())


def test_every_cell_is_either_planned_or_left_out_with_a_reason() -> None:
    planned = set(rounds())
    reasons = left_out(tuple(PEERS.values()), Wanted())
    never = {cell for cells in reasons.values() for cell in cells}
    assert all(reasons)
    assert planned.isdisjoint(never)
    assert Cell("redun", Kind.SH, 10_000, Scenario.COLD) in never
    assert Cell("fp", Kind.SH, 100_000, Scenario.NO_OP) in planned


def test_peers_asked_for_by_name_are_only_spared_what_they_cannot_do() -> None:
    cell = Cell("pytask", Kind.PYTHON, 1_000, Scenario.LEAF)
    assert why_not(PEERS["pytask"], cell)
    assert not why_not(PEERS["pytask"], cell, by_name=True)
    assert why_not(PEERS["pytask"], replace(cell, nodes=10_000), by_name=True)


def test_a_floor_that_only_looks_is_not_asked_for_edits() -> None:
    done = {cell.scenario for cell in rounds() if cell.peer == "leanest"}
    assert {Scenario.COLD, Scenario.NO_OP, Scenario.RESTORE} == done


@pytest.mark.parametrize(("wall", "nodes"), [(59.0, 100_000), (61.0, 30_000)])
def test_the_largest_graph_is_smaller_where_fusionpipe_would_take_too_long(
    wall: float, nodes: int
) -> None:
    results = Results()
    results.cells[Cell("fp", Kind.SH, 10_000, Scenario.COLD)] = figure(2, wall)
    plan = fitted(graphs(PEERS.values(), Wanted())[-1], results)
    assert nodes == plan.nodes
    assert {nodes} == {turn.cell.nodes for turn in plan.turns}


def test_what_was_measured_often_enough_is_not_measured_again() -> None:
    (plan,) = graphs([Floor()], Wanted(sizes=(100,), kinds=(Kind.SH,)))
    (turn,) = plan.turns
    results = Results()
    results.cells[turn.cell] = figure(turn.rounds - 1)
    assert (turn,) == remaining(plan, results).turns
    results.cells[turn.cell] = figure(turn.rounds)
    assert () == remaining(plan, results).turns


def bench(peer: Peer, place: Path, results: Results, saved: list[int]) -> Bench:
    (plan,) = graphs([peer], Wanted(sizes=(9,), kinds=(Kind.SH,)))
    return Bench(
        plan=plan,
        peers={peer.name: peer},
        jobs=2,
        place=place,
        results=results,
        say=lambda _: None,
        save=lambda: saved.append(len(results.cells)),
    )


def test_each_figure_is_saved_at_once_and_a_second_run_finds_nothing_to_do(tmp_path: Path) -> None:
    results, saved = Results(), list[int]()
    first = bench(Leanest(), tmp_path, results, saved)
    first.measure()
    assert {1, 2, 3} == set(saved)
    assert all(is_done(turn, results) for turn in first.plan.turns)
    saved.clear()
    bench(Leanest(), tmp_path, results, saved).measure()
    assert [] == saved


@pytest.mark.slow
def test_a_stopped_run_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    results = Results()
    bench(Leanest(), tmp_path / "first", results, []).measure()
    cold = Cell("leanest", Kind.SH, 9, Scenario.COLD)
    before = results.cells[cold]
    del results.cells[replace(cold, scenario=Scenario.NO_OP)]
    bench(Leanest(), tmp_path / "second", results, []).measure()
    assert before is results.cells[cold]
    assert replace(cold, scenario=Scenario.NO_OP) in results.cells


def test_who_fails_is_left_out_and_the_report_says_why(tmp_path: Path) -> None:
    class Broken(Leanest):
        def restore_command(self, work: Work) -> list[str]:
            return ["/bin/false"]

    results = Results()
    bench(Broken(), tmp_path, results, []).measure()
    cell = Cell("leanest", Kind.SH, 9, Scenario.RESTORE)
    assert {cell: "it failed at restore"} == results.missing
    (fault,) = results.faults
    assert "leanest, 9 sh nodes, restore: /bin/false" in fault
    results.missing = {replace(cell, nodes=100): "it failed at restore"}
    assert "* it failed at restore: 100 sh (restore): leanest" in markdown(results)


@pytest.mark.slow
def test_who_fails_half_way_keeps_its_figure_and_the_reason(tmp_path: Path) -> None:
    class Tiring(Leanest):
        left = 1

        def restore_command(self, work: Work) -> Sequence[str]:
            self.left -= 1
            return super().restore_command(work) if self.left >= 0 else ["/bin/false"]

    results = Results()
    bench(Tiring(), tmp_path, results, []).measure()
    cell = Cell("leanest", Kind.SH, 9, Scenario.RESTORE)
    assert 1 == results.cells[cell].runs
    assert {cell: "it failed at restore"} == results.missing


def test_who_takes_too_long_is_left_out(tmp_path: Path) -> None:
    class Endless(Leanest):
        def command(self, work: Work) -> list[str]:
            return ["/bin/sh", "-c", "while :; do :; done"]

    results = Results()
    slow = bench(Endless(), tmp_path, results, [])
    turns = tuple(replace(turn, limit=0.4) for turn in slow.plan.turns)
    slow.plan = replace(slow.plan, turns=turns)
    slow.measure()
    assert {} == results.cells
    assert {"cold: ended after 0 s"} == set(results.missing.values())
    assert 3 == len(results.missing)


def test_narrowing_a_run_leaves_data_and_slopes_out() -> None:
    assert {"data", "slopes"} == parse([], list(PEERS)).parts
    assert frozenset() == parse(["--peers", "fp"], list(PEERS)).parts
    assert {"data"} == parse(["--only", "data"], list(PEERS)).parts


def test_the_engine_is_what_a_build_that_runs_a_node_imports(tmp_path: Path) -> None:
    modules = engine_modules(tmp_path)
    assert {"fusionpipe.build.loop", "fusionpipe.runner.spawn", "lmdb"} <= set(modules)
    assert "typer" not in modules
