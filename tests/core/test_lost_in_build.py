"""A parent's stored bytes turn out damaged in the middle of a build: whoever read them is right in the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusionpipe.testing import Project

READS = "cat ../parents/p/it > ../data/it"


def damage(project: Project, node: str) -> None:
    """Other bytes of another size, in the tree and in the object that it shares them with."""
    path = (project.root / node / "data/it").resolve()
    path.chmod(0o644)
    path.write_text("damaged bytes\n")
    path.chmod(0o444)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    made = Project(root, {"RUNS": str(tmp_path / "runs")})
    made.node("p", 'echo run >> "$RUNS"; wc -l < "$RUNS" > ../data/it', toml='pass = ["RUNS"]\n')
    made.node("a", READS, parents=["p"]).node(
        "below", "cat ../parents/a/it > ../data/it", parents=["a"]
    )
    made.node("z", READS, parents=["p"])
    made.build()
    return made


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_lost_parent_runs_again_and_its_children_follow_what_it_gives_now(
    project: Project, jobs: int
) -> None:
    damage(project, "p")
    project.node("z", f"{READS} # edited", parents=["p"])
    built = project.build(jobs=jobs)
    assert dict.fromkeys(("p", "a", "below", "z"), "ran") == built.outcomes
    for node in ("p", "a", "below", "z"):
        assert {"it": "2\n"} == project.data(node), node
    assert [] == project.build().started


def test_a_lost_parent_that_gives_equal_bytes_again_leaves_its_other_children_alone(
    project: Project,
) -> None:
    damage(project, "p")
    os.truncate(project.environment["RUNS"], 0)
    project.node("z", f"{READS} # edited", parents=["p"])
    built = project.build()
    assert {"p": "ran", "a": "kept", "below": "kept", "z": "ran"} == built.outcomes
    assert {"it": "1\n"} == project.data("z")


def test_a_lost_parent_that_fails_now_takes_down_who_needed_it(project: Project) -> None:
    damage(project, "p")
    os.unlink(project.environment["RUNS"])
    os.mkdir(project.environment["RUNS"])
    project.node("z", f"{READS} # edited", parents=["p"])
    built = project.build(keeps_going=True)
    assert {"p": "failed", "a": "kept", "below": "kept", "z": "skipped"} == built.outcomes
