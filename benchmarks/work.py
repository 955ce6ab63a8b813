"""The scripts of the synthetic nodes, and how a project made of them is edited, wiped and proven right.

A `Work` says what is to be built, a peer where its files lie and how it is called, a `Site` is that
project on the disk. Nothing is deleted here: wiping renames, because ext4 is slow for minutes after mass deletion.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from benchmarks.graph import Graph, busiest_root, leaf, outputs
from benchmarks.places import environment, real_python


class Kind(StrEnum):
    """What the nodes are written in."""

    SH = "sh"
    PYTHON = "python"

    @property
    def suffix(self) -> str:
        return "sh" if self is Kind.SH else "py"

    @property
    def interpreter(self) -> str:
        return "/bin/sh" if self is Kind.SH else real_python()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be built. `witness` is a file to which each run appends its node's name: never when measured."""

    graph: Graph
    kind: Kind
    jobs: int = 2
    witness: Path | None = None


class Peer(Protocol):
    """A build tool, and the project it needs to build a `Work`. The defaults are those of a tool like make.

    Commands are called in the project's directory. Paths it gives are relative to that.
    """

    name: str
    caches: bool = False  # outputs that were wiped come back without a run
    cuts_off: bool = False  # an output that is as before stops the rebuild there
    is_incremental: bool = True  # it runs only what has changed
    misses_same_second: bool = False  # an edit in the second of the last build goes unseen
    most: int = 10_000  # nodes: a cold build of more takes longer than some minutes

    def program(self) -> Path | None:
        """What is called; None if it is not installed."""
        ...

    def write(self, work: Work, directory: Path) -> None:
        """Writes the project into an empty directory."""
        ...

    def command(self, work: Work) -> Sequence[str]:
        """Builds everything."""
        ...

    def restore_command(self, work: Work) -> Sequence[str]:
        """Brings back outputs that were wiped."""
        return self.command(work)

    def version_command(self) -> Sequence[str]:
        """The least it can do."""
        return [self.called(), "--version"]

    def environment(self) -> Mapping[str, str]:
        """What it needs in the environment."""
        return {}

    def script(self, node: str, kind: Kind) -> str:
        """Where a node's script lies."""
        return plain_script(node, kind)

    def output(self, node: str) -> str:
        """Where a node's output lies."""
        return plain_output(node)

    def is_available(self) -> bool:
        """Whether it is installed."""
        return self.program() is not None

    def called(self) -> str:
        """The program's path, which must be there."""
        program = self.program()
        assert program is not None, f"{self.name} is not installed"
        return str(program)

    def version(self) -> str:
        """What it says of itself."""
        done = subprocess.run(
            self.version_command(),
            env=environment(self.environment()),
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout.strip() or done.stderr.strip()
        return said.splitlines()[0] if said else "unknown"


def plain_script(node: str, kind: Kind) -> str:
    """Where the scripts lie for tools that leave that to the user."""
    return f"code/{node}.{kind.suffix}"


def plain_output(node: str) -> str:
    """Where the outputs go for tools that leave that to the user."""
    return f"out/{node}.txt"


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
        lines += [f"read -r value < {path} || exit 1", "total=$(( (total * 31 + value) % 1000003 ))"]
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


@dataclass(slots=True)
class Site:
    """A peer's project on the disk, and what its outputs have to be."""

    peer: Peer
    work: Work
    directory: Path
    graveyard: Path
    _constants: list[int] = field(default_factory=list)
    _before: dict[Path, str] = field(default_factory=dict)  # edited scripts as they were
    _constants_before: list[int] = field(default_factory=list)
    _edits: int = 0

    @classmethod
    def make(cls, peer: Peer, work: Work, directory: Path) -> Site:
        """Writes the project into a new directory."""
        directory.mkdir(parents=True)
        peer.write(work, directory)
        graveyard = directory.parent / f"{directory.name}.wiped"
        graveyard.mkdir()
        return cls(peer, work, directory, graveyard, list(range(1, len(work.graph) + 1)))

    def environment(self) -> dict[str, str]:
        """What the peer's commands see."""
        return environment(self.peer.environment())

    def edit_leaf(self) -> None:
        """Changes what a node writes that nobody reads."""
        self._edits += 1
        last = leaf(self.work.graph)
        old = self._constants[-1]
        new = len(self.work.graph) + 1000 * self._edits
        self._constants_before = list(self._constants)
        self._constants[-1] = new
        separator = "=" if self.work.kind is Kind.SH else " = "
        self._edit(last, f"total{separator}{old}\n", f"total{separator}{new}\n")

    def comment_root(self) -> None:
        """Adds a comment to the node that most others depend on: its output stays the same."""
        self._edits += 1
        self._constants_before = list(self._constants)
        self._edit(busiest_root(self.work.graph), "", f"# comment {self._edits}\n")

    def revert(self) -> None:
        """Brings back what the last edit changed."""
        for path, text in self._before.items():
            path.write_text(text)
        self._constants = list(self._constants_before)

    def wipe_outputs(self) -> None:
        """Takes every output away, and nothing else."""
        place = self.graveyard / str(len(os.listdir(self.graveyard)))
        place.mkdir()
        for node in self.work.graph:
            # an output directory that is a link goes as the link it is
            output = self.directory / self.peer.output(node.name)
            gone = output.parent if output.parent.is_symlink() else output
            os.rename(gone, place / node.name)

    def wrong_outputs(self) -> list[str]:
        """The nodes whose output is not what it has to be."""
        expected = outputs(self.work.graph, self._constants)
        return [name for name, value in expected.items() if self._written(name) != f"{value}\n"]

    def take_witnesses(self) -> list[str]:
        """The nodes that ran since this was last asked, in order. Needs a `Work` with a witness."""
        assert self.work.witness is not None
        if not self.work.witness.exists():
            return []
        names = self.work.witness.read_text().split()
        self.work.witness.write_text("")
        return names

    def _written(self, node: str) -> str:
        try:
            return (self.directory / self.peer.output(node)).read_text()
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def _edit(self, node: str, old: str, new: str) -> None:
        path = self.directory / self.peer.script(node, self.work.kind)
        text = path.read_text()
        self._before = {path: text}
        changed = text.replace(old, new, 1) if old else text + new
        assert changed != text, f"{path} is not as it was written"
        path.write_text(changed)
