"""When a `stat` may stand for a file's bytes: fingerprints of users' files, and the racy rule.

A file written twice within one clock tick of its file system can keep its fingerprint. So one is only
trusted if it is older, by a margin, than the time that file system gives to something written now: a
probe file (git's racy rule, see its racy-git.adoc). The stored trees have their own stamps (seal.py).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from fusionstore.filesystem import PRECISE, magic_number

PRECISE_MARGIN_NS = 10_000_000
COARSE_MARGIN_NS = 2_000_000_000
_SETTLE_STEP = 0.002


class Fingerprint(NamedTuple):
    """What tells that a user's file was not touched."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int


def fingerprint(status: os.stat_result) -> Fingerprint:
    """The fingerprint of what `stat` saw."""
    return Fingerprint(
        status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev
    )


def is_older(of: Fingerprint, probe_ns: int, *, precise: bool) -> bool:
    """True if any later change to the file must show in its fingerprint.

    A precise file system sets ctime at every change, so a faked or future mtime does not matter there;
    elsewhere both times have to be past, by a wide margin.
    """
    if precise:
        return of.ctime_ns < probe_ns - PRECISE_MARGIN_NS
    return max(of.ctime_ns, of.mtime_ns) < probe_ns - COARSE_MARGIN_NS


class Clock(Protocol):
    """Says which fingerprints may be trusted."""

    def is_settled(self, of: Fingerprint) -> bool: ...


class ProbeClock:
    """The clock of the file system that holds `directory`, read by writing a probe file there.

    The probe is written again only when an answer could depend on it. Any thread may ask.
    """

    def __init__(
        self,
        directory: Path,
        *,
        precise: bool | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`precise` tells whether the file system's times are exact; None finds out when first needed."""
        self._path = f"{directory}/.probe-{os.getpid()}"
        self._directory = str(directory)
        self._precise = precise
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._probe_ns = 0
        self._asked_ns = 0

    def is_settled(self, of: Fingerprint) -> bool:
        """True if the fingerprint is old enough to stand for the file's bytes."""
        with self._lock:
            if self._is_older(of):
                return True
            # within one millisecond the probe could not say anything new
            if self._now_ns() - self._asked_ns < 1_000_000:
                return False
            try:
                self._write_probe()
            except OSError:
                self._probe_ns = 0  # a full disk: without a clock nothing is trusted
            return self._is_older(of)

    def settle(self, of: Fingerprint, *, at_most: float = 3.0) -> bool:
        """Blocks until a fingerprint of now is old enough; False if it is not after `at_most` seconds."""
        end = time.monotonic() + at_most
        while not self.is_settled(of):
            if time.monotonic() >= end or not self._probe_ns:
                return False
            time.sleep(_SETTLE_STEP)
        return True

    def close(self) -> None:
        """Removes the probe."""
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            return

    def _is_older(self, of: Fingerprint) -> bool:
        return self._probe_ns > 0 and is_older(of, self._probe_ns, precise=self._is_precise())

    def _is_precise(self) -> bool:
        if self._precise is None:
            self._precise = magic_number(self._directory) in PRECISE
        return self._precise

    def _write_probe(self) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, b"probe", 0)
            self._probe_ns = os.fstat(fd).st_mtime_ns
        finally:
            os.close(fd)
        self._asked_ns = self._now_ns()
