"""The floor of a Python engine: private directories, hashing and one barrier per 40 ms, and no checks at all.

It is no build tool (an edit goes unseen) and no peer; it says what an engine in Python could reach. What
it does is told in `benchmarks/leanest.py`. Projects are those of fusionpipe.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.fp import Fp
from benchmarks.places import HERE
from benchmarks.work import Work


class Leanest(Fp):
    """As little as can be done in the Python that runs fusionpipe (it needs its blake3)."""

    name = "leanest"
    notices_edits = False

    def program(self) -> Path | None:
        return Path(sys.executable)

    def version(self) -> str:
        return "a floor, no tool: leanest.py"

    def version_command(self) -> Sequence[str]:
        return [self.called(), "-I", "-c", "import blake3, ctypes, threading"]

    def write(self, work: Work, directory: Path) -> None:
        super().write(work, directory)
        shutil.copyfile(HERE / "leanest.py", directory / "leanest.py")
        rows = (
            (node.name, work.kind.interpreter, self.script(node.name, work.kind), *node.parents)
            for node in work.graph
        )
        (directory / "nodes").write_text("".join("\t".join(row) + "\n" for row in rows))

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "-I", "leanest.py", str(work.jobs)]
