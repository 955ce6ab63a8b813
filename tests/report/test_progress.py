"""What the live view has to say, decided from events and a clock that the test sets."""

from __future__ import annotations

from fusionpipe.events import (
    BuildStarted,
    Interrupting,
    NodeFinished,
    NodeStarted,
    NodeWaiting,
    Outcome,
    SourceHashing,
)
from fusionpipe.model import NodeName
from fusionpipe.report.progress import Progress, Row

RAW, FIT, PLOT = NodeName("raw"), NodeName("fit"), NodeName("plot")
GB = 1_000_000_000


def started(nodes: int) -> Progress:
    progress = Progress()
    progress.take(BuildStarted("b1", nodes, 4, 100.0), 100.0)
    return progress


def test_a_running_node_is_shown_with_elapsed_and_expected_time() -> None:
    progress = started(3)
    progress.take(NodeStarted(FIT, "new", 100.0, expected=40.0), 100.0)
    progress.take(NodeStarted(PLOT, "new", 101.0), 101.0)
    assert [Row(FIT, "12 s of ~40 s", 0.3), Row(PLOT, "11 s")] == progress.rows(112.0)


def test_a_node_that_takes_longer_than_expected_says_what_is_usual() -> None:
    progress = started(1)
    progress.take(NodeStarted(FIT, "new", 100.0, expected=4.0), 100.0)
    assert [Row(FIT, "12 s, usually 4.0 s", 1.0)] == progress.rows(112.0)


def test_a_node_that_has_just_begun_would_only_flicker() -> None:
    progress = started(1)
    progress.take(NodeStarted(FIT, "new", 100.0), 100.0)
    assert [] == progress.rows(100.2)
    assert [Row(FIT, "0.4 s")] == progress.rows(100.4)


def test_a_source_is_shown_with_rate_and_time_left_until_it_is_read() -> None:
    progress = started(1)
    progress.take(SourceHashing(RAW, 0, 20 * GB), 100.0)
    assert [Row(RAW, "hashing 0 B of 20 GB", 0.0)] == progress.rows(100.0)
    progress.take(SourceHashing(RAW, 5 * GB, 20 * GB), 105.0)
    expected = [Row(RAW, "hashing 5.0 GB of 20 GB, 15 s left, 1.0 GB/s", 0.25)]
    assert expected == progress.rows(105.0)
    progress.take(SourceHashing(RAW, 20 * GB, 20 * GB), 120.0)
    assert [] == progress.rows(120.0)


def test_a_node_another_build_runs_is_shown_as_waiting() -> None:
    progress = started(1)
    progress.take(NodeWaiting(FIT), 100.0)
    assert [Row(FIT, "waiting for another build")] == progress.rows(100.0)
    progress.take(NodeFinished(FIT, Outcome.RESTORED, "taken over"), 101.0)
    assert [] == progress.rows(101.0)


def test_a_waiter_whose_holder_died_runs_the_node_itself() -> None:
    progress = started(1)
    progress.take(NodeWaiting(FIT), 100.0)
    progress.take(NodeStarted(FIT, "new", 100.0), 100.0)
    assert [Row(FIT, "1.0 s")] == progress.rows(101.0)


def test_counts_leave_zeros_out() -> None:
    progress = started(1000)
    assert ("0 of 1,000 nodes",) == progress.counts(100.0)
    for name, outcome in (("a", Outcome.KEPT), ("b", Outcome.RAN), ("c", Outcome.FAILED)):
        progress.take(NodeFinished(NodeName(name), outcome, ""), 100.0)
    progress.take(NodeStarted(FIT, "new", 100.0), 100.0)
    expected = ("3 of 1,000 nodes", "1 failed", "1 running", "1 ran", "1 kept")
    assert expected == progress.counts(100.0)


def test_a_node_that_has_to_run_again_counts_once() -> None:
    progress = started(2)
    progress.take(NodeFinished(FIT, Outcome.KEPT, "same"), 100.0)
    progress.take(NodeStarted(FIT, "its result was damaged", 100.0), 100.0)
    assert ("0 of 2 nodes", "1 running") == progress.counts(100.0)
    progress.take(NodeFinished(FIT, Outcome.RAN, "its result was damaged"), 101.0)
    assert ("1 of 2 nodes", "1 ran") == progress.counts(101.0)


def test_time_left_counts_down_from_what_the_core_told() -> None:
    progress = started(10)
    progress.take(NodeStarted(FIT, "new", 100.0, left=200.0), 100.0)
    assert "~3 m 10 s left" == progress.counts(110.0)[1]
    assert ("0 of 10 nodes", "1 running") == progress.counts(300.0)


def test_untold_the_time_left_is_known_only_when_all_that_is_left_runs_and_has_run_before() -> None:
    progress = started(2)
    progress.take(NodeStarted(FIT, "new", 100.0, expected=40.0), 100.0)
    assert ("0 of 2 nodes", "1 running") == progress.counts(110.0)
    progress.take(NodeStarted(PLOT, "new", 100.0, expected=60.0), 100.0)
    assert ("0 of 2 nodes", "~50 s left", "2 running") == progress.counts(110.0)


def test_nobody_knows_the_time_left_while_a_node_runs_for_the_first_time() -> None:
    progress = started(2)
    progress.take(NodeStarted(FIT, "new", 100.0, expected=40.0), 100.0)
    progress.take(NodeStarted(PLOT, "new", 100.0), 100.0)
    assert ("0 of 2 nodes", "2 running") == progress.counts(110.0)


def test_a_build_that_is_stopping_has_no_time_left() -> None:
    progress = started(1)
    progress.take(NodeStarted(FIT, "new", 100.0, expected=40.0), 100.0)
    progress.take(Interrupting(1), 101.0)
    assert ("0 of 1 node", "stopping", "1 running") == progress.counts(101.0)


def test_finding_nodes_up_to_date_is_idle_and_restoring_them_is_not() -> None:
    progress = started(3)
    idle = []
    for name, outcome in (("a", Outcome.KEPT), ("b", Outcome.RESTORED), ("c", Outcome.KEPT)):
        progress.take(NodeFinished(NodeName(name), outcome, ""), 100.0)
        idle.append(progress.is_idle)
    assert [True, False, True] == idle
