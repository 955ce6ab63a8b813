"""How far a build is, gathered from its events, ready to be drawn. Pure: no clock, no output.

Cheap for an event (a few dictionary entries), so that ten thousand fast nodes cost nothing; whoever
draws asks for rows and counts as often as he likes.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from fusionpipe.report.words import counted, duration, number, size

_LASTING = 0.3  # seconds: what ends sooner would only flicker


@dataclass(frozen=True, slots=True)
class Row:
    """Something that is going on. `fraction` is how far it is, None where nobody knows."""

    node: NodeName
    text: str
    fraction: float | None = None


@dataclass(slots=True)
class _Hashing:
    first_at: float
    first_done: int
    done: int
    total: int


class Progress:
    """The state of one build as its events tell it. Times are seconds since the epoch."""

    def __init__(self) -> None:
        self._nodes = 0
        self._running: dict[NodeName, NodeStarted] = {}
        self._hashing: dict[NodeName, _Hashing] = {}
        self._waiting: dict[NodeName, None] = {}
        self._outcomes: dict[NodeName, Outcome] = {}
        self._counts = dict.fromkeys(Outcome, 0)
        self._left_told: tuple[float, float] | None = None  # seconds left, and when that was so
        self._is_stopping = False

    @property
    def is_idle(self) -> bool:
        """True while nothing goes on that a user might wait for.

        Restoring thousands of nodes is such a thing, finding that they are all up to date is not.
        """
        if self._running or self._hashing or self._waiting:
            return False
        settled = len(self._outcomes)
        return settled == self._counts[Outcome.KEPT] or settled >= self._nodes

    def take(self, event: Event, now: float) -> None:
        """Notes what an event changes."""
        match event:
            case BuildStarted():
                self._nodes = event.nodes
            case SourceHashing():
                self._hash(event, now)
            case NodeStarted():
                self._waiting.pop(event.node, None)
                self._running[event.node] = event
                self._unsettle(event.node)
                if event.left is not None:
                    self._left_told = (event.left, event.at)
            case NodeWaiting():
                self._waiting[event.node] = None
            case NodeFinished():
                self._running.pop(event.node, None)
                self._waiting.pop(event.node, None)
                self._hashing.pop(event.node, None)
                self._unsettle(event.node)
                self._outcomes[event.node] = event.outcome
                self._counts[event.outcome] += 1
            case NodesKept():
                self._outcomes.update(dict.fromkeys(event.nodes, Outcome.KEPT))
                self._counts[Outcome.KEPT] += len(event.nodes)
            case Interrupting():
                self._is_stopping = True
            case Notice() | BuildFinished():
                pass

    def _unsettle(self, node: NodeName) -> None:
        """A node counts once, also one that has to run again because its result turned out damaged."""
        earlier = self._outcomes.pop(node, None)
        if earlier is not None:
            self._counts[earlier] -= 1

    def _hash(self, event: SourceHashing, now: float) -> None:
        if event.done >= event.total:
            self._hashing.pop(event.node, None)
            return
        seen = self._hashing.setdefault(
            event.node, _Hashing(now, event.done, event.done, event.total)
        )
        seen.done, seen.total = event.done, event.total

    def rows(self, now: float) -> list[Row]:
        """What goes on and has lasted a moment: sources first, then what runs, oldest first."""
        rows = [_hashing_row(node, seen, now) for node, seen in self._hashing.items()]
        rows += [
            _running_row(event, now)
            for event in self._running.values()
            if now - event.at >= _LASTING
        ]
        return rows + [Row(node, "waiting for another build") for node in self._waiting]

    def counts(self, now: float) -> tuple[str, ...]:
        """The build in a few words, what matters most first, zeros left out."""
        settled = len(self._outcomes)
        left = self._left(now, settled)
        parts = [
            f"{number(settled)} of {counted(self._nodes, 'node')}",
            f"~{duration(left)} left" if left is not None else "",
            "stopping" if self._is_stopping else "",
            self._counted(Outcome.FAILED),
            f"{number(len(self._running))} running" if self._running else "",
            self._counted(Outcome.RAN),
            self._counted(Outcome.RESTORED),
            self._counted(Outcome.KEPT),
            self._counted(Outcome.SKIPPED),
        ]
        return tuple(part for part in parts if part)

    def _counted(self, outcome: Outcome) -> str:
        count = self._counts[outcome]
        return f"{number(count)} {outcome.value}" if count else ""

    def _left(self, now: float, settled: int) -> float | None:
        """Seconds until the end, None where nobody can tell.

        Either the core has told, or everything that is left runs already and has run before.
        """
        if self._is_stopping:
            return None
        if self._left_told is not None:
            left = self._left_told[0] - (now - self._left_told[1])
            return left if left >= 1 else None
        if settled + len(self._running) < self._nodes:
            return None
        rest = [
            event.at + event.expected - now
            for event in self._running.values()
            if event.expected is not None
        ]
        if len(rest) < len(self._running) or not rest or max(rest) < 1:
            return None
        return max(rest)


def _running_row(event: NodeStarted, now: float) -> Row:
    elapsed = max(0.0, now - event.at)
    shown = f"{elapsed:.1f} s" if elapsed < 1 else duration(elapsed)  # milliseconds would flicker
    if not event.expected:
        return Row(event.node, shown)
    if elapsed > event.expected:
        return Row(event.node, f"{shown}, usually {duration(event.expected)}", 1.0)
    return Row(
        event.node,
        f"{shown} of ~{duration(event.expected)}",
        round(elapsed / event.expected, 2),  # finer than the bar: else every tick would redraw
    )


def _hashing_row(node: NodeName, seen: _Hashing, now: float) -> Row:
    text = f"hashing {size(seen.done)} of {size(seen.total)}"
    passed, read = now - seen.first_at, seen.done - seen.first_done
    if passed > 0 and read > 0:
        rate = read / passed
        text += f", {duration((seen.total - seen.done) / rate)} left, {size(round(rate))}/s"
    return Row(node, text, round(seen.done / seen.total, 2))
