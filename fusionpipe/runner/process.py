"""Starts, watches, stops and reaps the processes of runs. It knows no keys, no plan, and no store.

One thread uses it: the one that decides. Only `wake` (and a byte written to `wake_fd`) may come from
elsewhere. A run is over when its main process and everything that came from it are gone; until then it
is still running, for what survives could write into a result.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from fusionpipe.model import NodeName
from fusionpipe.runner import log, procfs
from fusionpipe.runner.exits import Ended, PidfdWatch, ThreadWatch, WakeUp, Watch, has_pidfds
from fusionpipe.runner.family import Families, Kin, Member, families, signal_all
from fusionpipe.runner.output import Output
from fusionpipe.runner.run import Exited, Run
from fusionpipe.runner.rundir import RunDirectories, RunDirectory
from fusionpipe.runner.spawn import NotStarted, spawn

__all__ = ["Exited", "ProcessRunner", "Run"]

_PATIENCE = 0.05  # what ends with its parent gets to notice: multiprocessing's own watcher does
_SHORT_GRACE = 0.5  # what stragglers get between TERM and KILL
_GIVE_UP = (
    10.0  # a process that does not die of KILL hangs in the kernel; waiting longer is no help
)
_FIRST_LOOK = 0.001  # most die at once; then the pauses double
_LONGEST_PAUSE = 0.05
_REAP_EVERY = 5.0  # dead daemons of a long run should not pile up


class _Live:
    """A run that is not over."""

    def __init__(
        self,
        run: Run,
        rundir: RunDirectory,
        kin: Kin,
        process: subprocess.Popen[bytes],
        output: Output,
        began: float,
    ) -> None:
        self.run = run
        self.rundir = rundir
        self.kin = kin
        self.process = process
        self.output = output
        self.began = began
        self.is_stopped: bool = False
        self.kill_at: float | None = None  # when to go from TERM to KILL
        self.look_at: float | None = None  # when to look again what is left
        self.pause: float = _FIRST_LOOK
        self.give_up_at: float | None = None
        self.ended: Ended | None = None
        self.seconds: float = 0.0
        self.patient_until: float = 0.0
        self.stragglers: dict[int, str] = {}


class ProcessRunner:
    """The processes of one build. `grace` is the time between TERM and KILL when a run is stopped."""

    def __init__(
        self,
        rundirs: RunDirectories,
        *,
        grace: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pidfds: bool | None = None,
    ) -> None:
        self._rundirs = rundirs
        self._grace = grace
        self._clock = clock
        self._wall = wall
        self._selector = selectors.DefaultSelector()
        self._wake_up = WakeUp()
        self._selector.register(self._wake_up.read_fd, selectors.EVENT_READ, None)
        self._watch: Watch = (
            PidfdWatch(self._selector)
            if (has_pidfds() if pidfds is None else pidfds)
            else ThreadWatch(self._wake_up)
        )
        self._families: Families | None = None
        self._live: dict[int, _Live] = {}  # by main process
        self._pipes: dict[int, _Live] = {}  # by output pipe
        self._over: list[Exited] = []
        self._started = 0
        self._reaped_at = clock()

    @property
    def wake_fd(self) -> int:
        """A non-blocking descriptor fit for `signal.set_wakeup_fd`: any byte ends a wait."""
        return self._wake_up.write_fd

    @property
    def running(self) -> Sequence[NodeName]:
        """The nodes whose runs are not over, in the order they were started."""
        return [live.run.node for live in self._live.values()]

    def wake(self) -> None:
        """Ends the present wait, or the next. From any thread."""
        self._wake_up.wake()

    # -- starting -----------------------------------------------------------------------------
    def start(self, run: Run) -> RunDirectory:
        """Lays out and starts a run; its directory. Raises OSError if the disk does not allow it.

        A command that cannot be started is over at once, with exit code 127 or 126 and the reason in its
        log.
        """
        if self._families is None:
            self._families = families()
        rundir = self._rundirs.acquire()
        try:
            rundir.lay(run.layout)
            output = Output(run, rundir, self._wall())
            self._spawn(run, rundir, output)
        except OSError:
            self._rundirs.recycle(rundir)
            raise
        return rundir

    def _spawn(self, run: Run, rundir: RunDirectory, output: Output) -> None:
        self._started += 1
        marker = f"{self._rundirs.scratch.name}:{self._started}"
        environment = run.environment_at(rundir.path, rundir.tmp)
        environment[procfs.MARKER] = marker
        since = procfs.now_in_ticks() if sys.platform == "linux" else 0
        began = self._clock()
        process = spawn(run.argv, environment, rundir.code, output.for_child)
        output.leave_to_child()
        if isinstance(process, NotStarted):
            self._over.append(_not_started(run, rundir, output, process))
            return
        try:
            self._watch.add(process.pid)
        except OSError:
            process.returncode = -signal.SIGKILL
            output.close(b"")
            raise
        kin = Kin(marker, process.pid, str(rundir.path), since)
        self._live[process.pid] = live = _Live(run, rundir, kin, process, output, began)
        if output.pipe is not None:
            self._pipes[output.pipe] = live
            self._selector.register(output.pipe, selectors.EVENT_READ, None)

    # -- waiting ------------------------------------------------------------------------------
    def wait(self, timeout: float | None = None) -> list[Exited]:
        """The runs that are over, as soon as there is one; empty when woken or out of time.

        With nothing running and no timeout it waits to be woken.
        """
        deadline = None if timeout is None else self._clock() + timeout
        is_woken = False
        while not self._over and not is_woken:
            is_woken = self._wait_once(deadline)
            if deadline is not None and self._clock() >= deadline:
                break
        over, self._over = self._over, []
        return over

    def _wait_once(self, deadline: float | None) -> bool:
        """Handles what happens next; true if somebody woke us."""
        ready = [key.fd for key, _ in self._selector.select(self._until_next(deadline))]
        is_woken = self._wake_up.read_fd in ready and self._wake_up.drain()
        for pipe in ready:
            if pipe in self._pipes and not self._pipes[pipe].output.take_over():
                self._forget_pipe(pipe)
        for ended in self._watch.take(ready):
            self._main_ended(self._live[ended.pid], ended)
        self._do_what_is_due()
        return is_woken

    def _until_next(self, deadline: float | None) -> float | None:
        times = [deadline] if deadline is not None else []
        for live in self._live.values():
            times.extend(at for at in (live.look_at, live.kill_at) if at is not None)
        if self._live:
            times.append(self._reaped_at + _REAP_EVERY)
        return max(0.0, min(times) - self._clock()) if times else None

    def _do_what_is_due(self) -> None:
        now = self._clock()
        for live in list(self._live.values()):
            if live.kill_at is not None and now >= live.kill_at and live.ended is None:
                live.kill_at = now + _LONGEST_PAUSE  # what it forked meanwhile gets the next one
                signal_all(self._members(live), signal.SIGKILL)
            if live.look_at is not None and now >= live.look_at:
                self._look(live)
        if now >= self._reaped_at + _REAP_EVERY and self._families is not None:
            self._reaped_at = now
            self._families.reap(self._live)

    # -- ending -------------------------------------------------------------------------------
    def _main_ended(self, live: _Live, ended: Ended) -> None:
        now = self._clock()
        live.ended = ended
        live.seconds = now - live.began
        live.process.returncode = os.waitstatus_to_exitcode(ended.status)
        live.patient_until = now if live.is_stopped else now + _PATIENCE
        live.give_up_at = now + _SHORT_GRACE + _GIVE_UP
        live.kill_at = min(now + _SHORT_GRACE, live.kill_at or now + _SHORT_GRACE)
        self._look(live)

    def _look(self, live: _Live) -> None:
        """Signals what is left of an ended run: TERM to who is new, KILL when the time is up."""
        assert self._families is not None
        assert live.kill_at is not None
        assert live.give_up_at is not None
        left = self._families.left_behind(live.kin, self._others(live))
        now = self._clock()
        if not left or now >= live.give_up_at:
            self._finish(live)
            return
        if now < live.patient_until:
            self._look_again(live, now)
            return
        new = [member for member in left if member.target not in live.stragglers]
        live.stragglers.update(new)
        if now >= live.kill_at:
            signal_all(left, signal.SIGKILL)
        else:
            signal_all(new, signal.SIGTERM, signal.SIGCONT)
        self._look_again(live, now)

    def _look_again(self, live: _Live, now: float) -> None:
        live.look_at = now + live.pause
        live.pause = min(live.pause * 2, _LONGEST_PAUSE)

    def _finish(self, live: _Live) -> None:
        """The run is over: completes its log and hands it out."""
        del self._live[live.kin.main]
        if live.output.pipe is not None:
            self._forget_pipe(live.output.pipe)
        exited = _exited(live)
        live.output.close(log.foot(exited))
        with contextlib.suppress(OSError):  # a full disk, which publishing will meet
            live.rundir.settle_outputs()
        self._over.append(exited)

    def _forget_pipe(self, pipe: int) -> None:
        if self._pipes.pop(pipe, None) is not None:
            self._selector.unregister(pipe)

    # -- stopping -----------------------------------------------------------------------------
    def stop(self, node: NodeName) -> None:
        """Asks a node's processes to end, and ends them after the grace. `wait` does it, and tells."""
        for live in list(self._live.values()):
            if live.run.node == node:
                self._stop(live, now=False)

    def stop_all(self, *, now: bool = False) -> None:
        """Stops every run; with `now` without grace."""
        for live in list(self._live.values()):
            self._stop(live, now=now)

    def _stop(self, live: _Live, *, now: bool) -> None:
        at = self._clock()
        if live.ended is not None:  # it is ending anyhow; its exit stands
            live.kill_at = at if now else live.kill_at
            return
        if now:
            live.kill_at = at
            signal_all(self._members(live), signal.SIGKILL)
        elif not live.is_stopped:
            live.kill_at = at + self._grace
            signal_all(self._members(live), signal.SIGTERM, signal.SIGCONT)
        live.is_stopped = True

    def _members(self, live: _Live) -> list[Member]:
        assert self._families is not None
        return self._families.members(live.kin, self._others(live))

    def _others(self, live: _Live) -> list[Kin]:
        return [other.kin for other in self._live.values() if other is not live]

    def close(self) -> None:
        """Kills what still runs, without waiting for a log's foot, and gives back what it holds."""
        self.stop_all(now=True)
        while self._live:
            self._wait_once(None)
        self._over.clear()
        if self._families is not None:
            self._families.close()
        self._watch.close()
        self._selector.close()
        self._wake_up.close()


def _not_started(run: Run, rundir: RunDirectory, output: Output, failure: NotStarted) -> Exited:
    exited = Exited(run.node, run, rundir, failure.code, None, 0.0, 0.0, 0)
    output.close(f"{failure.why}\n".encode("utf-8", "replace") + log.foot(exited))
    return exited


def _exited(live: _Live) -> Exited:
    assert live.ended is not None
    status, usage = live.ended.status, live.ended.usage
    by_signal = os.WIFSIGNALED(status)
    return Exited(
        node=live.run.node,
        run=live.run,
        rundir=live.rundir,
        code=None if by_signal else os.WEXITSTATUS(status),
        signal=os.WTERMSIG(status) if by_signal else None,
        seconds=live.seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * (1024 if sys.platform == "linux" else 1),
        stragglers=tuple(live.stragglers.values()),
        is_stopped=live.is_stopped,
    )
