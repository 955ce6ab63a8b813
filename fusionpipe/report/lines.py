"""Plain lines for pipes, files and CI: what happened, one line each, in the order it happened.

Also what a terminal gets until something lasts. Never imports rich: it is on the path of every build.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO, assert_never

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
from fusionpipe.model import NodeName
from fusionpipe.report.outcome import (
    finish_lines,
    interrupting_line,
    kept_lines,
    node_lines,
    notice_lines,
)
from fusionpipe.report.output import Output
from fusionpipe.report.words import duration, size

_ALWAYS = {Outcome.RAN, Outcome.RESTORED, Outcome.FAILED}


class LineReport:
    """Prints events as lines.

    Quiet leaves failures, warnings and the interrupt. Verbose adds what was kept and skipped, and when
    nodes start.
    """

    def __init__(self, out: TextIO, *, quiet: bool, verbose: bool, colour: bool) -> None:
        self._output = Output(out, colour=colour)
        self._quiet = quiet
        self._verbose = verbose
        self._hashing: set[NodeName] = set()

    def __call__(self, event: Event) -> None:
        match event:
            case NodeFinished():
                self._finish_node(event)
            case Notice():
                if event.is_warning or not self._quiet:
                    self._print(notice_lines(event, self._output))
            case NodesKept():
                if self._verbose:
                    self._print(kept_lines(event, self._output))
            case Interrupting():
                self._print([interrupting_line(event)])
            case BuildFinished():
                if not self._quiet:
                    self._print(finish_lines(event, self._output))
            case BuildStarted() | SourceHashing() | NodeStarted() | NodeWaiting():
                if not self._quiet:
                    self._begin(event)
            case _:
                assert_never(event)

    def close(self) -> None:
        """Nothing is held back, so there is nothing to do."""

    def _finish_node(self, event: NodeFinished) -> None:
        if event.outcome is Outcome.FAILED or (
            not self._quiet and (self._verbose or event.outcome in _ALWAYS)
        ):
            self._print(node_lines(event, self._output))

    def _begin(self, event: BuildStarted | SourceHashing | NodeStarted | NodeWaiting) -> None:
        match event:
            case SourceHashing(node=node):
                # Once a source, and only if it takes a while: else a long silence looks like a hang.
                if node not in self._hashing and event.done < event.total:
                    self._hashing.add(node)
                    self._print([f"hashing   {node}  {size(event.total)}"])
            case NodeWaiting(node=node):
                self._print([f"waiting   {node}  another build is running it"])
            case NodeStarted(node=node) if self._verbose:
                expected = "" if event.expected is None else f"  ~{duration(event.expected)}"
                self._print([f"started   {node}{expected}  {event.reason}"])

    def _print(self, lines: Iterable[str]) -> None:
        self._output.write("".join(f"{line}\n" for line in lines))
