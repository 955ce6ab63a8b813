"""What happened: the builds of a checkout, and what each did with its nodes. Reads, never writes.

`builds.jsonl` has a line a build, `builds/<id>.jsonl` a line for each node that was not merely kept. Lines
that are torn, or of a newer fusionpipe, are passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fusionpipe.model import NodeName

_CHUNK = 1 << 16


class BuildLine(NamedTuple):
    """One build. `started` is seconds since the epoch; `counts` are nodes by outcome."""

    build: str
    started: float
    seconds: float
    command: tuple[str, ...]
    counts: Mapping[str, int]
    is_interrupted: bool
    user: str = ""
    host: str = ""
    commit: str = ""  # of git, "" where there is none
    is_dirty: bool | None = None


class NodeLine(NamedTuple):
    """What became of a node in a build. Of a failure `record` and `data` are ""."""

    build: str
    node: NodeName
    outcome: str
    reason: str
    key: str
    data: str
    record: str
    seconds: float


def builds(root: Path) -> Iterator[BuildLine]:
    """The builds, latest first: read from the end, so the first of ten thousand cost no more than of ten."""
    for line in _lines_backwards(root / ".fusionpipe" / "builds.jsonl"):
        told = _object(line)
        if told is not None and isinstance(told.get("build"), str):
            yield _build_line(told)


def nodes_of(root: Path, build: str) -> Iterator[NodeLine]:
    """What a build did with the nodes that it did not merely keep, in the order they ended."""
    try:
        lines = (root / ".fusionpipe" / "builds" / f"{build}.jsonl").read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        told = _object(line)
        if told is not None and isinstance(told.get("node"), str):
            yield NodeLine(
                build,
                NodeName(str(told["node"])),
                outcome=_text(told, "outcome"),
                reason=_text(told, "reason"),
                key=_text(told, "key"),
                data=_text(told, "data"),
                record=_text(told, "record"),
                seconds=_number(told.get("seconds")),
            )


def _build_line(told: Mapping[str, object]) -> BuildLine:
    counts = {name: count for name, count in told.items() if name in _OUTCOMES}
    command = told.get("command")
    dirty = told.get("dirty")
    return BuildLine(
        str(told["build"]),
        _number(told.get("started")),
        _number(told.get("seconds")),
        tuple(map(str, command)) if isinstance(command, list) else (),
        {name: count for name, count in counts.items() if isinstance(count, int)},
        bool(told.get("interrupted")),
        user=_text(told, "user"),
        host=_text(told, "host"),
        commit=_text(told, "commit"),
        is_dirty=dirty if isinstance(dirty, bool) else None,
    )


_OUTCOMES = frozenset(("ran", "kept", "restored", "failed", "skipped"))


def _object(line: bytes) -> dict[str, object] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _text(told: Mapping[str, object], name: str) -> str:
    return str(told.get(name) or "")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """The whole lines of a file, last first, read piece by piece."""
    if not path.exists():
        return
    with open(path, "rb", buffering=0) as file:
        at = file.seek(0, os.SEEK_END)
        rest = b""
        while at > 0:
            size = min(_CHUNK, at)
            at -= size
            file.seek(at)
            first, *lines = (file.read(size) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line)
            rest = first
        if rest:
            yield rest
