"""fusionpipe: a directory a node, declared parents, results in a store and linked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import real_python
from benchmarks.scripts import script_text
from benchmarks.work import Kind, Peer, Work


class Fp(Peer):
    """`fp build`, the one of the environment that runs the benchmarks."""

    name = "fp"
    caches = True
    cuts_off = True
    most = 100_000

    def program(self) -> Path | None:
        path = Path(sys.executable).parent / "fp"
        return path if path.exists() else None

    def write(self, work: Work, directory: Path) -> None:
        write_root(directory, work.jobs)
        for number, node in enumerate(work.graph):
            (directory / node.name / "code").mkdir(parents=True)
            if node.parents:
                names = ", ".join(f'"{parent}"' for parent in node.parents)
                (directory / node.name / "node.toml").write_text(f"parents = [{names}]\n")
            reads = [f"../parents/{parent}/out.txt" for parent in node.parents]
            text = script_text(work, node.name, number + 1, reads, "../data/out.txt")
            (directory / self.script(node.name, work.kind)).write_text(text)

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "build"]

    def script(self, node: str, kind: Kind) -> str:
        return f"{node}/code/main.{kind.suffix}"

    def output(self, node: str) -> str:
        return f"{node}/data/out.txt"


def write_root(directory: Path, jobs: int) -> None:
    """The project's own file: a fixed interpreter, and as many nodes at once as everybody else."""
    text = f'jobs = {jobs}\n\n[defaults]\npython = "{real_python()}"\n'
    (directory / "fusionpipe.toml").write_text(text)
