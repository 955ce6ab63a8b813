"""Observed packages, end to end: an upgrade runs just the nodes that imported what was upgraded."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fusionpipe.events import Outcome
from fusionpipe.testing import Project

RAN, KEPT, RESTORED = Outcome.RAN, Outcome.KEPT, Outcome.RESTORED


@pytest.fixture(scope="module")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("venv") / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    return path


class Packages:
    """The project's own environment, and an installer of made-up packages."""

    def __init__(self, venv: Path) -> None:
        (self.site,) = venv.glob("lib/python*/site-packages")

    def install(self, name: str, version: str, files: Mapping[str, str] | None = None) -> None:
        """As installers do: the old one goes, the new one comes."""
        for info in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(info)
        files = files or {f"{name}.py": f"VERSION = {version!r}\n"}
        info = self.site / f"{name}-{version}.dist-info"
        info.mkdir()
        for file, text in files.items():
            (self.site / file).write_text(text)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


@pytest.fixture
def packages(project: Project, empty_venv: Path) -> Packages:
    """Three nodes: one imports frames, one imports plots, one nothing; and a child of each."""
    venv = project.root / ".venv"
    shutil.copytree(empty_venv, venv, symlinks=True)
    packages = Packages(venv)
    packages.install("frames", "2.1")
    packages.install("plots", "1.0")
    use = "import {0}\nopen('../data/value', 'w').write({0}.VERSION)\n"
    project.node("framed", use.format("frames"), entry="main.py")
    project.node("plotted", use.format("plots"), entry="main.py")
    project.node("plain", "open('../data/value', 'w').write('plain')\n", entry="main.py")
    for name in ("framed", "plotted", "plain"):
        project.node(f"below-{name}", "cat ../parents/*/value > ../data/value", parents=[name])
    assert {RAN} == set(project.build(jobs=2).outcomes.values())
    return packages


def test_an_upgrade_runs_exactly_the_nodes_that_imported_the_package(
    project: Project, packages: Packages
) -> None:
    packages.install("frames", "2.2")
    built = project.build()
    assert {"framed", "below-framed"} == built.named(RAN)
    assert {"plotted", "plain", "below-plotted", "below-plain"} == built.named(KEPT)
    assert {"value": "2.2"} == project.data("below-framed")
    assert "frames" in built.nodes["framed"].reason
    assert "2.1" in built.nodes["framed"].reason
    assert "2.2" in built.nodes["framed"].reason
    assert {KEPT} == set(project.build().outcomes.values())


def test_going_back_runs_nothing(project: Project, packages: Packages) -> None:
    packages.install("frames", "2.2")
    project.build()
    packages.install("frames", "2.1")
    built = project.build()
    assert {"framed", "below-framed"} == built.named(RESTORED)
    assert {"value": "2.1"} == project.data("below-framed")
    packages.install("frames", "2.2")
    assert set() == project.build().named(RAN)
    assert {"value": "2.2"} == project.data("below-framed")


def test_installing_what_nobody_imports_runs_nothing(project: Project, packages: Packages) -> None:
    packages.install("linter", "1.0")
    assert {KEPT} == set(project.build().outcomes.values())


def test_an_upgrade_that_changes_no_output_stops_there(
    project: Project, packages: Packages
) -> None:
    packages.install("frames", "2.2", {"frames.py": "VERSION = '2.1'\n"})
    built = project.build()
    assert {"framed"} == built.named(RAN)
    assert Outcome.KEPT is built.outcomes["below-framed"]


def test_a_bare_build_notices_an_upgrade(project: Project, packages: Packages) -> None:
    """The no-op, which looks at `stat` alone, must see it too."""
    assert "nothing to do" in project.fp("build").out
    packages.install("frames", "2.2")
    assert 2 == project.fp("build", "--json").events[-1]["ran"]


def test_why_names_the_package(project: Project, packages: Packages) -> None:
    packages.install("frames", "2.2")
    before = project.fp("why", "framed")
    assert "frames" in before.out
    assert "2.1" in before.out
    assert "2.2" in before.out
    project.build()
    assert "frames" in project.fp("why", "framed").out


def test_a_lock_is_keyed_instead(project: Project, packages: Packages) -> None:
    project.write("requirements.txt", "frames==2.1\n")
    for name in ("framed", "plotted", "plain"):
        project.write(f"{name}/node.toml", 'lock = ["../requirements.txt"]\n')
    built = project.build()
    assert {"framed", "plotted", "plain"} == built.named(RAN)
    packages.install("frames", "2.2")
    assert {KEPT} == set(project.build().outcomes.values())
    project.write("requirements.txt", "frames==2.1  # for good reasons\n")
    assert {KEPT} == set(project.build().outcomes.values())
    project.write("requirements.txt", "frames==2.2\n")
    assert {"framed", "plotted", "plain", "below-framed"} == project.build().named(RAN)
    assert {"value": "2.2"} == project.data("framed")


def test_a_reproduction_tells_of_packages_that_are_others_now(
    project: Project, packages: Packages
) -> None:
    packages.install("frames", "2.2")
    (line,) = project.call("reproduce", "framed", "--json").events
    assert ["frames 2.1 → 2.2"] == line["surroundings"]
    assert ("different", "data/value") == (line["outcome"], line["files"][0]["path"])  # type: ignore[index,call-overload]
    assert {"framed": RESTORED} == project.build("framed").outcomes  # it was a run like a build's
    assert {"value": "2.2"} == project.data("framed")
    (same,) = project.call("reproduce", "plotted", "--json").events
    assert ("identical", []) == (same["outcome"], same["surroundings"])
