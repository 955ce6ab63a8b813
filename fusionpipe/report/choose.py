"""Which report a build gets. The caller has read the environment and looked at the stream."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from fusionpipe.events import Event, Report


class OpenReport:
    """A report to be closed when the build is over: `with choose_report(...) as report:`.

    Closing gives the terminal back as it was, also after an exception. What could not be told, for the
    disk below the output is full, stops no build: the error is raised when all is over.
    """

    def __init__(self, report: Report, close: Callable[[], None]) -> None:
        self._report = report
        self.close = close
        self._lost: OSError | None = None

    def __call__(self, event: Event) -> None:
        if self._lost is not None:
            return
        try:
            self._report(event)
        except OSError as error:
            self._lost = error

    def __enter__(self) -> OpenReport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if self._lost is not None and error is None:
            raise self._lost


def choose_report(
    out: TextIO, *, is_terminal: bool, json: bool, quiet: bool, verbose: bool, colour: bool
) -> OpenReport:
    """JSON when asked for, a live view on a terminal unless quiet, else plain lines.

    `is_terminal` is False for TERM=dumb too: it says that the cursor can be moved.
    """
    # Each imported where it is chosen: a build that has nothing to do feels every millisecond.
    if json:
        from fusionpipe.report.json_lines import JsonReport

        told = JsonReport(out)
        return OpenReport(told, told.close)
    if is_terminal and not quiet:
        from fusionpipe.report.terminal import TerminalReport

        live = TerminalReport(out, verbose=verbose, colour=colour)
        return OpenReport(live, live.close)
    from fusionpipe.report.lines import LineReport

    lines = LineReport(out, quiet=quiet, verbose=verbose, colour=colour)
    return OpenReport(lines, lines.close)
