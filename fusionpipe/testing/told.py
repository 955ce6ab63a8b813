"""What a command or a build told."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fusionpipe.events import (
    BuildFinished,
    Event,
    NodeFinished,
    NodesKept,
    NodeStarted,
    Notice,
    Outcome,
)
from fusionstore.contract import JsonObject


@dataclass(frozen=True, slots=True)
class Result:
    """What an `fp` command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def plain(self) -> str:
        """The output as it can be pinned: see `pinned`."""
        return pinned(self.out)

    @property
    def events(self) -> list[JsonObject]:
        """The output of a `--json` command, a line each."""
        return [json.loads(line) for line in self.out.splitlines()]


_VARYING = (
    (r"\b\d{8}-\d{6}-[0-9a-f]{4}\b", "<build>"),
    (r"\b\d{4}-\d\d-\d\dT?[ ]?\d\d:\d\d:\d\dZ?", "<date>"),
    (r"\bby \S+ on \S+,", "by <user> on <host>,"),
    (r"<date> on \S+", "<date> on <host>"),
    (r"\S*/python[\d.]*\b", "<python>"),
    (r"\b[0-9a-f]{64}\b", "<hash>"),
    (r"\b[0-9a-f]{12}\b", "<hash>"),
    (r"[+-]?\b\d[\d.]* (B|kB|MB|GB|TB)\b", "<size>"),
    (r"\b\d[\d.]* (ms|s)\b", "<time>"),
)


def pinned(text: str) -> str:
    """Text with what differs from run to run replaced: times, dates, hashes, sizes, build ids.

    How full this machine's disk is is left out.
    """
    text = re.sub(r"^warning: \d+ % of the store's disk is free.*\n", "", text, flags=re.MULTILINE)
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return text


@dataclass(frozen=True, slots=True)
class Built:
    """What a build in this process told."""

    finished: BuildFinished
    events: Sequence[Event]

    @property
    def nodes(self) -> dict[str, NodeFinished]:
        """How each node ended; the last word where there were several."""
        nodes: dict[str, NodeFinished] = {}
        for event in self.events:
            if isinstance(event, NodeFinished):
                nodes[event.node] = event
            elif isinstance(event, NodesKept):
                kept = (NodeFinished(name, Outcome.KEPT, "unchanged") for name in event.nodes)
                nodes |= {one.node: one for one in kept}
        return nodes

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Each node's outcome."""
        return {name: event.outcome for name, event in self.nodes.items()}

    @property
    def started(self) -> list[str]:
        """The nodes whose code was started, in order, each as often as it was."""
        return [event.node for event in self.events if isinstance(event, NodeStarted)]

    def named(self, outcome: Outcome) -> set[str]:
        """The nodes that ended so."""
        return {name for name, one in self.outcomes.items() if one is outcome}

    @property
    def notices(self) -> str:
        """What was told besides, a line each."""
        return "\n".join(event.text for event in self.events if isinstance(event, Notice))
