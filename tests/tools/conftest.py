"""A real Python environment to install made-up distributions into, and a window on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fusionpipe.memory import Memory
from fusionpipe.model import Entry, Language, Node, NodeName, ProjectSettings
from fusionpipe.runner.distributions import Distributions
from fusionpipe.runner.observed import environment
from fusionpipe.runner.tools import Tool, Toolbox
from fusionpipe.workspace import Workspace
from fusionstore.contract import JsonObject


class Environment:
    """A venv, and the node-side view of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path.parent
        self.python = path / "bin" / "python"
        self.memo: dict[str, JsonObject] = {}
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self.site = path / "lib" / version / "site-packages"

    def install(self, name: str, version: str, files: Mapping[str, str]) -> None:
        """What an installer leaves: the files and a dist-info whose RECORD names them."""
        self.uninstall(name)
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        self.write({**files, f"{info}/METADATA": f"Name: {name}\nVersion: {version}\n"})
        self.write({f"{info}/RECORD": "".join(f'"{file}",,\n' for file in files)})

    def uninstall(self, name: str) -> None:
        for info in self.site.glob(f"{name.replace('-', '_')}-*.dist-info"):
            for line in (info / "RECORD").read_text().splitlines():
                (self.site / line.split('"')[1]).unlink()
            shutil.rmtree(info)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def toolbox(self) -> Toolbox:
        """As a new build has it: with the memory of earlier ones."""
        workspace = Workspace(self.root, Memory(), lambda _: False)
        ambient = {"PATH": os.environ["PATH"], "HOME": str(self.root)}
        return Toolbox(workspace, ambient, self.root, ProjectSettings(), self.memo)

    def tool(self) -> Tool:
        node = Node(NodeName("n"), entry=Entry(Language.PYTHON, "main.py"), python=str(self.path))
        tool = self.toolbox().resolve(node)
        assert isinstance(tool, Tool)
        return tool

    def distributions(self) -> Distributions:
        return self.toolbox().distributions(self.tool())

    def run(self, code: str, *options: str, variables: Mapping[str, str] | None = None) -> Path:
        """Runs a script under observation; the directory of its notes."""
        notes = self.root / "notes"
        notes.mkdir(exist_ok=True)
        code_directory = self.root / "code"
        code_directory.mkdir(exist_ok=True)
        (code_directory / "main.py").write_text(code)
        command = (str(self.python), *options, "main.py")
        observing = environment(str(notes), command)
        subprocess.run(
            command, cwd=code_directory, check=True, env={**observing, **(variables or {})}
        )
        return notes


@pytest.fixture(scope="session")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("venv") / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    return path


@pytest.fixture
def python(empty_venv: Path, tmp_path: Path) -> Environment:
    """A fresh environment with nothing installed, below a path that is hard on quoting."""
    path = tmp_path / "mein ü projekt" / ".venv"
    shutil.copytree(empty_venv, path, symlinks=True)
    return Environment(path)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """Puts a made-up program (a shell script) into a directory for the PATH."""

    def put(name: str, script: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return put
