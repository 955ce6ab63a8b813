"""Which processes belong to a run besides its main one, and how to signal them.

On Linux this process becomes the reaper of its orphans, so that whatever a run's main process leaves
behind (by `setsid`, by forking twice) becomes our child and is found. Elsewhere only the process group
is known. A process of another run that still goes on is never touched.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol

from fusionpipe.runner import procfs


class Kin(NamedTuple):
    """How the processes of one run are known."""

    marker: str  # the value of FP_RUN in their environment
    main: int  # the main process, which leads their session
    root: str  # the run directory
    since: int  # when the run started, in clock ticks since the boot


class Member(NamedTuple):
    """One process (or, with a negative target, one process group) to signal."""

    target: int  # as for kill(2)
    shown: str


class Families(Protocol):
    """Tells runs' processes apart. Used from one thread."""

    def members(self, kin: Kin, others: Collection[Kin]) -> list[Member]:
        """The processes of a run that goes on, its main one first."""

    def left_behind(self, kin: Kin, others: Collection[Kin]) -> list[Member]:
        """What is still alive of a run whose main process was reaped. Cheap when there is nothing."""

    def reap(self, mains: Collection[int]) -> None:
        """Reaps orphans that have died; never one of `mains`."""

    def close(self) -> None:
        """Ceases to be the reaper of orphans."""


def families() -> Families:
    """The best that this system has."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return OrphanFamilies()
    return GroupFamilies()


def signal_all(members: Iterable[Member], *numbers: int) -> None:
    """Sends signals to each; who has gone, or became another user's, is passed over."""
    for member in members:
        for number in numbers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(member.target, number)


class GroupFamilies:
    """Families as far as every Unix knows them: by process group."""

    def members(self, kin: Kin, others: Collection[Kin]) -> list[Member]:
        """See `Families`."""
        return [Member(-kin.main, f"process group {kin.main}")]

    def left_behind(self, kin: Kin, others: Collection[Kin]) -> list[Member]:
        """See `Families`."""
        try:
            os.kill(-kin.main, 0)
        except (ProcessLookupError, PermissionError):
            return []
        return self.members(kin, others)

    def reap(self, mains: Collection[int]) -> None:
        """See `Families`. Orphans go to init here."""

    def close(self) -> None:
        """See `Families`."""


class OrphanFamilies:
    """Families as Linux knows them: orphans become our children. Raises OSError where they cannot.

    Every child of ours in a session other than ours is taken for a run's: other code of this process
    must not start sessions of its own meanwhile.
    """

    def __init__(self) -> None:
        own = os.getpid()
        # Orphans are given to the first thread of a process. Kept open: one read then tells all.
        self._children = os.open(f"/proc/{own}/task/{own}/children", os.O_RDONLY | os.O_CLOEXEC)
        self._session = os.getsid(0)
        self._before = _set_subreaper(1)

    def members(self, kin: Kin, others: Collection[Kin]) -> list[Member]:
        """See `Families`."""
        pids = [kin.main, *procfs.descendants(kin.main)]
        for orphan in self._orphans({kin.main, *(other.main for other in others)}):
            if _is_surely_of(orphan, kin):
                pids += [orphan.pid, *procfs.descendants(orphan.pid)]
        return list(_members(pids))

    def left_behind(self, kin: Kin, others: Collection[Kin]) -> list[Member]:
        """See `Families`. An orphan that nothing tells the run of is taken for one of this run if it
        began since: better a daemon too few than one that writes into a stored result.
        """
        pids: list[int] = []
        for orphan in self._orphans({other.main for other in others}):
            if _is_of(orphan, kin, others):
                pids += [orphan.pid, *procfs.descendants(orphan.pid)]
        return list(_members(pids))

    def reap(self, mains: Collection[int]) -> None:
        """See `Families`."""
        for _ in self._orphans(mains):
            pass

    def close(self) -> None:
        """See `Families`."""
        _set_subreaper(self._before)
        os.close(self._children)

    def _orphans(self, mains: Collection[int]) -> Iterator[procfs.Process]:
        """Children of ours that were a run's, alive; dead ones are reaped on the way."""
        for pid in self._child_pids():
            if pid in mains:
                continue
            process = procfs.read_process(pid)
            # A child in our own session was started by other code of ours: a run's have left it.
            if process is None or process.session == self._session:
                continue
            if not process.is_dead:
                yield process
            else:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    def _child_pids(self) -> list[int]:
        chunks: list[bytes] = []
        offset = 0
        while chunk := os.pread(self._children, 1 << 16, offset):
            chunks.append(chunk)
            offset += len(chunk)
        return [int(pid) for pid in b"".join(chunks).split()]


def _is_surely_of(process: procfs.Process, kin: Kin) -> bool:
    return process.session == kin.main or procfs.marker(process.pid) == kin.marker


def _is_of(process: procfs.Process, kin: Kin, others: Collection[Kin]) -> bool:
    """Its own marks decide, then where it works; in the end, whether it was not there before."""
    if _is_surely_of(process, kin):
        return True
    if any(_is_surely_of(process, other) for other in others):
        return False
    if procfs.is_inside(process.pid, kin.root):
        return True
    if any(procfs.is_inside(process.pid, other.root) for other in others):
        return False
    return process.started >= kin.since


def _members(pids: Iterable[int]) -> Iterator[Member]:
    for pid in dict.fromkeys(pids):
        process = procfs.read_process(pid)
        if process is not None and not process.is_dead:
            yield Member(pid, f"{process.name} ({pid})")


def _set_subreaper(value: int) -> int:
    """Sets whether orphans become our children; what it was before. Raises OSError."""
    import ctypes  # only builds that run something pay for it

    libc = ctypes.CDLL(None, use_errno=True)
    before = ctypes.c_int(0)
    get, put = 37, 36  # PR_GET_CHILD_SUBREAPER, PR_SET_CHILD_SUBREAPER
    zero = ctypes.c_ulong(0)
    if libc.prctl(get, ctypes.byref(before), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_GET_CHILD_SUBREAPER)")
    if libc.prctl(put, ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    return before.value


def kill_marked(prefix: str) -> tuple[str, ...]:
    """Kills what still runs of a build that died, known by its scratch directory's name.

    For what a killed build left: its runs' markers begin with that name. Says who was killed, as
    "name (pid)". Reads the environment of every process of this user: not for the hot path.
    """
    if sys.platform != "linux":
        return ()
    marked = [
        pid
        for pid in procfs.all_pids()
        if pid != os.getpid() and procfs.marker(pid).startswith(f"{prefix}:")
    ]
    members = list(_members(marked))
    signal_all(members, signal.SIGKILL)
    return tuple(member.shown for member in members)
