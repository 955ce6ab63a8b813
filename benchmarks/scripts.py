"""The scripts of the synthetic nodes. They start no process and import nothing: what is measured is the build tool."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.work import Kind, Work, plain_output, plain_script


def node_command(node: str, kind: Kind) -> tuple[str, str]:
    """How such a tool runs a node."""
    return kind.interpreter, plain_script(node, kind)


def write_plain(work: Work, directory: Path) -> None:
    """Writes the scripts, and `out/`, for tools that leave places to the user."""
    (directory / "code").mkdir()
    (directory / "out").mkdir()
    for number, node in enumerate(work.graph):
        reads = [plain_output(parent) for parent in node.parents]
        text = script_text(work, node.name, number + 1, reads, plain_output(node.name))
        (directory / plain_script(node.name, work.kind)).write_text(text)


def write_table(work: Work, directory: Path) -> None:
    """Writes `nodes.json` for tools whose projects are programs: name, command, needs, parents, output."""
    rows = []
    for node in work.graph:
        needs = [plain_script(node.name, work.kind), *map(plain_output, node.parents)]
        command = node_command(node.name, work.kind)
        rows.append([node.name, command, needs, node.parents, plain_output(node.name)])
    (directory / "nodes.json").write_text(json.dumps(rows))


def script_text(work: Work, node: str, constant: int, reads: Sequence[str], writes: str) -> str:
    """A node's script. It starts no process: what is measured is the build tool."""
    render = _sh_text if work.kind is Kind.SH else _python_text
    return render(constant, reads, writes, node, work.witness)


def _sh_text(
    constant: int, reads: Sequence[str], writes: str, node: str, witness: Path | None
) -> str:
    lines = [f"total={constant}"]
    for path in reads:
        lines += [
            f"read -r value < {path} || exit 1",
            "total=$(( (total * 31 + value) % 1000003 ))",
        ]
    lines.append(f"echo $total > {writes}")
    if witness is not None:
        lines.append(f"echo {node} >> {witness}")
    return "\n".join(lines) + "\n"


def _python_text(
    constant: int, reads: Sequence[str], writes: str, node: str, witness: Path | None
) -> str:
    lines = [f"total = {constant}", f"for path in {list(reads)!r}:"]
    lines += ["    with open(path) as file:"]
    lines += ["        total = (total * 31 + int(file.read())) % 1000003"]
    lines += [f"with open({writes!r}, 'w') as file:", "    file.write(f'{total}\\n')"]
    if witness is not None:
        lines += [f"with open({str(witness)!r}, 'a') as file:", f"    file.write('{node}\\n')"]
    return "\n".join(lines) + "\n"
