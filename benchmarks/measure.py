"""What a command costs, as a whole process: wall, CPU of it and its children, peak memory.

Commands that are compared run in turn, A B A B …, so that whatever else the machine does hits all of them;
of each the median is kept. A command that fails is an error, never a figure.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.places import HERE, real_python

Key = TypeVar("Key")

GRACE = 15.0  # seconds between asking a command to end and killing it


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took. Seconds and bytes; `own` is the CPU without children, -1 if unknown."""

    wall: float
    cpu: float
    own: float
    peak: int


@dataclass(frozen=True, slots=True)
class Figure:
    """The medians of some runs, and the quickest and slowest of them."""

    runs: int
    wall: float
    cpu: float
    own: float
    peak: int
    best: float
    worst: float


class CommandFailed(Exception):
    """A measured command ended with something else than 0."""

    def __init__(self, command: Sequence[str], directory: Path, code: int, said: str) -> None:
        super().__init__(command, directory, code, said)
        self.command, self.directory, self.code, self.said = command, directory, code, said

    def __str__(self) -> str:
        return f"{' '.join(self.command)} in {self.directory} ended with {self.code}:\n{self.said}"


class TookTooLong(Exception):
    """A measured command was ended because it had used up its time."""

    def __init__(self, limit: float) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"ended after {self.limit:.0f} s"


def run_once(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    limit: float | None = None,
) -> Cost:
    """Runs a command once; its output is thrown away unless it fails. Raises CommandFailed, TookTooLong."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as answer:
        launcher = [real_python(), "-I", "-S", str(HERE / "launch.py"), str(answer.fileno())]
        launched = subprocess.Popen(
            [*launcher, *command],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            pass_fds=(answer.fileno(),),
            process_group=0,
        )
        _wait(launched, limit)
        answer.seek(0)
        line = answer.read()
        code, wall, cpu, own, peak = json.loads(line)
        if code:
            said.seek(0)
            text = said.read()[-4000:].decode(errors="replace")
            raise CommandFailed(command, directory, code, text)
    return Cost(wall, cpu, own, peak * 1024 if sys.platform == "linux" else peak)


def _wait(launched: subprocess.Popen[bytes], limit: float | None) -> None:
    """Waits for a launcher; ends all of its process group when it takes too long, or we are ended."""
    try:
        # Without a limit this blocks; with one it polls, which costs a core nothing and is not on the clock:
        # the launcher reads that.
        code = launched.wait(limit)
    except BaseException as error:
        _end(launched)
        if isinstance(error, subprocess.TimeoutExpired):
            raise TookTooLong(error.timeout) from error
        raise
    if code:
        raise subprocess.CalledProcessError(code, launched.args)


def _end(launched: subprocess.Popen[bytes]) -> None:
    """First kindly: a build tool has children of its own to end."""
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(launched.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            launched.wait(patience)


def figure(costs: Sequence[Cost]) -> Figure:
    """The medians of at least one run."""
    walls = [cost.wall for cost in costs]
    return Figure(
        runs=len(costs),
        wall=statistics.median(walls),
        cpu=statistics.median(cost.cpu for cost in costs),
        own=statistics.median(cost.own for cost in costs),
        peak=int(statistics.median(cost.peak for cost in costs)),
        best=min(walls),
        worst=max(walls),
    )


def interleave(
    runs: Mapping[Key, Callable[[int], Cost | None]],
    *,
    rounds: int | Mapping[Key, int],
    heard: Callable[[Key, Figure], None] = lambda key, figure: None,
) -> dict[Key, Figure]:
    """Calls each with the round's number, in turn, `rounds` times (or its own); None means it dropped out.

    Who has fewer rounds joins late: slow ones are not to stand between the turns of the others, and what
    most wait for is known first. After each run `heard` is told what is known of it so far.
    """
    due = dict.fromkeys(runs, rounds) if isinstance(rounds, int) else dict(rounds)
    costs: dict[Key, list[Cost]] = {key: [] for key in runs}
    most = max(due.values(), default=0)
    gone: set[Key] = set()
    for number in range(most):
        for key, run in runs.items():
            if key in gone or number < most - due[key]:
                continue
            cost = run(number)
            if cost is None:
                gone.add(key)
                continue
            costs[key].append(cost)
            heard(key, figure(costs[key]))
    return {key: figure(each) for key, each in costs.items() if each}
