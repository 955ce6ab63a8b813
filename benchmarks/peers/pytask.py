"""pytask: tasks in a loop, digests of declared files; stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import tool
from benchmarks.scripts import write_plain, write_table
from benchmarks.work import Peer, Work

_TASKS = """\
import json
import subprocess
from pathlib import Path

from pytask import task

ROOT = Path(__file__).parent

for name, command, needs, parents, output in json.loads((ROOT / "nodes.json").read_text()):

    @task(id=name)
    def task_node(
        command=command, needs=[ROOT / path for path in needs], produces=ROOT / output
    ):
        subprocess.run(command, cwd=ROOT, check=True)
"""


class Pytask(Peer):
    """`pytask` with threads of pytask-parallel."""

    name = "pytask"
    cuts_off = True
    most = 1_000

    def program(self) -> Path | None:
        path = tool(self.name, "pytask")
        return path if path.exists() else None

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        write_table(work, directory)
        (directory / "task_nodes.py").write_text(_TASKS)
        (directory / "pyproject.toml").write_text("[tool.pytask.ini_options]\n")

    def command(self, work: Work) -> Sequence[str]:
        threads = ["-n", str(work.jobs), "--parallel-backend", "threads"]
        return [self.called(), "build", "--verbose", "0", *threads]
