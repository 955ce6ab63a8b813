"""A project on disk, written as a mapping from path to text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from fusionpipe.errors import Problem, ProjectInvalid
from fusionpipe.model import Graph, Node, NodeName
from fusionpipe.project import load, parse_override
from fusionpipe.testing import PlainDisk


@dataclass
class Written:
    """A project below `root`."""

    root: Path

    def write(self, files: Mapping[str, str]) -> Written:
        """Adds files; a path that ends with `/` is an empty directory, "#!" makes an executable."""
        for path, text in files.items():
            place = self.root / path
            if path.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            if text.startswith("#!"):
                place.chmod(0o755)
        return self

    def node(self, name: str, toml: str | None = None, main: str = "main.py") -> Written:
        """Adds a node with an entry, and a node.toml if its text is given."""
        self.write({f"{name}/code/{main}": f"# {name}\n"})
        return self if toml is None else self.write({f"{name}/node.toml": toml})

    def link(self, path: str, target: str) -> Written:
        """Adds a symlink."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        return self

    def load(self, *overrides: str) -> Graph:
        """The graph, with -p overrides as typed."""
        return load(PlainDisk(self.root), [parse_override(text) for text in overrides])

    def loaded(self, name: str, *overrides: str) -> Node:
        """One node of the graph."""
        return self.load(*overrides).nodes[NodeName(name)]

    def names(self) -> list[str]:
        """The nodes found."""
        return list(self.load().nodes)

    def problems(self) -> tuple[Problem, ...]:
        """Every mistake, sorted by place."""
        with pytest.raises(ProjectInvalid) as caught:
            self.load()
        return caught.value.problems

    def problem(self) -> Problem:
        """The only mistake."""
        (only,) = self.problems()
        return only


@pytest.fixture
def project(tmp_path: Path) -> Written:
    """An empty project, in a directory with a space and an umlaut."""
    return Written(tmp_path / "a prüject").write({"fusionpipe.toml": ""})
