"""What a command costs, as a whole process: wall, CPU of it and its children, peak memory.

Commands that are compared run in turn, A B A B …, so that whatever else the machine does hits all of them;
of each the median is kept. A command that fails is an error, never a figure.
"""

from __future__ import annotations

import json
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


def run_once(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Cost:
    """Runs a command once; its output is thrown away unless it fails. Raises CommandFailed."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as answer:
        launcher = [real_python(), "-I", "-S", str(HERE / "launch.py"), str(answer.fileno())]
        subprocess.run(
            [*launcher, *command],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            pass_fds=(answer.fileno(),),
            check=True,
        )
        answer.seek(0)
        line = answer.read()
        code, wall, cpu, own, peak = json.loads(line)
        if code:
            said.seek(0)
            text = said.read()[-4000:].decode(errors="replace")
            raise CommandFailed(command, directory, code, text)
    return Cost(wall, cpu, own, peak * 1024 if sys.platform == "linux" else peak)


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
    rounds: int,
    patience: float = float("inf"),
) -> dict[Key, Figure]:
    """Calls each with the round's number, in turn, `rounds` times; None means it dropped out.

    Whoever has used up `patience` seconds of wall time is left out of further rounds: its figure says
    how many runs it stands for.
    """
    costs: dict[Key, list[Cost]] = {key: [] for key in runs}
    gone: set[Key] = set()
    for number in range(rounds):
        for key, run in runs.items():
            if key in gone:
                continue
            cost = run(number)
            if cost is None:
                gone.add(key)
                continue
            costs[key].append(cost)
            if sum(each.wall for each in costs[key]) > patience:
                gone.add(key)
    return {key: figure(each) for key, each in costs.items() if each}
