"""A peer's project on the disk: how it is edited, wiped, and proven right.

Nothing is deleted here: wiping renames, because ext4 is slow for minutes after mass deletion.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.graph import busiest_root, leaf, outputs
from benchmarks.places import environment
from benchmarks.work import Kind, Peer, Work


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
