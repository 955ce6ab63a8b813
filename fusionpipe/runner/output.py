"""Where the output of a run goes: straight into its log, or through a mask when the run has secrets.

A full disk loses lines of a log here and nothing else: publishing the result will meet it and say so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from fusionpipe.runner import log
from fusionpipe.runner.run import Run
from fusionpipe.runner.rundir import RunDirectory

if TYPE_CHECKING:
    from fusionpipe.runner.mask import Mask

_PIPE_SIZE = 1 << 20  # room for output while the deciding thread does other things


class _Masked(NamedTuple):
    pipe: int
    mask: Mask


class Output:
    """The log of one run, with its head; `for_child` is what the run writes to."""

    __slots__ = ("_log", "_masked", "_rundir", "for_child")

    def __init__(self, run: Run, rundir: RunDirectory, at: float) -> None:
        """Opens the log. Raises OSError."""
        self._rundir = rundir
        self._log = log.open_log(rundir)
        self._masked: _Masked | None = None
        self.for_child = self._log
        try:
            log.write_all(self._log, log.head(run, at))
            if any(run.secrets.values()):
                self._open_pipe(run)
        except OSError:
            os.close(self._log)
            raise

    def _open_pipe(self, run: Run) -> None:
        from fusionpipe.runner.mask import Mask  # slow to import, and few runs have secrets

        pipe, self.for_child = os.pipe()
        os.set_blocking(pipe, False)
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # more than this user may have
                fcntl.fcntl(self.for_child, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        self._masked = _Masked(pipe, Mask(run.secrets.values()))

    @property
    def pipe(self) -> int | None:
        """What to read when there is something to be masked; None when nothing is masked."""
        return self._masked.pipe if self._masked is not None else None

    def leave_to_child(self) -> None:
        """To be called once the child has its end."""
        if self._masked is not None:
            os.close(self.for_child)

    def take_over(self) -> bool:
        """Masks and logs what came through the pipe; false when the run can write no more."""
        assert self._masked is not None
        try:
            data = os.read(self._masked.pipe, _PIPE_SIZE)
        except BlockingIOError:
            return True
        self._write(self._masked.mask.feed(data))
        return bool(data)

    def close(self, last_lines: bytes) -> None:
        """Takes over what there still is, and ends the log."""
        if self._masked is not None:
            self._drain(self._masked)
        with contextlib.suppress(OSError):
            log.close_log(self._rundir, self._log, last_lines)

    def _drain(self, masked: _Masked) -> None:
        with contextlib.suppress(BlockingIOError):  # one that does not even die of KILL has it open
            while data := os.read(masked.pipe, _PIPE_SIZE):
                self._write(masked.mask.feed(data))
        self._write(masked.mask.finish())
        os.close(masked.pipe)

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            log.write_all(self._log, data)
