"""The journal: `builds.jsonl`, one line a build, only ever appended to, each by one write; and for each
build that did something `builds/<id>.jsonl`, a line for each node that it did not merely keep.

On the path of the no-op: it imports next to nothing.
"""

from __future__ import annotations

import json
import os
import time
from json.encoder import encode_basestring_ascii as _quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def append_build(
    root: str,
    id: str,
    started_ns: int,
    seconds: float,
    command: Sequence[str],
    counts: Mapping[str, int],
    circumstances: Mapping[str, object],
    *,
    is_interrupted: bool = False,
) -> None:
    """Notes that a build took place; `counts` are nodes by outcome, `circumstances` who built what (user, host,
    commit, dirty). Lines of two builds never mix."""
    fields = {
        "build": id,
        "started": round(started_ns / 1e9, 3),
        "seconds": round(seconds, 3),
        "command": list(command),
        **counts,
        **circumstances,
        "interrupted": is_interrupted,
    }
    data = (json.dumps(fields) + "\n").encode()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    fd = os.open(f"{root}/.fusionpipe/builds.jsonl", flags, 0o644)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def node_line(
    node: str, outcome: str, reason: str, key: str, data: str, record: str, seconds: float
) -> str:
    """What is kept of a node's outcome, as JSON. Written out: `json.dumps` takes five times as long."""
    fields = (
        f'"node": {_quoted(node)}, "outcome": {_quoted(outcome)}, "reason": {_quoted(reason)}, '
        f'"key": {_quoted(key)}, "data": {_quoted(data)}, "record": {_quoted(record)}'
    )
    return f'{{{fields}, "seconds": {round(seconds, 3)!r}}}'


def append_events(root: str, id: str, lines: Iterable[str]) -> None:
    """Adds lines to the file of a build's outcomes. Raises OSError."""
    place = f"{root}/.fusionpipe/builds"
    os.makedirs(place, exist_ok=True)
    with open(f"{place}/{id}.jsonl", "a") as file:
        file.writelines(f"{line}\n" for line in lines)


def new_id(started_ns: int) -> str:
    """A build's id: when it started, and enough chance for two in one second."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(started_ns / 1e9))
    return f"{stamp}-{os.urandom(2).hex()}"
