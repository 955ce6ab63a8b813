"""Tells when main processes end, through one selector or, where the system has no pidfds, threads."""

from __future__ import annotations

import os
import selectors
import signal
import threading
from collections import deque
from contextlib import suppress
from resource import struct_rusage
from typing import NamedTuple, Protocol

_EXIT = b"\xff"  # on the wake-up pipe: no signal has that number


class Ended(NamedTuple):
    """A main process was reaped: its wait status and what it used."""

    pid: int
    status: int
    usage: struct_rusage


class Watch(Protocol):
    """Who notices the end of a main process."""

    def add(self, pid: int) -> None:
        """Begins to watch a child."""

    def take(self, ready: list[int]) -> list[Ended]:
        """Reaps those that ended; `ready` are the descriptors of ours that the selector named."""

    def close(self) -> None:
        """Ceases to watch."""


class PidfdWatch:
    """One descriptor per process in the caller's selector. Linux 5.3 and later."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._pids: dict[int, int] = {}

    def add(self, pid: int) -> None:
        """See `Watch`. Raises OSError (no descriptor left), and then the child is gone."""
        try:
            watched = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)  # nobody would ever notice its end
            os.waitpid(pid, 0)
            raise
        self._pids[watched] = pid
        self._selector.register(watched, selectors.EVENT_READ, None)

    def take(self, ready: list[int]) -> list[Ended]:
        """See `Watch`."""
        return [self._reap(watched) for watched in ready if watched in self._pids]

    def _reap(self, watched: int) -> Ended:
        pid = self._pids.pop(watched)
        self._selector.unregister(watched)
        os.close(watched)
        return Ended(*os.wait4(pid, 0))

    def close(self) -> None:
        """See `Watch`."""
        for watched in self._pids:
            os.close(watched)
        self._pids.clear()


class ThreadWatch:
    """One thread per process that waits for it and then writes to the wake-up pipe."""

    def __init__(self, wake_up: WakeUp) -> None:
        self._wake_up = wake_up
        self._ended: deque[Ended] = deque()

    def add(self, pid: int) -> None:
        """See `Watch`."""
        threading.Thread(target=self._wait, args=(pid,), daemon=True).start()

    def _wait(self, pid: int) -> None:
        self._ended.append(Ended(*os.wait4(pid, 0)))
        self._wake_up.write(_EXIT)

    def take(self, ready: list[int]) -> list[Ended]:
        """See `Watch`."""
        return [self._ended.popleft() for _ in range(len(self._ended))]

    def close(self) -> None:
        """See `Watch`. The threads end with their processes."""


def has_pidfds() -> bool:
    """True if this kernel gives descriptors of processes (containers may forbid it)."""
    if not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


class WakeUp:
    """A pipe that ends a wait early. Writing to it is safe in any thread and any signal handler.

    Once closed nothing is written any more: by then its descriptor may be that of somebody's file.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may interrupt its own thread's holding it
        self._is_open = True
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        os.set_blocking(self.write_fd, False)

    def wake(self) -> None:
        """Ends the present wait, or the next."""
        self.write(b"\0")

    def write(self, byte: bytes) -> None:
        """Makes the reading end readable; `byte` says who did it."""
        with self._lock:
            if self._is_open:
                with suppress(BlockingIOError):  # so many are in it that it wakes anyhow
                    os.write(self.write_fd, byte)

    def drain(self) -> bool:
        """Empties the pipe; true if anyone but a `ThreadWatch` wrote to it."""
        is_woken = False
        while True:
            try:
                data = os.read(self.read_fd, 4096)
            except BlockingIOError:
                return is_woken
            is_woken = is_woken or bool(data.strip(_EXIT))

    def close(self) -> None:
        """Closes both ends."""
        with self._lock:
            self._is_open = False
            os.close(self.read_fd)
            os.close(self.write_fd)
