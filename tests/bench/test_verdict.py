"""Verdicts, report and the file between: what was not measured is never called met."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.chart import charts
from benchmarks.measure import Figure
from benchmarks.options import parse
from benchmarks.report import markdown, picture
from benchmarks.results import Cell, DataCell, Results, Scenario, Slope
from benchmarks.verdict import Verdict, tally, verdicts
from benchmarks.work import Kind


def with_walls(walls: dict[tuple[str, int, Scenario], float]) -> Results:
    results = Results()
    for (peer, nodes, scenario), wall in walls.items():
        figure = Figure(3, wall, wall, wall / 10, 50_000_000, wall, wall)
        results.cells[Cell(peer, Kind.SH, nodes, scenario)] = figure
    return results


def of(results: Results, start: str) -> Verdict:
    (found,) = [each for each in verdicts(results) if each.target.startswith(start)]
    return found


def test_nothing_measured_is_nothing_met() -> None:
    assert {None} == {each.met for each in verdicts(Results())}


@pytest.mark.parametrize(("ours", "met"), [(0.15, True), (0.21, False)])
def test_a_ratio_is_held_against_the_peer_of_the_same_run(ours: float, met: bool) -> None:
    walls = {
        ("fp", 10_000, Scenario.NO_OP): ours,
        ("ninja", 10_000, Scenario.NO_OP): 0.065,
    }
    found = of(with_walls(walls), "no-op at 10,000 ≤ 3 × ninja's")
    assert met is found.met
    assert "ninja 65.0 ms" in found.figures


def test_one_hundred_thousand_is_held_against_ten_times_ten_thousand() -> None:
    walls = {
        ("fp", 10_000, Scenario.NO_OP): 0.1,
        ("fp", 100_000, Scenario.NO_OP): 1.3,
    }
    assert of(with_walls(walls), "no-op at 100,000").met is False


def test_an_edit_may_cost_the_no_op_and_one_run_and_twenty_milliseconds() -> None:
    walls = {
        ("fp", 1_000, Scenario.NO_OP): 0.040,
        ("fp", 1_000, Scenario.LEAF): 0.060,
        ("fp", 1_000, Scenario.COMMENT): 0.070,
    }
    results = with_walls(walls)
    results.data[DataCell("one node", "sh", "run")] = 0.001
    assert of(results, "leaf edited at 1,000").met is True
    assert of(results, "comment at a root at 1,000").met is False


def test_a_target_that_is_not_met_names_the_floor() -> None:
    walls = {
        ("fp", 10_000, Scenario.COLD): 20.0,
        ("floor", 10_000, Scenario.COLD): 4.0,
        ("leanest", 10_000, Scenario.COLD): 7.0,
    }
    found = of(with_walls(walls), "cold build of 10,000 sh nodes ≤ 1.5 × floor's")
    assert "fp 20.00 s, limit 6.00 s, 3.33 × the limit; floor 4.00 s" in found.figures
    assert str(found).endswith("; floor: leanest 7.00 s")
    walls["fp", 10_000, Scenario.COLD] = 5.0
    assert "leanest" not in str(of(with_walls(walls), "cold build of 10,000 sh nodes ≤ 1.5"))


def test_an_edit_is_held_beside_the_imported_engine() -> None:
    walls = {
        ("fp", 1_000, Scenario.NO_OP): 0.040,
        ("fp", 1_000, Scenario.LEAF): 0.200,
        ("engine", 0, Scenario.VERSION): 0.090,
        ("python", 0, Scenario.VERSION): 0.012,
    }
    results = with_walls(walls)
    results.data[DataCell("one node", "sh", "run")] = 0.001
    floor = "importing the engine takes 90.0 ms, of which a bare Python 12.0 ms"
    assert floor in str(of(results, "leaf edited at 1,000"))


def test_the_largest_graph_may_be_a_smaller_one() -> None:
    walls = {
        ("fp", 10_000, Scenario.NO_OP): 0.1,
        ("fp", 30_000, Scenario.NO_OP): 0.33,
    }
    found = of(with_walls(walls), "no-op at 30,000")
    assert found.met is True
    assert "3 times 10,000" in found.figures


def test_runner_cpu_is_the_process_own() -> None:
    results = with_walls({("fp", 10_000, Scenario.COLD): 40.0})  # 4 s are its own
    found = of(results, "runner CPU")
    assert found.met is True
    assert "400.0 µs" in found.figures


def test_publishing_is_held_against_blake3_without_the_barrier() -> None:
    results = Results()
    for subject, action, seconds in (
        ("store", "publish", 0.5),
        ("store", "barrier", 3.0),
        ("plain", "blake3", 0.29),
    ):
        results.data[DataCell("1 × 2 GiB", subject, action)] = seconds
    found = of(results, "publish of 2 GiB")
    assert found.met is False
    assert "barrier 3.00 s" in found.figures


def test_the_tally_counts_each_verdict_once() -> None:
    found = [Verdict("a", True, ""), Verdict("b", False, ""), Verdict("c", None, "")]
    assert "1 met, 1 not met, 1 not measured" == tally(found)


def everything() -> Results:
    walls = {
        ("fp", 100, Scenario.NO_OP): 0.02,
        ("fp", 1_000, Scenario.NO_OP): 0.04,
        ("make", 100, Scenario.NO_OP): 0.002,
        ("fp", 100, Scenario.COLD): 0.2,
    }
    results = with_walls(walls)
    results.machine = {"cores": "2"}
    results.versions = {"fp": "fp 0.1.0"}
    results.data[DataCell("1 × 2 GiB", "fp", "build")] = 2.0
    results.slopes.append(
        Slope("fp", "no-op", "nodes", 0.02, 2e-5, 0.99, ((100, 0.02), (1_000, 0.04)))
    )
    results.notes.append("tup: not installed")
    results.faults.append("make: wrong")
    results.missing[Cell("tup", Kind.SH, 100, Scenario.COLD)] = "it failed at cold"
    results.proven.append("fp sh")
    results.done.append("start-up")
    return results


def test_the_report_says_what_is_missing_and_what_is_never_measured() -> None:
    text = markdown(everything())
    missing, never = text.split("## Missing from this run")[1].split("## Never measured")
    assert "* not run: 100 sh (" in missing
    assert "1,000 sh (no-op): make" not in missing.split("fewer rounds")[0]
    assert "* slopes: not run" in missing
    assert "* a build of so many takes too long: 10,000 sh (cold, no-op" in never


def test_results_survive_their_file(tmp_path: Path) -> None:
    everything().save(tmp_path / "results.json")
    assert everything() == Results.load(tmp_path / "results.json")


def test_the_report_shows_ratios_to_fusionpipe_and_what_was_left_out() -> None:
    text = markdown(everything())
    assert "| make | – | 2.0 ms (0.1) | – | – | – | – |" in text
    assert "* tup: not installed" in text
    assert "* make: wrong" in text
    assert "* it failed at cold: 100 sh (cold): tup" in text


@pytest.mark.parametrize("results", [everything(), Results()])
def test_the_picture_is_well_formed_whatever_was_measured(results: Results) -> None:
    assert "{http://www.w3.org/2000/svg}svg" == ET.fromstring(picture(results)).tag


def test_a_chart_has_a_line_for_each_name_within_the_picture() -> None:
    text = charts({"one": {"a": [(100, 0.01), (1_000, 0.1)], "b": [(100, 5.0)]}})
    root = ET.fromstring(text)
    dots = [each for each in root.iter() if each.tag.endswith("circle")]
    _, _, width, height = (float(word) for word in root.attrib["viewBox"].split())
    assert 3 == len(dots)
    assert all(0 <= float(dot.attrib["cx"]) <= width for dot in dots)
    assert all(0 <= float(dot.attrib["cy"]) <= height for dot in dots)


def test_a_whole_run_is_one_that_leaves_nothing_out() -> None:
    assert parse([], ["fp", "make"]).is_whole
    for words in (["--quick"], ["--peers", "fp"], ["--only", "no-op"], ["--sizes", "100"]):
        assert not parse(words, ["fp", "make"]).is_whole


def test_only_names_what_is_measured() -> None:
    options = parse(["--only", "no-op,data"], ["fp"])
    assert frozenset({Scenario.NO_OP}) == options.wanted.scenarios
    assert frozenset({"data"}) == options.parts


def test_an_unknown_peer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(["--peers", "bazel"], ["fp", "make"])
    assert "'bazel' is none of fp, make" in capsys.readouterr().err
