"""The report on a terminal: what stays, what is drawn in place, and when rich is needed at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from threading import Event as Signal

from rich.console import Console

from fusionpipe.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Interrupting,
    NodeFinished,
    NodeStarted,
    Notice,
    Outcome,
    SourceHashing,
)
from fusionpipe.model import NodeName
from fusionpipe.report.live import LiveView
from fusionpipe.report.progress import Row
from fusionpipe.report.terminal import TerminalReport

FIT = NodeName("fit")
START = BuildStarted("b1", 200, 4, 100.0)
RUNNING = NodeStarted(FIT, "new", 100.0)
FAILED = NodeFinished(FIT, Outcome.FAILED, "exit status 1", seconds=3.0, tail=("boom",))
FINISHED = BuildFinished("b1", 1, 0, 0, 0, 0, seconds=4.2, saved=0.0)


class Screen:
    """A view that remembers what it was told to draw."""

    def __init__(self) -> None:
        self.above: list[str] = []
        self.drawn: list[tuple[list[Row], tuple[str, ...]]] = []
        self.is_stopped = False

    def draw(self, above: Sequence[str], rows: Sequence[Row], counts: Sequence[str]) -> None:
        self.above += above
        self.drawn.append((list(rows), tuple(counts)))

    def stop(self) -> None:
        self.is_stopped = True


class Rig:
    """A report whose clock and drawing are in the test's hands."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.now = 100.0
        self.out = StringIO()
        self.screens: list[Screen] = []
        self.report = TerminalReport(
            self.out,
            verbose=verbose,
            colour=False,
            clock=lambda: self.now,
            open_view=self._open,
            is_ticking=False,
        )

    def _open(self) -> Screen:
        self.screens.append(Screen())
        return self.screens[-1]

    def tell(self, *events: Event) -> None:
        for event in events:
            self.report(event)


def ran(number: int) -> NodeFinished:
    return NodeFinished(NodeName(f"n{number:03}"), Outcome.RAN, "new", seconds=1.0)


def test_a_build_with_nothing_to_run_opens_no_view() -> None:
    rig = Rig()
    rig.tell(START, *(NodeFinished(NodeName(f"n{i}"), Outcome.KEPT, "same") for i in range(200)))
    rig.report.draw()
    rig.tell(BuildFinished("b1", 0, 200, 0, 0, 0, seconds=0.02, saved=9.0))
    assert [] == rig.screens
    assert "nothing to do: 200 nodes up to date in 20 ms\n" == rig.out.getvalue()


def test_a_build_with_nothing_to_run_imports_no_rich() -> None:
    script = (
        "import sys\n"
        "from fusionpipe.events import BuildFinished, BuildStarted, NodeFinished, Outcome\n"
        "from fusionpipe.report.choose import choose_report\n"
        "with choose_report(sys.stdout, is_terminal=True, json=False, quiet=False, verbose=False,"
        " colour=True) as report:\n"
        "    report(BuildStarted('b1', 1, 4, 100.0))\n"
        "    report(NodeFinished('fit', Outcome.KEPT, 'same'))\n"
        "    report(BuildFinished('b1', 0, 1, 0, 0, 0, 0.01, 0.0))\n"
        "print('rich' in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "False" == told.stdout.splitlines()[-1]


def test_what_runs_is_drawn_in_place_and_wiped_at_the_end() -> None:
    rig = Rig()
    rig.tell(START, RUNNING)
    rig.now = 112.0
    rig.report.draw()
    assert [([Row(FIT, "12 s")], ("0 of 200 nodes", "1 running"))] == rig.screens[0].drawn
    rig.tell(FINISHED)
    assert rig.screens[0].is_stopped
    assert "1 ran, 0 restored, 0 kept, 0 failed in 4.2 s\n" == rig.out.getvalue()


def test_a_frame_like_the_last_one_is_not_drawn_again() -> None:
    rig = Rig()
    rig.tell(START, RUNNING)
    for rig.now in (112.0, 112.1, 112.2, 113.0):
        rig.report.draw()
    assert ["12 s", "13 s"] == [rows[0].text for rows, _ in rig.screens[0].drawn]


def test_failures_notices_and_the_interrupt_stay_above() -> None:
    rig = Rig()
    rig.tell(START, RUNNING)
    rig.report.draw()
    rig.tell(FAILED, Notice("a stray process"), Interrupting(2))
    rig.report.draw()
    expected = [
        "failed    fit  3.0 s  exit status 1",
        "    boom",
        "warning: a stray process",
        "stopping 2 running nodes; Ctrl-C again to stop at once",
    ]
    assert expected == rig.screens[0].above


def test_lines_not_drawn_yet_are_written_before_the_summary() -> None:
    rig = Rig()
    rig.tell(START, RUNNING, FAILED, FINISHED)
    expected = (
        "failed    fit  3.0 s  exit status 1\n    boom\n"
        "1 ran, 0 restored, 0 kept, 0 failed in 4.2 s\n"
    )
    assert expected == rig.out.getvalue()


def test_of_many_nodes_that_ran_the_first_fifty_are_named() -> None:
    rig = Rig()
    rig.tell(START, RUNNING, *(ran(number) for number in range(120)), FAILED, FINISHED)
    lines = rig.out.getvalue().splitlines()
    assert "ran       n049  1.0 s  new" == lines[49]
    assert ["failed    fit  3.0 s  exit status 1", "    boom"] == lines[50:52]
    assert "… and 70 more that ran or were restored (-v names them)" == lines[52]


def test_verbose_names_all_nodes_also_those_kept() -> None:
    rig = Rig(verbose=True)
    kept = NodeFinished(NodeName("kept"), Outcome.KEPT, "same")
    rig.tell(START, RUNNING, *(ran(number) for number in range(120)), kept, FINISHED)
    lines = rig.out.getvalue().splitlines()
    assert ["ran       n119  1.0 s  new", "kept      kept  same"] == lines[119:121]


def test_closing_after_an_exception_wipes_the_view_and_keeps_the_lines() -> None:
    rig = Rig()
    rig.tell(START, RUNNING)
    rig.report.draw()
    rig.tell(FAILED)
    rig.report.close()
    rig.report.close()
    assert rig.screens[0].is_stopped
    assert "failed    fit  3.0 s  exit status 1\n    boom\n" == rig.out.getvalue()


def test_the_drawing_thread_ends_with_the_build() -> None:
    out = StringIO()
    report = TerminalReport(out, verbose=False, colour=False, open_view=Screen)
    for event in (START, RUNNING, FAILED, FINISHED):
        report(event)
    assert out.getvalue().endswith("0 failed in 4.2 s\n")
    report.close()


def test_a_source_hashed_before_the_view_opens_leaves_its_notices() -> None:
    rig = Rig()
    raw = NodeName("raw")
    rig.tell(START, SourceHashing(raw, 0, 9), Notice("raw is large"), SourceHashing(raw, 9, 9))
    rig.report.draw()
    assert "warning: raw is large\n" == rig.out.getvalue()
    assert [] == rig.screens


def test_what_is_told_after_the_end_is_written_at_once() -> None:
    rig = Rig()
    rig.tell(START, RUNNING)
    rig.report.draw()
    rig.tell(FINISHED, Notice("the index was made anew", is_warning=False))
    assert rig.out.getvalue().endswith("in 4.2 s\nnote: the index was made anew\n")


class HungUp(Screen):
    """The screen of a terminal that was closed."""

    def draw(self, above: Sequence[str], rows: Sequence[Row], counts: Sequence[str]) -> None:
        raise OSError(5, "Input/output error")

    def stop(self) -> None:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_was_closed_does_not_end_the_build() -> None:
    opened = Signal()

    def open_view() -> HungUp:
        opened.set()
        return HungUp()

    report = TerminalReport(StringIO(), verbose=False, colour=False, open_view=open_view)
    report(START)
    report(RUNNING)
    assert opened.wait(10)
    report(FAILED)
    report(FINISHED)


# -- drawn with rich --------------------------------------------------------------------------

ROWS = [
    Row(NodeName("train/a-name-much-too-long-for-a-narrow-terminal"), "12 s of ~40 s", 0.3),
    Row(NodeName("größe/文字"), "waiting for another build"),
]
COUNTS = ("412 of 1,000 nodes", "~3 m left", "1 failed", "2 running", "12 ran")


def drawn(width: int, *, rows: Sequence[Row] = ROWS, above: Sequence[str] = ()) -> list[str]:
    """The lines on a terminal after one drawing, without paint."""
    out = StringIO()
    console = Console(
        file=out, force_terminal=True, width=width, height=24, no_color=True, color_system=None
    )
    view = LiveView(out, colour=False, console=console)
    before = len(out.getvalue())
    view.draw(above, rows, COUNTS)
    text = out.getvalue()[before:]
    view.stop()
    return [line.rstrip() for line in text.replace("\x1b[2K", "").replace("\r", "").splitlines()]


def test_a_wide_terminal_shows_names_bars_and_times() -> None:
    expected = [
        "  …oo-long-for-a-narrow-terminal  ━━━╸          12 s of ~40 s",
        "  größe/文字                                    waiting for another build",
        "412 of 1,000 nodes · ~3 m left · 1 failed · 2 running · 12 ran",
    ]
    assert expected == drawn(96)


def test_a_narrow_terminal_drops_the_bar_and_cuts_names() -> None:
    expected = [
        "  …rrow-terminal  12 s of ~40 s",
        "  größe/文字      waiting for another…",
        "412 of 1,000 nodes · ~3 m left · 1 f…",
    ]
    assert expected == drawn(40)


def test_lines_that_stay_come_above_the_rows_unwrapped() -> None:
    above = ["failed    fit  exit status 1 [bold]no markup[/bold] :smile:", "    " + "x" * 60]
    lines = drawn(40, above=above, rows=[])
    assert above == lines[-3:-1]
    assert "412 of 1,000 nodes · ~3 m left · 1 f…" == lines[-1]


def test_more_rows_than_half_a_screen_are_counted() -> None:
    rows = [Row(NodeName(f"n{number}"), "1.0 s") for number in range(64)]
    lines = drawn(80, rows=rows)
    assert 11 == len(lines)
    assert "  … and 55 more" == lines[9]


def test_stopping_gives_the_cursor_back() -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24)
    view = LiveView(out, colour=True, console=console)
    view.draw([], ROWS, COUNTS)
    view.stop()
    assert out.getvalue().rindex("\x1b[?25h") > out.getvalue().rindex("\x1b[?25l")


def test_the_last_line_leaves_room_for_what_the_terminal_echoes_of_an_interrupt() -> None:
    assert all(len(drawn(width)[-1]) <= width - len("^C") for width in range(20, 80))
