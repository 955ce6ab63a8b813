"""What happened: the builds of a checkout, and what each did with its nodes. Reads, never writes.

`builds.jsonl` has a line a build, `builds/<id>.jsonl` a line for each node that was not merely kept. Lines
that are torn, or of a newer fusionpipe, are passed over.
"""

from __future__ import annotations

import json
import os
import pwd
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fusionpipe.errors import UsageError
from fusionpipe.model import NodeName

_CHUNK = 1 << 16
_BUILD_ID = re.compile(r"\d{4,8}(-\d{0,6}(-[0-9a-f]{0,4})?)?")
_LISTED = 5


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

    @property
    def did_something(self) -> bool:
        """False where every node was merely kept, and none was even skipped."""
        return any(count for outcome, count in self.counts.items() if outcome != "kept")


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


def nodes_of(root: Path, build: str, node: NodeName | None = None) -> Iterator[NodeLine]:
    """What a build did with the nodes (or this one) that it did not merely keep, in the order they ended."""
    try:
        with open(root / ".fusionpipe" / "builds" / f"{build}.jsonl", "rb") as file:
            text = file.read()
    except OSError:
        return
    name = b"" if node is None else json.dumps(node).encode()
    if name not in text:  # so that a node's past is found among ten thousand builds
        return
    for line in text.splitlines():
        if name not in line:
            continue
        told = _object(line)
        if told is not None and isinstance(told.get("node"), str) and node in (None, told["node"]):
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


def lines_of(root: Path, node: NodeName) -> Iterator[tuple[BuildLine, NodeLine]]:
    """What became of a node, latest first, in the builds that did not merely keep it.

    Costs a small file for each build that did something: 0.04 ms.
    """
    for build in builds(root):
        if build.did_something:
            for line in nodes_of(root, build.build, node):
                yield build, line


def is_build_id(text: str) -> bool:
    """Whether a build's id may be so, or begin so."""
    return _BUILD_ID.fullmatch(text) is not None


def build_named(root: Path, text: str) -> BuildLine | None:
    """The build of this id, or whose id begins so; None if there is none. Raises UsageError for several."""
    if not is_build_id(text):
        return None
    found = [build for build in builds(root) if build.build.startswith(text)]
    whole = [build for build in found if build.build == text]
    if len(whole or found) > 1:
        listed = ", ".join(build.build for build in found[:_LISTED])
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        raise UsageError(
            f"{text} begins {len(found)} builds: {listed}{more}", "write more of the id"
        )
    return next(iter(whole or found), None)


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
        user=_user(_text(told, "user")),
        host=_text(told, "host"),
        commit=_text(told, "commit"),
        is_dirty=dirty if isinstance(dirty, bool) else None,
    )


def _user(told: str) -> str:
    """A name: a no-op notes the number of its user, since asking for the name takes time."""
    if not told.isdigit():
        return told
    try:
        return pwd.getpwuid(int(told)).pw_name
    except (KeyError, OverflowError):
        return told


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
