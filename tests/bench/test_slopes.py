"""The fitted lines: exact points give the line back, whatever their scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measure import Figure
from benchmarks.results import Cell, Results, Scenario
from benchmarks.slopes import fit, slopes_of_size
from benchmarks.work import Kind


@given(st.floats(0.001, 10), st.floats(1e-6, 0.1))
def test_points_on_a_line_give_that_line(start: float, each: float) -> None:
    line = fit([(x, start + each * x) for x in (100, 1_000, 10_000)])
    assert start == pytest.approx(line.start, rel=1e-4, abs=1e-4)
    assert each == pytest.approx(line.each, rel=1e-4)
    assert line.fit == pytest.approx(1.0, abs=1e-4)


def test_a_constant_has_no_slope() -> None:
    line = fit([(1, 2.0), (5, 2.0), (9, 2.0)])
    assert 0.0 == pytest.approx(line.each)
    assert 2.0 == pytest.approx(line.start)


def test_a_curve_fits_worse_than_a_line() -> None:
    straight = fit([(x, 1.0 + x) for x in range(1, 9)])
    bent = fit([(x, 1.0 + x**3) for x in range(1, 9)])
    assert bent.fit < 0.95 < straight.fit


def test_small_points_count_as_much_as_large_ones() -> None:
    # the large point is 10 % off the line of the others; the start is theirs all the same
    line = fit([(0, 1.0), (10, 1.1), (20, 1.2), (10_000, 111.0)])
    assert line.start == pytest.approx(1.0, rel=0.02)


def test_a_line_needs_two_different_amounts() -> None:
    with pytest.raises(ValueError, match="two different x"):
        fit([(1, 1.0), (1, 2.0)])


def test_every_peer_with_two_sizes_has_a_slope_against_nodes() -> None:
    results = Results()
    for nodes, wall in ((100, 0.1), (1_000, 1.0)):
        cell = Cell("fp", Kind.SH, nodes, Scenario.NO_OP)
        results.cells[cell] = Figure(1, wall, wall, wall, 1, wall, wall)
    results.cells[Cell("dvc", Kind.SH, 100, Scenario.NO_OP)] = Figure(1, 1, 1, 1, 1, 1, 1)
    (found,) = slopes_of_size(results)
    assert ("fp", "no-op", "nodes") == (found.subject, found.action, found.against)
    assert 0.001 == pytest.approx(found.each)
