"""Ninja: compares times and command lines, rebuilds all below an edit, stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import system_tool
from benchmarks.scripts import write_plain
from benchmarks.work import Peer, Work, plain_output, plain_script


class Ninja(Peer):
    """`ninja`, one rule for all nodes."""

    name = "ninja"
    most = 100_000

    def program(self) -> Path | None:
        return system_tool("ninja")

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        lines = ["rule node", f"  command = {work.kind.interpreter} $in"]
        for node in work.graph:
            needs = " | " + " ".join(map(plain_output, node.parents)) if node.parents else ""
            script = plain_script(node.name, work.kind)
            lines.append(f"build {plain_output(node.name)}: node {script}{needs}")
        (directory / "build.ninja").write_text("\n".join(lines) + "\n")

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "--quiet", f"-j{work.jobs}"]
