"""DVC: stages with declared dependencies and outputs, digests, a cache of outputs; one stage at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.places import WORK, environment, tool
from benchmarks.scripts import node_command, write_plain
from benchmarks.work import Peer, Work, plain_output, plain_script


class Dvc(Peer):
    """`dvc repro` and `dvc checkout`, without git, telling nobody about it."""

    name = "dvc"
    caches = True
    cuts_off = True
    most = 100  # 1,000 take more than seven minutes
    most_warm = 1_000

    def program(self) -> Path | None:
        path = tool(self.name, "dvc")
        return path if path.exists() else None

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        lines = ["stages:"]
        for node in work.graph:
            needs = [plain_script(node.name, work.kind), *map(plain_output, node.parents)]
            lines.append(f"  {node.name}:")
            lines.append(f"    cmd: {' '.join(node_command(node.name, work.kind))}")
            lines += ["    deps:", *(f"    - {path}" for path in needs)]
            lines += ["    outs:", f"    - {plain_output(node.name)}"]
        (directory / "dvc.yaml").write_text("\n".join(lines) + "\n")
        self.initialise(directory)

    def initialise(self, directory: Path, *, links: str = "") -> None:
        """Makes a directory DVC's; `links` is how outputs come out of its cache (its default is a copy)."""
        settings = {
            "core.analytics": "false",
            "core.check_update": "false",
            "core.site_cache_dir": str(WORK / "home/dvc-site"),
        }
        if links:
            settings["cache.type"] = links
        self._call(["init", "--no-scm", "--quiet"], directory)
        for name, value in settings.items():
            self._call(["config", name, value], directory)

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "repro", "--quiet"]

    def restore_command(self, work: Work) -> Sequence[str]:
        return [self.called(), "checkout", "--quiet"]

    def adopt_command(self, work: Work) -> Sequence[str]:
        return [self.called(), "commit", "--force", "--quiet"]

    def environment(self) -> Mapping[str, str]:
        return {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(WORK / "home/dvc-site")}

    def _call(self, words: Sequence[str], directory: Path) -> None:
        subprocess.run(
            [self.called(), *words],
            cwd=directory,
            env=environment(self.environment()),
            capture_output=True,
            check=True,
        )
