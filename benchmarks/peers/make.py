"""GNU make without built-in rules: compares times, rebuilds all below an edit, stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import system_tool
from benchmarks.scripts import node_command, write_plain
from benchmarks.work import Peer, Work, plain_output, plain_script


class Make(Peer):
    """`make -rR`."""

    name = "make"
    most = 100_000

    def program(self) -> Path | None:
        return system_tool("make")

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        lines = ["all: " + " ".join(plain_output(node.name) for node in work.graph)]
        for node in work.graph:
            needs = [plain_script(node.name, work.kind), *map(plain_output, node.parents)]
            lines.append(f"{plain_output(node.name)}: {' '.join(needs)}")
            lines.append("\t" + " ".join(node_command(node.name, work.kind)))
        (directory / "Makefile").write_text("\n".join(lines) + "\n")

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "-rR", "-s", f"-j{work.jobs}"]
