"""Nx: a project per node, keyed by its script and its parents' output files, a local cache of outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.graph import Node
from benchmarks.places import tool
from benchmarks.scripts import node_command, write_plain
from benchmarks.work import Kind, Peer, Work, plain_output, plain_script


class Nx(Peer):
    """`nx run-many`, without its daemon: the other tools have none either."""

    name = "nx"
    caches = True
    cuts_off = True
    most = 1_000

    def program(self) -> Path | None:
        path = tool(self.name, "nx")
        return path if path.exists() else None

    def version(self) -> str:
        return str(json.loads((self._modules() / "nx/package.json").read_text())["version"])

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        (directory / "node_modules").symlink_to(self._modules())
        package = {"name": "bench", "private": True, "devDependencies": {"nx": self.version()}}
        (directory / "package.json").write_text(json.dumps(package))
        (directory / "nx.json").write_text(json.dumps({"analytics": False}))
        (directory / ".gitignore").write_text("node_modules\nout\n.nx\n")
        for node in work.graph:
            place = directory / "nodes" / node.name
            place.mkdir(parents=True)
            (place / "project.json").write_text(json.dumps(_project(node, work.kind)))

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "run-many", "-t", "build", f"--parallel={work.jobs}"]

    def environment(self) -> Mapping[str, str]:
        return {"NX_DAEMON": "false", "NX_NO_CLOUD": "true", "NX_TUI": "false", "CI": "true"}

    def _modules(self) -> Path:
        return Path(self.called()).parent.parent


def _project(node: Node, kind: Kind) -> dict[str, object]:
    script = f"{{workspaceRoot}}/{plain_script(node.name, kind)}"
    build = {
        "command": " ".join(node_command(node.name, kind)),
        "dependsOn": ["^build"],
        "inputs": [script, {"dependentTasksOutputFiles": "**/*.txt"}],
        "outputs": [f"{{workspaceRoot}}/{plain_output(node.name)}"],
        "cache": True,
    }
    return {
        "name": node.name,
        "implicitDependencies": list(node.parents),
        "targets": {"build": build},
    }
