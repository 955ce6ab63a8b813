"""The report on a terminal: lines that stay for what happened, a live view for what goes on.

The thread that decides only notes events here, under a short lock; one thread of ours draws, at most
ten times a second, so that neither a slow terminal nor ten thousand fast nodes hold a build up. Both the
thread and rich come only when something lasts: a build that has nothing to run pays for neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event as Signal
from threading import Lock, Thread
from typing import Protocol, TextIO

from fusionpipe.events import (
    BuildFinished,
    BuildStarted,
    Event,
    Interrupting,
    NodeFinished,
    NodesKept,
    NodeStarted,
    NodeWaiting,
    Notice,
    Outcome,
    SourceHashing,
)
from fusionpipe.report.outcome import (
    finish_lines,
    interrupting_line,
    kept_lines,
    node_lines,
    notice_lines,
)
from fusionpipe.report.output import Ink, Output
from fusionpipe.report.progress import Progress, Row
from fusionpipe.report.words import number

_PATIENCE = 0.3  # seconds before a live view is worth its start-up
_INTERVAL = 0.1
_LINES = 50  # of nodes that ran or were restored; more are counted, or nobody finds the failure


class View(Protocol):
    """What draws (see live.py)."""

    def draw(self, above: Sequence[str], rows: Sequence[Row], counts: Sequence[str]) -> None:
        """Shows lines that stay, then rows and counts in place of those before."""

    def stop(self) -> None:
        """Wipes what was drawn in place."""


class TerminalReport:
    """Takes events from one thread. `draw` is what the drawing thread does at every tick.

    `open_view` makes the live view when it is first needed; `is_ticking=False` leaves drawing to the
    caller (tests).
    """

    def __init__(
        self,
        out: TextIO,
        *,
        verbose: bool,
        colour: bool,
        clock: Callable[[], float] = time.time,
        open_view: Callable[[], View] | None = None,
        is_ticking: bool = True,
    ) -> None:
        self._out = out
        self._colour = colour
        self._output = Output(out, colour=colour)
        self._verbose = verbose
        self._clock = clock
        self._open_view = open_view or self._open_live
        self._is_ticking = is_ticking
        self._lock = Lock()  # guards the four below
        self._progress = Progress()
        self._pending: list[str] = []  # lines that stay and are not on screen yet
        self._lines_left = _LINES
        self._unshown = 0
        self._view: View | None = None  # this and the next: the drawing thread's, until it ends
        self._drawn: tuple[list[Row], tuple[str, ...]] = ([], ())
        self._thread: Thread | None = None
        self._ending = Signal()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._progress.take(event, self._clock())
            self._pending += self._lasting_lines(event)
        if isinstance(event, BuildFinished):
            self.close()
        elif self._ending.is_set():
            self._write_pending()
        elif self._thread is None and self._view is None:
            self._begin()

    def _begin(self) -> None:
        if self._progress.is_idle:
            self._write_pending()
        elif self._is_ticking:
            self._thread = Thread(target=self._tick, name="fp-live", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the live view and writes what is left. Harmless when already closed."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        if self._view is not None:
            with suppress(OSError):  # the terminal has gone; the build has not
                self._view.stop()
            self._view = None
        self._write_pending()

    def draw(self) -> None:
        """Brings the screen up to date; opens the live view if something goes on by now."""
        if self._view is None:
            if self._progress.is_idle:
                self._write_pending()
                return
            self._view = self._open_view()
        with self._lock:
            now = self._clock()
            frame = self._progress.rows(now), self._progress.counts(now)
            above, self._pending = self._pending, []
        if above or frame != self._drawn:
            self._view.draw(above, *frame)
            self._drawn = frame

    def _tick(self) -> None:
        pause = _PATIENCE
        while not self._ending.wait(pause):
            try:
                self.draw()
            except OSError:
                return  # as in `close`
            pause = _INTERVAL

    def _open_live(self) -> View:
        # Here for start-up: imports rich.
        from fusionpipe.report.live import LiveView

        return LiveView(self._out, colour=self._colour)

    def _write_pending(self) -> None:
        with self._lock:
            lines, self._pending = self._pending, []
        if lines:
            self._output.write("".join(f"{line}\n" for line in lines))

    def _lasting_lines(self, event: Event) -> list[str]:
        match event:
            case NodeFinished():
                return self._node_lines(event)
            case NodesKept():
                return list(kept_lines(event, self._output)) if self._verbose else []
            case Notice():
                return list(notice_lines(event, self._output))
            case Interrupting():
                return [interrupting_line(event)]
            case BuildFinished():
                return [*self._unshown_lines(), *finish_lines(event, self._output)]
            case BuildStarted() | SourceHashing() | NodeStarted() | NodeWaiting():
                return []

    def _node_lines(self, event: NodeFinished) -> list[str]:
        match event.outcome:
            case Outcome.RAN | Outcome.RESTORED if self._lines_left == 0 and not self._verbose:
                self._unshown += 1
                return []
            case Outcome.RAN | Outcome.RESTORED:
                self._lines_left = max(0, self._lines_left - 1)
            case Outcome.KEPT | Outcome.SKIPPED if not self._verbose:
                return []
        return list(node_lines(event, self._output))

    def _unshown_lines(self) -> list[str]:
        if not self._unshown:
            return []
        text = f"… and {number(self._unshown)} more that ran or were restored (-v names them)"
        return [self._output.paint(text, Ink.FAINT)]
