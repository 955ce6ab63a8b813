"""What the no-op notices of a Python environment, and what a build makes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fusionpipe import hot
from fusionpipe.testing import Project

CODE = "import numbery, os\nopen('../data/it', 'w').write(numbery.VERSION)"


def install(project: Project, name: str, version: str) -> None:
    """What an installer leaves."""
    site = f".venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    for old in (project.root / site).glob(f"{name}-*.dist-info"):
        for path in old.iterdir():
            path.unlink()
        old.rmdir()
    info = f"{site}/{name}-{version}.dist-info"
    project.write(f"{site}/{name}.py", f"VERSION = '{version}'\n")
    project.write(f"{info}/METADATA", f"Name: {name}\nVersion: {version}\n")
    project.write(f"{info}/RECORD", f"{name}.py,,\n")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=tmp_path, check=True
    )
    install(made, "numbery", "1")
    made.node("n", CODE, entry="main.py").node("plain", "true")
    made.build()
    return made


def is_fresh(project: Project) -> bool:
    return hot.check(str(project.root), project.environment) is not None


def test_changes_of_the_environment_are_noticed_and_re_run_who_used_what_changed(
    project: Project,
) -> None:
    assert is_fresh(project)
    install(project, "linter", "1")
    assert not is_fresh(project)
    assert [] == project.build().started
    assert is_fresh(project)
    install(project, "numbery", "2")
    assert not is_fresh(project)
    assert ["n"] == project.build().started
    assert {"it": "2"} == project.data("n")
    assert is_fresh(project)
    python = project.root / ".venv/bin/python"
    python.rename(python.with_name("old"))
    python.symlink_to("old")
    assert is_fresh(project)  # still the same program behind it
    (project.root / ".venv/pyvenv.cfg").write_text(
        (project.root / ".venv/pyvenv.cfg").read_text() + "\n"
    )
    assert not is_fresh(project)
    assert [] == project.build().started
    assert is_fresh(project)


def test_an_environment_that_is_activated_is_noticed(project: Project) -> None:
    project.environment["VIRTUAL_ENV"] = str(project.root / "other")
    assert not is_fresh(project)


def test_a_change_of_a_package_is_told_from_what_the_latest_run_saw(project: Project) -> None:
    install(project, "numbery", "2")
    project.build()
    install(project, "numbery", "3")
    assert "numbery 2 → 3" == project.build().nodes["n"].reason
