"""`fp doctor` finds what could stand in the way, and says what to do."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from fusionpipe.build.machine import Abilities, Standing, clock_told, file_systems, link_mode
from fusionpipe.testing import Project

GOOD = Abilities("ext4", None, False, True, True, True, False)


def standings(project: Project, **environment: str) -> dict[str, str]:
    """The worst standing of each check."""
    found: dict[str, str] = {}
    order = [standing.value for standing in Standing]
    for check in checks(project, **environment):
        name, standing = check["name"], check["standing"]
        found[name] = max(found.get(name, "ok"), standing, key=order.index)
    return found


def checks(project: Project, **environment: str) -> list[dict[str, str]]:
    result = project.call("doctor", "--json", environment=environment)
    told: list[dict[str, str]] = json.loads(result.out)["checks"]
    assert all(check["mend"] for check in told if check["standing"] != "ok")
    return told


@pytest.fixture
def sound(project: Project) -> Project:
    project.node("a").node("b", parents=["a"])
    assert project.call("build").code == 0
    return project


def test_a_sound_project_has_no_problem(sound: Project) -> None:
    result = sound.fp("doctor")
    assert result.code == 0
    assert "problem" not in result.out
    assert "2 nodes" in result.out
    assert "sound: 2 results" in result.out


def test_it_leaves_nothing_behind(sound: Project) -> None:
    def names() -> set[str]:
        found = {str(path) for path in sound.root.rglob("*")}
        return {name for name in found if "/tmp/" not in name.removeprefix(str(sound.root))}

    before = names()
    sound.call("doctor")
    assert names() == before


def test_a_missing_interpreter_is_a_problem_with_what_to_do(sound: Project) -> None:
    sound.node("j", "1", entry="main.jl")
    result = sound.call("doctor", environment={"PATH": "/usr/bin:/bin"})
    if shutil.which("julia", path="/usr/bin:/bin"):
        pytest.skip("julia is here")
    assert result.code == 1
    assert "nothing here runs julia" in result.out
    assert "used by j" in result.out


def test_a_declared_version_that_is_not_here_is_a_problem(sound: Project) -> None:
    sound.node("p", "1", entry="main.py", toml='[tools]\npython = "2.6"')
    assert standings(sound)["python"] == "problem"


def test_node_files_that_cannot_be_read_are_a_problem_and_the_rest_is_looked_at(
    sound: Project,
) -> None:
    sound.write("b/node.toml", "parents = [")
    found = standings(sound)
    assert (found["project"], found["store health"]) == ("problem", "ok")


def test_a_root_file_that_cannot_be_read_is_a_problem_and_the_rest_is_looked_at(
    sound: Project,
) -> None:
    sound.write("fusionpipe.toml", "store = [")
    found = standings(sound)
    assert (found["project"], found["kernel"]) == ("problem", "ok")


def test_damage_in_the_store_is_a_problem(sound: Project) -> None:
    path = sound.root / "a" / "data" / "it.txt"
    path.chmod(0o644)
    path.write_text("EDITED")
    assert standings(sound)["store health"] == "problem"


def test_a_store_that_others_may_write_to_is_warned_of(sound: Project) -> None:
    (sound.root / ".fusionpipe" / "store").chmod(0o777)
    assert standings(sound)["store owner"] == "warning"


def test_a_store_that_cannot_be_opened_is_a_problem(sound: Project) -> None:
    (sound.root / "plain").write_text("")
    assert standings(sound, FUSIONPIPE_STORE=str(sound.root / "plain"))["store"] == "problem"


def test_scratch_of_dead_processes_is_told(sound: Project) -> None:
    (sound.root / ".fusionpipe" / "store" / "tmp" / "1-1-dead").mkdir()
    assert standings(sound)["left over"] == "warning"


def test_what_is_committed_or_not_ignored_is_warned_of(sound: Project) -> None:
    git = ["git", "-C", str(sound.root)]
    subprocess.run([*git, "init", "-q"], check=True)
    sound.call("link")
    assert standings(sound)["git"] == "ok"
    subprocess.run([*git, "add", "-f", "a/data"], check=True)
    committed = [check for check in checks(sound) if check["name"] == "git"]
    assert "git rm -r --cached a/data" in committed[0]["mend"]
    (sound.root / "b" / ".gitignore").unlink()
    assert any("not ignored: b/data" in check["what"] for check in checks(sound))


def test_names_and_links_that_do_not_travel_are_warned_of(sound: Project) -> None:
    os.symlink("/somewhere", sound.root / "a" / "code" / "lib")
    (found,) = [check for check in checks(sound) if check["name"] == "portability"]
    assert found["standing"] == "warning"
    assert "a/code/lib is a link to /somewhere" in found["what"]


def test_few_open_files_are_warned_of(sound: Project) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        assert standings(sound)["limits"] == "warning"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("project", "store", "name", "standing"),
    [
        (GOOD, GOOD, "store files", "ok"),
        (GOOD._replace(network="NFS"), GOOD, "project files", "warning"),
        (GOOD._replace(folds_case=True), GOOD, "project names", "warning"),
        (GOOD._replace(symlinks=False), GOOD, "project links", "problem"),
        (GOOD, GOOD._replace(network="NFS"), "store files", "problem"),
        (GOOD, GOOD._replace(hard_links=False), "store files", "problem"),
        (GOOD, GOOD._replace(leases=False), "store files", "warning"),
    ],
)
def test_what_a_file_system_cannot_do_is_told(
    project: Abilities, store: Abilities, name: str, standing: str
) -> None:
    found = {check.name: check.standing for check in file_systems(project, store)}
    assert found[name] == standing


def test_a_link_mode_that_does_not_work_is_a_problem(tmp_path: Path) -> None:
    assert link_mode("hardlink", tmp_path, tmp_path, GOOD).standing == "ok"
    assert link_mode("reflink", tmp_path, tmp_path, GOOD).standing == "warning"
    other = Path("/dev/shm")
    if other.is_dir() and other.stat().st_dev != tmp_path.stat().st_dev:
        assert link_mode("hardlink", tmp_path, other, GOOD).standing == "problem"


@pytest.mark.parametrize(
    ("apart", "now", "standing"),
    [(0.5, 2e9, "ok"), (60, 2e9, "warning"), (-60, 2e9, "warning"), (0, 1000, "problem")],
)
def test_clocks_that_differ_are_told(apart: float, now: float, standing: str) -> None:
    assert clock_told(apart, now).standing == standing
