"""What is to be built, and what a peer has to be to build it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from benchmarks.graph import Graph
from benchmarks.places import environment, real_python


class Kind(StrEnum):
    """What the nodes are written in."""

    SH = "sh"
    PYTHON = "python"

    @property
    def suffix(self) -> str:
        return "sh" if self is Kind.SH else "py"

    @property
    def interpreter(self) -> str:
        return "/bin/sh" if self is Kind.SH else real_python()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be built. `witness` is a file to which each run appends its node's name: never when measured."""

    graph: Graph
    kind: Kind
    jobs: int = 2
    witness: Path | None = None


class Peer(Protocol):
    """A build tool, and the project it needs to build a `Work`. The defaults are those of a tool like make.

    Commands are called in the project's directory. Paths it gives are relative to that.
    """

    name: str
    caches: bool = False  # outputs that were wiped come back without a run
    cuts_off: bool = False  # an output that is as before stops the rebuild there
    is_incremental: bool = True  # it runs only what has changed
    notices_edits: bool = True  # false for a floor that only looks whether all is there
    misses_same_second: bool = False  # an edit in the second of the last build goes unseen
    most: int = 10_000  # nodes: a cold build of more takes longer than some minutes
    most_warm: int = 0  # if larger: so many it can take over when others have built them

    def program(self) -> Path | None:
        """What is called; None if it is not installed."""
        ...

    def write(self, work: Work, directory: Path) -> None:
        """Writes the project into an empty directory."""
        ...

    def command(self, work: Work) -> Sequence[str]:
        """Builds everything."""
        ...

    def restore_command(self, work: Work) -> Sequence[str]:
        """Brings back outputs that were wiped."""
        return self.command(work)

    def adopt_command(self, work: Work) -> Sequence[str]:
        """Takes over outputs that are there as if it had built them, if `most_warm` says it can."""
        return self.command(work)

    def version_command(self) -> Sequence[str]:
        """The least it can do."""
        return [self.called(), "--version"]

    def environment(self) -> Mapping[str, str]:
        """What it needs in the environment."""
        return {}

    def script(self, node: str, kind: Kind) -> str:
        """Where a node's script lies."""
        return plain_script(node, kind)

    def output(self, node: str) -> str:
        """Where a node's output lies."""
        return plain_output(node)

    def is_available(self) -> bool:
        """Whether it is installed."""
        return self.program() is not None

    def called(self) -> str:
        """The program's path, which must be there."""
        program = self.program()
        assert program is not None, f"{self.name} is not installed"
        return str(program)

    def version(self) -> str:
        """What it says of itself."""
        done = subprocess.run(
            self.version_command(),
            env=environment(self.environment()),
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout.strip() or done.stderr.strip()
        return said.splitlines()[0] if said else "unknown"


def plain_script(node: str, kind: Kind) -> str:
    """Where the scripts lie for tools that leave that to the user."""
    return f"code/{node}.{kind.suffix}"


def plain_output(node: str) -> str:
    """Where the outputs go for tools that leave that to the user."""
    return f"out/{node}.txt"
