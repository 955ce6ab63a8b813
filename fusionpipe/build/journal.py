"""`builds/<id>.jsonl`: what became of the nodes that a build did not merely keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fusionpipe.build.dirty import Dirtiness
from fusionpipe.build.record import Maker
from fusionpipe.circumstances import circumstances
from fusionpipe.events import BuildFinished, Event, NodeFinished, NodeStarted, Outcome
from fusionpipe.journal import append_build, append_events, node_line

_HELD = 4096  # lines; a long build would hold a hundred thousand


class EventLog:
    """Gathers the lines of one build, and writes them when it is over."""

    def __init__(
        self,
        root: Path,
        id: str,
        started_ns: int,
        command: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        self._root = root
        self._circumstances = circumstances(str(root), Maker.of_this_process(environment).user)
        self._dirtiness = Dirtiness(root, environment)
        self._id = id
        self._started_ns = started_ns
        self._command = command
        self._lines: list[str] = []

    def add(self, event: Event) -> None:
        """Takes an event; most are not kept."""
        if isinstance(event, NodeStarted) and self._circumstances["commit"]:
            self._dirtiness.ask()
        if isinstance(event, NodeFinished) and event.outcome is not Outcome.KEPT:
            told = (event.outcome, event.reason, event.key, event.data, event.record)
            self._lines.append(node_line(event.node, *told, event.seconds))
            if len(self._lines) >= _HELD:
                with suppress(OSError):  # a full disk: `close` tries again, and tells
                    self._write()

    @contextmanager
    def abandoned_on_error(self) -> Iterator[None]:
        """Lets go of what was asked beside a build that cannot end."""
        try:
            yield
        except BaseException:
            self._dirtiness.answer(patience=0)
            raise

    def _write(self) -> None:
        append_events(str(self._root), self._id, self._lines)
        self._lines.clear()

    def close(self, finished: BuildFinished) -> None:
        """Writes the build's file, if there is anything to tell, and its line. Raises OSError."""
        if self._lines:
            self._write()
        counts = {
            outcome.value: count
            for outcome, count in (
                (Outcome.RAN, finished.ran),
                (Outcome.KEPT, finished.kept),
                (Outcome.RESTORED, finished.restored),
                (Outcome.FAILED, finished.failed),
                (Outcome.SKIPPED, finished.skipped),
            )
        }
        append_build(
            str(self._root),
            self._id,
            self._started_ns,
            finished.seconds,
            self._command,
            counts,
            {**self._circumstances, "dirty": self._dirtiness.answer()},
            is_interrupted=finished.is_interrupted,
        )
