"""What Linux tells of processes in /proc. Reads only; a process that has gone is None or nothing."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import NamedTuple

MARKER = "FP_RUN"
"""The variable by which a process is known to belong to a run."""


class Process(NamedTuple):
    """One process. `started` counts clock ticks since the boot."""

    pid: int
    name: str
    state: str
    session: int
    started: int

    @property
    def is_dead(self) -> bool:
        """True for a zombie, which only waits to be reaped."""
        return self.state in "ZX"


def read_process(pid: int) -> Process | None:
    """A process by its id."""
    data = _read(f"/proc/{pid}/stat")
    if not data:
        return None
    # The name is in parentheses and may hold spaces and parentheses itself.
    name = data[data.index(b"(") + 1 : data.rindex(b")")].decode("utf-8", "replace")
    fields = data[data.rindex(b")") + 2 :].split()
    return Process(pid, name, fields[0].decode(), int(fields[3]), int(fields[19]))


def children(pid: int) -> list[int]:
    """The ids of a process's children, of all its threads."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        found.extend(map(int, _read(f"/proc/{pid}/task/{thread}/children").split()))
    return found


def descendants(pid: int) -> Iterator[int]:
    """The ids of a process's children, their children, and so on."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def marker(pid: int) -> str:
    """The run that a process was started in, as its environment says; "" if it says nothing."""
    for variable in _read(f"/proc/{pid}/environ").split(b"\0"):
        name, _, value = variable.partition(b"=")
        if name == MARKER.encode():
            return value.decode("utf-8", "replace")
    return ""


def is_inside(pid: int, directory: str) -> bool:
    """True if a process works in a directory or below, or has a file open there."""
    links = [f"/proc/{pid}/cwd", f"/proc/{pid}/root"]
    with contextlib.suppress(OSError):
        links.extend(f"/proc/{pid}/fd/{number}" for number in os.listdir(f"/proc/{pid}/fd"))
    return any(f"{_read_link(link)}/".startswith(f"{directory}/") for link in links)


def all_pids() -> list[int]:
    """The id of every process that can be seen."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def now_in_ticks() -> int:
    """The present, as `Process.started` counts: seconds since the boot, suspended ones too."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def _read(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        chunks = []
        while chunk := os.read(file, 1 << 16):
            chunks.append(chunk)
        return b"".join(chunks)
    except OSError:  # it ended between open and read
        return b""
    finally:
        os.close(file)


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
