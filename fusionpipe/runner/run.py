"""One execution of one node: what is asked for, and how it ended. Facts; nothing here acts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from fusionpipe.model import NodeName
from fusionpipe.runner.environment import place_environment
from fusionpipe.runner.layout import Layout
from fusionpipe.runner.rundir import RunDirectory


class Run(NamedTuple):
    """What to run, and in what surroundings.

    `argv[0]` is an absolute path, a command on the node's PATH, or a path from code/. `environment` comes
    from `base_environment`. `shown` is the command line as the user would type it. `named` is the node's
    name for nodes that may see it. `extra` are further variables; `{run}` in a value stands for the
    run directory. `secrets` are the names and values to keep out of the log.
    """

    node: NodeName
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    layout: Layout
    shown: str
    seed: int = 0
    named: str | None = None
    secrets: Mapping[str, str] = {}
    extra: Mapping[str, str] = {}

    def environment_at(self, root: Path, tmp: Path) -> dict[str, str]:
        """The whole environment of this run when its directory is `root`, secrets included."""
        extra = {name: text.replace("{run}", str(root)) for name, text in self.extra.items()}
        base = {**self.environment, **extra, **self.secrets}
        theirs = self.environment.get("PYTHONPATH")
        if theirs and "PYTHONPATH" in extra:
            base["PYTHONPATH"] = f"{extra['PYTHONPATH']}:{theirs}"
        return place_environment(base, root, self.layout, seed=self.seed, node=self.named, tmp=tmp)


class Exited(NamedTuple):
    """A run is over: its process and all that it left behind are gone, its log is complete.

    Exactly one of `code` and `signal` is set. `peak_bytes` is an upper bound for small processes: the
    kernel counts the moment before a new process loads its program, when it still is a copy of us.
    `stragglers` are what had to be killed after the main process ended, as "name (pid)". `is_stopped`
    is true when we were asked to stop it.
    """

    node: NodeName
    run: Run
    rundir: RunDirectory
    code: int | None
    signal: int | None
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    stragglers: tuple[str, ...] = ()
    is_stopped: bool = False

    @property
    def is_ok(self) -> bool:
        """True for exit 0."""
        return self.code == 0

    @property
    def shell_code(self) -> int:
        """The exit code as a shell tells it: 128 + n for a signal n."""
        return self.code if self.code is not None else 128 + (self.signal or 0)
