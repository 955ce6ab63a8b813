"""doit: compares digests of declared files, so a comment re-runs one node; stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import tool
from benchmarks.scripts import write_plain, write_table
from benchmarks.work import Peer, Work

_DODO = """\
import json

NODES = json.load(open("nodes.json"))

def task_node():
    for name, command, needs, _, output in NODES:
        yield {"name": name, "actions": [command], "file_dep": needs, "targets": [output]}
"""


class Doit(Peer):
    """`doit` with threads, its faster way of running nodes side by side."""

    name = "doit"
    cuts_off = True

    def program(self) -> Path | None:
        path = tool(self.name, "doit")
        return path if path.exists() else None

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        write_table(work, directory)
        (directory / "dodo.py").write_text(_DODO)

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "run", "-r", "error-only", "-n", str(work.jobs), "-P", "thread"]
