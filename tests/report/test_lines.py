"""Plain lines: the whole output, as a pipe would get it."""

from __future__ import annotations

from io import BytesIO, StringIO, TextIOWrapper

from fusionpipe.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Interrupting,
    NodeFinished,
    NodeStarted,
    NodeWaiting,
    Notice,
    Outcome,
    SourceHashing,
)
from fusionpipe.model import NodeName
from fusionpipe.report.lines import LineReport

RAW, CLEAN, FIT, PLOT = (NodeName(name) for name in ("raw", "prep/clean", "fit", "plot"))

FAILURE = NodeFinished(
    FIT,
    Outcome.FAILED,
    "exit status 1",
    seconds=3.14,
    log="fit/logs.txt",
    tail=(
        "Traceback (most recent call last):",
        '  File "fit/code/main.py", line 3, in <module>',
        "",
        "KeyError: 'DB_URL'",
    ),
    rerun=".fusionpipe/failed/fit",
    hint='DB_URL is withheld from nodes\nwrite pass = ["DB_URL"] in fit/node.toml',
)
FINISHED = BuildFinished(
    "b1", ran=12, kept=985, restored=3, failed=0, skipped=0, seconds=4.2, saved=11_520
)
BUILD: tuple[Event, ...] = (
    BuildStarted("b1", nodes=5, jobs=2, at=100.0),
    SourceHashing(RAW, 0, 20_000_000_000),
    SourceHashing(RAW, 5_000_000_000, 20_000_000_000),
    SourceHashing(RAW, 20_000_000_000, 20_000_000_000),
    NodeFinished(RAW, Outcome.KEPT, "unchanged"),
    NodeStarted(CLEAN, "main.py changed", 100.0, expected=4.0),
    NodeFinished(CLEAN, Outcome.RAN, "main.py changed", seconds=4.2),
    NodeWaiting(NodeName("shared")),
    NodeFinished(NodeName("shared"), Outcome.RESTORED, "in the store", seconds=192),
    NodeStarted(FIT, "prep/clean changed", 104.0),
    Notice("2 processes outlived the node\nand were stopped", node=FIT),
    FAILURE,
    NodeFinished(PLOT, Outcome.SKIPPED, "fit failed"),
    Notice("the index was made anew", is_warning=False),
    BuildFinished(
        "b1",
        ran=1,
        kept=1,
        restored=1,
        failed=1,
        skipped=1,
        seconds=8.0,
        saved=192,
        store_bytes=1_200_000_000,
        store_grown=35_000_000,
        free_bytes=80_000_000_000,
        disk_bytes=500_000_000_000,
    ),
)

NORMAL = """\
hashing   raw  20 GB
ran       prep/clean  4.2 s  main.py changed
waiting   shared  another build is running it
restored  shared  3 m 12 s saved  in the store
warning: fit: 2 processes outlived the node
    and were stopped
failed    fit  3.1 s  exit status 1
    Traceback (most recent call last):
      File "fit/code/main.py", line 3, in <module>

    KeyError: 'DB_URL'
  hint:  DB_URL is withheld from nodes
    write pass = ["DB_URL"] in fit/node.toml
  log:   fit/logs.txt
  again: .fusionpipe/failed/fit/rerun
note: the index was made anew
store 1.2 GB (+35 MB), 80 GB free
1 ran, 1 restored, 1 kept, 1 failed, 1 skipped in 8.0 s, 3 m 12 s of work saved
"""


def told(*events: Event, quiet: bool = False, verbose: bool = False, colour: bool = False) -> str:
    out = StringIO()
    report = LineReport(out, quiet=quiet, verbose=verbose, colour=colour)
    for event in events:
        report(event)
    report.close()
    return out.getvalue()


def test_a_build_is_told_by_a_line_for_each_node_that_did_something() -> None:
    assert NORMAL == told(*BUILD)


def test_verbose_also_names_what_started_was_kept_and_was_skipped() -> None:
    expected = NORMAL
    for before, more in (
        ("ran       prep", "kept      raw  unchanged\n"),
        ("ran       prep", "started   prep/clean  ~4.0 s  main.py changed\n"),
        ("warning: fit", "started   fit  prep/clean changed\n"),
        ("note:", "skipped   plot  fit failed\n"),
    ):
        expected = expected.replace(before, more + before)
    assert expected == told(*BUILD, verbose=True)


def test_quiet_leaves_failures_and_warnings() -> None:
    start, end = NORMAL.index("warning:"), NORMAL.index("note:")
    assert NORMAL[start:end] == told(*BUILD, quiet=True)


def test_quiet_still_answers_an_interrupt() -> None:
    expected = "stopping 1 running node; Ctrl-C again to stop at once\n"
    assert expected == told(Interrupting(1), quiet=True)


def test_an_interrupt_with_nothing_running_names_no_number() -> None:
    assert "stopping; Ctrl-C again to stop at once\n" == told(Interrupting(0))


def test_the_summary_has_the_promised_form() -> None:
    expected = "12 ran, 3 restored, 985 kept, 0 failed in 4.2 s, 3 h 12 m of work saved\n"
    assert expected == told(FINISHED)


def test_less_than_a_second_of_work_saved_is_not_boasted_of() -> None:
    expected = "12 ran, 3 restored, 985 kept, 0 failed in 4.2 s\n"
    assert expected == told(FINISHED._replace(saved=0.99))


def test_a_build_that_only_kept_had_nothing_to_do() -> None:
    idle = FINISHED._replace(ran=0, restored=0, kept=1000, seconds=0.085)
    assert "nothing to do: 1,000 nodes up to date in 85 ms\n" == told(idle)


def test_an_interrupted_build_never_says_that_there_was_nothing_to_do() -> None:
    expected = "interrupted: 0 ran, 0 restored, 7 kept, 0 failed in 1.0 s\n"
    assert expected == told(
        BuildFinished("b1", 0, 7, 0, 0, 0, seconds=1.0, saved=0.0, is_interrupted=True)
    )


def test_a_disk_nearly_full_is_warned_of() -> None:
    nearly_full = FINISHED._replace(
        store_bytes=1_200_000_000,
        store_grown=-35_000_000,
        free_bytes=9_900_000_000,
        disk_bytes=100_000_000_000,
    )
    expected = (
        "store 1.2 GB (-35 MB), 9.9 GB free\n"
        "warning: 9 % of the store's disk is free (9.9 GB of 100 GB); "
        "`fp gc` removes results that nothing needs\n"
        "12 ran, 3 restored, 985 kept, 0 failed in 4.2 s, 3 h 12 m of work saved\n"
    )
    assert expected == told(nearly_full)


def test_a_tenth_of_the_disk_free_is_enough() -> None:
    enough = FINISHED._replace(store_bytes=1, free_bytes=10, disk_bytes=100)
    assert "warning" not in told(enough)


def test_colour_paints_outcomes_and_nothing_is_painted_without() -> None:
    ran = NodeFinished(CLEAN, Outcome.RAN, "new", seconds=1.0)
    assert "\x1b[32mran     \x1b[0m  prep/clean  1.0 s  \x1b[2mnew\x1b[0m\n" == told(
        ran, colour=True
    )
    assert "\x1b" not in told(*BUILD, verbose=True)


def test_a_log_cannot_paint_or_move_the_cursor() -> None:
    tail = (
        "\x1b[31mred\x1b[0m \x1b]0;title\x07plain\x1b[2J",
        "10 %\r 50 %\r100 %",
        "a\tb\x07\x00",
        "bare\x1b",
    )
    expected = (
        "failed    fit  0 ms  exit status 1\n    red plain\n    100 %\n    a       b\n    bare\n"
    )
    assert expected == told(NodeFinished(FIT, Outcome.FAILED, "exit status 1", tail=tail))


def test_a_stream_that_cannot_hold_a_character_gets_a_question_mark() -> None:
    raw = BytesIO()
    report = LineReport(TextIOWrapper(raw, "ascii"), quiet=False, verbose=False, colour=False)
    report(NodeFinished(NodeName("größe/\udcff"), Outcome.RAN, "new", seconds=1.0))
    assert b"ran       gr??e/?  1.0 s  new\n" == raw.getvalue()


class ClosedPipe(StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_reader_that_went_away_does_not_end_the_build() -> None:
    report = LineReport(ClosedPipe(), quiet=False, verbose=False, colour=False)
    for event in BUILD:
        report(event)
