"""What a load costs, and that the tests' disk answers as the real one does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from fusionpipe.build.state import State
from fusionpipe.project import load
from fusionpipe.testing import PlainDisk
from fusionpipe.workspace import Workspace


class CountingDisk(PlainDisk):
    """Counts what is listed and read."""

    def __init__(self, root):
        super().__init__(root)
        self.scanned = Counter()
        self.read_files = Counter()

    def scan(self, directory):
        self.scanned[directory] += 1
        return super().scan(directory)

    def read(self, path):
        self.read_files[path] += 1
        return super().read(path)


def test_each_directory_is_listed_and_each_node_file_read_once(project):
    project.write({"fusionpipe.toml": '[defaults]\nlibs = ["lib"]', "lib/a.py": ""})
    project.node("g/a", "seed = 1").node("g/b", 'parents = ["a"]').node("c", 'libs = ["lib"]')
    disk = CountingDisk(project.root)
    load(disk)
    assert {1} == set(disk.scanned.values())
    expected = {
        "fusionpipe.toml",
        ".fusionpipe/local.toml",
        "g/a/node.toml",
        "g/b/node.toml",
        "c/node.toml",
    }
    assert dict.fromkeys(expected, 1) == disk.read_files


def test_importing_the_project_model_imports_nothing_heavy():
    heavy = {"tomllib", "difflib", "pathspec", "unicodedata", "shlex", "networkx", "rich", "typer"}
    code = "import sys; before = set(sys.modules); import fusionpipe.project; print(*(set(sys.modules) - before))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set() == heavy & set(found.stdout.split())


PATHS = [
    "", "a", "a/file", "a/program", "a/nowhere", "a/file/below", "a/link", "a/dangling", "a/directory_link",
    "a/far", "a/far/x", "../far", "a/pipe", "{far}", "{far}/x",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("question", ["scan", "kind", "is_executable", "read_link", "real_path"])
def test_the_plain_disk_answers_as_the_workspace_does(project, tmp_path, question, path):
    far = tmp_path / "far"
    far.mkdir()
    (far / "x").write_text("")
    project.write({"a/file": "text", "a/program": "#!/bin/sh", "b/": ""})
    project.link("a/link", "file").link("a/dangling", "gone").link("a/directory_link", "../b")
    project.link("a/far", str(far))
    os.mkfifo(project.root / "a/pipe")
    workspace = Workspace(project.root, State.load(project.root).memory, lambda seen: True)
    path = path.format(far=far)
    expected = getattr(workspace, question)(path)
    assert expected == getattr(PlainDisk(project.root), question)(path)


def test_what_nodes_have_in_common_is_kept_once(project):
    project.write({"fusionpipe.toml": '[defaults.tools]\nr = "4"'})
    for name in ("g/a", "g/b", "g/c"):
        project.node(name, 'parents = ["../first"]')
    project.node("first", "")
    graph = load(PlainDisk(project.root))
    a, b = graph.nodes["g/a"], graph.nodes["g/b"]
    for field in ("entry", "params", "tools", "env", "libs", "inputs", "locks"):
        assert getattr(a, field) is getattr(b, field), field
    assert a.parents[0] is b.parents[0]
    assert graph.nodes["first"].name is a.parents[0].members[""]
