"""The floor: nothing but starting each node's process in order, so many at a time. No tool can be faster for long.

It knows no up-to-date, checks exit codes, and starts a node once its parents have ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import real_python
from benchmarks.scripts import node_command, write_plain
from benchmarks.work import Peer, Work

_PROGRAM = """\
import os
import sys

def main(slots):
    running, done = {}, set()
    waiting = [line.rstrip("\\n").split("\\t") for line in open("nodes")]
    waiting.reverse()
    while waiting or running:
        while waiting and len(running) < slots and done.issuperset(waiting[-1][3:]):
            name, program, argument, *_ = waiting.pop()
            running[os.posix_spawn(program, [program, argument], os.environ)] = name
        pid, status = os.wait()
        if status:
            sys.exit(f"{running[pid]} ended with {os.waitstatus_to_exitcode(status)}")
        done.add(running.pop(pid))

main(int(sys.argv[1]))
"""


class Floor(Peer):
    """Bare process spawns."""

    name = "floor"
    is_incremental = False
    most = 100_000

    def program(self) -> Path | None:
        return Path(real_python())

    def version(self) -> str:
        return "posix_spawn from a bare Python"

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        rows = ((n.name, *node_command(n.name, work.kind), *n.parents) for n in work.graph)
        (directory / "nodes").write_text("".join("\t".join(row) + "\n" for row in rows))
        (directory / "floor.py").write_text(_PROGRAM)

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "-I", "-S", "floor.py", str(work.jobs)]
