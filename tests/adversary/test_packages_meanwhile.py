"""Packages that change while a node runs: what a record says of them must be what the run used (L1)."""

from __future__ import annotations

import shutil
import venv
from pathlib import Path

import pytest

from fusionpipe.events import Event, NodeStarted, Outcome
from fusionpipe.testing import Project

IMPORTS = "import pk\nopen('../data/it.txt', 'w').write(pk.v)"


@pytest.fixture
def site(project: Project) -> Path:
    """Where the project's own environment has its packages."""
    venv.create(project.root / ".venv", with_pip=False)
    return next((project.root / ".venv").glob("lib/python*/site-packages"))


def install(site: Path, version: str, record: str = "pk.py,,\n") -> None:
    for old in site.glob("pk-*"):
        shutil.rmtree(old)
    metadata = site / f"pk-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: pk\nVersion: {version}\n")
    (metadata / "RECORD").write_text(record)


def test_a_package_upgraded_before_it_is_imported_voids_the_run(
    project: Project, site: Path
) -> None:
    def put(version: str) -> None:
        install(site, version)
        (site / "pk.py").write_text(f"v = '{version}'\n")

    def upgrade(event: Event) -> None:
        if isinstance(event, NodeStarted):
            put("2")

    put("1")
    project.node("a", IMPORTS, entry="main.py")
    built = project.build(on_event=upgrade)
    assert (Outcome.FAILED, "pk changed") == (built.outcomes["a"], built.nodes["a"].reason[:10])
    put("1")
    project.build()
    assert {"it.txt": "1"} == project.data("a")


def test_an_editable_package_edited_while_a_node_runs_is_not_recorded_as_used(
    project: Project, site: Path, tmp_path: Path
) -> None:
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "pk.py").write_text("v = '1'\n")
    install(site, "1", "__editable__.pk-1.pth,,\n")
    (site / "__editable__.pk-1.pth").write_text(f"{lib}\n")
    edit = f"\nwith open({str(lib / 'pk.py')!r}, 'w') as file: file.write(\"v = '2'\")"
    project.node("a", IMPORTS + edit, entry="main.py")
    assert {"a": Outcome.FAILED} == project.build().outcomes
    assert {"a": Outcome.RAN} == project.build().outcomes
    assert {"it.txt": "2"} == project.data("a")
