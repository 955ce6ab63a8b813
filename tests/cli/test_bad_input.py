"""Whatever is wrong with a project is told at once, by file and line, with what to do; never a traceback."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from fusionpipe.testing import Project

NOBODY = 65534


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a/node.toml": "parents = ["}, "a/node.toml:1: "),
        ({"a/node.toml": "\nparnets = []"}, "a/node.toml:2: "),
        ({"a/node.toml": 'parents = ["b", "a"]'}, "a/node.toml:1: "),
        ({"a/node.toml": "# x\nseed = 'x'"}, "a/node.toml:2: "),
        ({"a/node.toml": 'parents = ["../../elsewhere"]'}, "a/node.toml:1: "),
        ({"a/node.toml": 'main = "nothing.py"'}, "a/node.toml:1: "),
        ({"a/node.toml": 'libs = ["nowhere"]'}, "a/node.toml:1: "),
        ({"a/node.toml": '[inputs]\nx = "nowhere"'}, "a/node.toml:2: "),
        ({"a/node.toml": 'use = ["nothing"]'}, "a/node.toml:1: "),
        ({"a/node.toml": 'code = ["../nowhere.py"]\nmain = "nowhere.py"'}, "a/node.toml:1: "),
        ({"a/node.toml": 'env = ["GITHUB_TOKEN"]'}, "a/node.toml:1: "),
        ({"a/node.toml": "\n[matrix]\nlr = [1]"}, "a/node.toml:"),
        ({"a/code/main.py": ""}, "a"),
        ({"b/code/main.ipynb": "{}"}, "b/code/main.ipynb: notebooks are not supported yet"),
        ({"x@y/code/main.sh": ""}, "x@y: "),
        ({"fusionpipe.toml": "jobs = 0.5"}, "fusionpipe.toml:1: "),
        ({"fusionpipe.toml": "[defaults]\nparents = []"}, "fusionpipe.toml:2: "),
        ({"fusionpipe.toml": "this is no toml"}, "fusionpipe.toml:1: "),
        ({".fusionpipe/local.toml": "seed = 1"}, ".fusionpipe/local.toml:1: "),
    ],
)
def test_a_mistake_is_told_by_file_and_line(
    project: Project, files: dict[str, str], told: str
) -> None:
    project.node("a")
    for path, text in files.items():
        project.write(path, text)
    result = project.call("build")
    assert (3, "") == (result.code, result.out)
    assert told in result.err
    assert result.err.endswith("in this project\n")


def test_all_mistakes_are_told_at_once(project: Project) -> None:
    project.write("fusionpipe.toml", "jbos = 2\n").node("a", toml='parents = ["bb"]')
    project.node("b", toml="sead = 1\nversion = []").node("c", parents=["d"]).node(
        "d", parents=["c"]
    )
    told = project.call("build").err
    assert 5 == sum(".toml:" in line for line in told.splitlines())
    for part in ('"b"', '"seed"', '"jobs"', "c → d → c", "5 problems in this project"):
        assert part in told


def test_a_cycle_of_one_is_told_too(project: Project) -> None:
    result = project.node("a", parents=["a"]).call("build")
    assert 3 == result.code
    assert "a → a" in result.err


def test_a_name_that_stands_for_two_nodes_wants_to_be_clearer(project: Project) -> None:
    project.node("load").node("prep/load").node("prep/clean", parents=["load"])
    told = project.call("build").err
    assert "./load" in told
    assert "/load" in told


def test_several_unknown_targets_name_near_ones(project: Project) -> None:
    project.node("prep/clean").node("load")
    assert 'did you mean "prep/clean"?' in project.call("build", "claen").err
    assert 'did you mean "load"?' in project.call("why", "laod").err


def test_one_node_is_wanted_where_a_group_is_named(project: Project) -> None:
    project.node("prep/a").node("prep/b")
    result = project.call("why", "prep")
    assert 2 == result.code
    assert "name one of them: prep/a, prep/b" in result.err


def test_a_project_without_a_node_says_how_to_make_one(project: Project) -> None:
    result = project.call("build")
    assert 3 == result.code
    assert "make one: fp new NAME" in result.err


def test_code_without_an_entry_is_pointed_at(project: Project) -> None:
    project.write("a/code/fit.py", "")
    result = project.call("build")
    assert 3 == result.code
    assert 'write a/node.toml with the line: main = "fit.py"' in result.err


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
@pytest.mark.parametrize(
    ("closed", "told"),
    [
        ("a/code/main.sh", "a/code/main.sh"),
        pytest.param("a/code", "a/code", marks=pytest.mark.slow),
        pytest.param("a/node.toml", "a/node.toml", marks=pytest.mark.slow),
        pytest.param("fusionpipe.toml", "fusionpipe.toml", marks=pytest.mark.slow),
        pytest.param("a", "a", marks=pytest.mark.slow),
    ],
)
def test_what_may_not_be_read_is_named(closed: str, told: str) -> None:
    with tempfile.TemporaryDirectory(prefix="fp-closed-") as place:
        os.chmod(place, 0o755)  # pytest's own directories are closed to others
        project = Project(Path(place) / "project").node("a", toml="seed = 1")
        (project.root / closed).chmod(0)
        result = project.call_as(NOBODY, "build")
        (project.root / closed).chmod(0o755)
    assert result.code in (1, 3)
    assert "Traceback" not in result.err
    assert told in result.out + result.err
    assert "ermission" in result.out + result.err
