"""What every Python of a node does at its start because of us, counted."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fusionpipe.runner import observed

if TYPE_CHECKING:
    from conftest import Environment

# Loaded by a .pth file, so before any sitecustomize.
AUDIT = """
import sys
opened = []
sys.addaudithook(lambda event, its: opened.append(str(its[0])) if event == "open" else None)
"""
TELL = "import _audit, sys; o = _audit.opened[:]; import json; print(json.dumps([o, {modules}]))"
PROGRAM = TELL.format(modules="[m for m in sys.modules if not m.startswith('json')]")


@pytest.fixture
def audited(python: Environment) -> Environment:
    python.write({"_audit.py": AUDIT, "audit.pth": "import _audit\n"})
    python.distributions()  # a build asks for them before it runs anything
    return python


def start(python: Environment, variables: Mapping[str, str]) -> tuple[list[str], set[str]]:
    """The files a bare program has opened by its first line, and the modules it has loaded."""
    environment = {"PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [str(python.python), "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    opened, modules = json.loads(done.stdout)
    return opened, set(modules)


def test_a_python_opens_two_files_and_loads_one_module_because_of_us(audited: Environment) -> None:
    notes = audited.root / "notes"
    notes.mkdir()
    bare_files, bare_modules = start(audited, {})
    files, modules = start(audited, observed.environment(str(notes)))
    (note,) = notes.iterdir()
    added = [file for file in files if file not in bare_files]
    assert ["sitecustomize", str(note)] == [_hook(file) for file in added]
    assert added[0].endswith(".pyc")
    assert {"sitecustomize"} == modules - bare_modules


def _hook(file: str) -> str:
    return Path(file).name.partition(".")[0] if Path(file).parent.name == "__pycache__" else file


def test_a_python_is_asked_again_when_its_compiled_hook_is_another(audited: Environment) -> None:
    answer = audited.memo[f"distributions {audited.python}"]
    assert isinstance(answer["found"], dict)
    compiled = str(answer["found"]["compiled"])
    os.utime(compiled)  # deleting it would disturb the tests beside this one
    audited.distributions()
    asked_again = audited.memo[f"distributions {audited.python}"]
    assert answer is not asked_again
