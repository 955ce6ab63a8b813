"""Snakemake: one rule with a wildcard, its default triggers; rebuilds all below an edit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import tool
from benchmarks.scripts import write_plain
from benchmarks.work import Peer, Work

_SNAKEFILE = """\
import json

with open("nodes.json") as file:
    PARENTS = json.load(file)

rule all:
    input: expand("out/{{node}}.txt", node=PARENTS)

rule node:
    input:
        script="code/{{node}}.{suffix}",
        parents=lambda wildcards: [f"out/{{name}}.txt" for name in PARENTS[wildcards.node]],
    output: "out/{{node}}.txt"
    shell: "{interpreter} {{input.script}}"
"""


class Snakemake(Peer):
    """`snakemake` on local cores."""

    name = "snakemake"
    most = 1_000

    def program(self) -> Path | None:
        path = tool(self.name, "snakemake")
        return path if path.exists() else None

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        parents = {node.name: node.parents for node in work.graph}
        (directory / "nodes.json").write_text(json.dumps(parents))
        kind = work.kind
        text = _SNAKEFILE.format(suffix=kind.suffix, interpreter=kind.interpreter)
        (directory / "Snakefile").write_text(text)

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "--cores", str(work.jobs), "--quiet", "all"]
