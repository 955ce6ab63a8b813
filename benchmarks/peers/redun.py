"""redun: a task per node, remembered by its arguments; files compared by content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.places import tool
from benchmarks.scripts import write_plain, write_table
from benchmarks.work import Peer, Work

_WORKFLOW = """\
import json
import subprocess
from pathlib import Path

from redun import task
from redun.file import ContentFile

redun_namespace = "bench"


@task()
def node(command: list, needs: list, parents: list, output: str) -> ContentFile:
    subprocess.run(command, check=True)
    return ContentFile(output)


@task(cache=False)
def main() -> list:
    results = {}
    for name, command, needs, parents, output in json.loads(Path("nodes.json").read_text()):
        inputs = [results[parent] for parent in parents]
        results[name] = node(command, [ContentFile(needs[0])], inputs, output)
    return list(results.values())
"""


class Redun(Peer):
    """`redun run` with its local threads."""

    name = "redun"
    cuts_off = True
    most = 1_000

    def program(self) -> Path | None:
        path = tool(self.name, "redun")
        return path if path.exists() else None

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        write_table(work, directory)
        (directory / "workflow.py").write_text(_WORKFLOW)
        settings = "[backend]\ndb_uri = sqlite:///redun.db\n\n"
        settings += f"[executors.default]\ntype = local\nmax_workers = {work.jobs}\n"
        (directory / ".redun").mkdir()
        (directory / ".redun/redun.ini").write_text(settings)

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "run", "workflow.py", "main"]

    def environment(self) -> Mapping[str, str]:
        return {"REDUN_USER": "bench"}
