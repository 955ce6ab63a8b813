"""tup: watches what each command reads and writes through a file system of its own (FUSE); stores nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import environment, system_tool
from benchmarks.scripts import write_plain
from benchmarks.work import Peer, Work, plain_output, plain_script


class Tup(Peer):
    """`tup`, where it can mount."""

    name = "tup"
    misses_same_second = True
    cuts_off = True  # the `^o^` flag: outputs that are as before stop there

    def program(self) -> Path | None:
        can_mount = os.access("/dev/fuse", os.R_OK | os.W_OK) and system_tool("fusermount3")
        return system_tool("tup") if can_mount else None

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        run = work.kind.interpreter
        lines = []
        for node in work.graph:
            needs = " | " + " ".join(map(plain_output, node.parents)) if node.parents else ""
            script, output = plain_script(node.name, work.kind), plain_output(node.name)
            lines.append(f": {script}{needs} |> ^o^ {run} %f |> {output}")
        (directory / "Tupfile").write_text("\n".join(lines) + "\n")
        subprocess.run(
            [self.called(), "init"],
            cwd=directory,
            env=environment(),
            capture_output=True,
            check=True,
        )

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), f"-j{work.jobs}"]
