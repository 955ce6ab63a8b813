"""Each exit code by what a user does to get it, with the sentence that goes with it."""

from __future__ import annotations

import os
import signal

import pytest

from fusionpipe.testing import Project, until


def test_the_process_ends_with_the_code_of_the_command(project: Project) -> None:
    project.node("load", "exit 7")
    assert [0, 1, 2] == [project.fp(*words).code for words in (["status"], ["build"], ["built"])]


def test_0_is_for_what_went_well(project: Project) -> None:
    assert 0 == project.node("load").call("build").code
    assert 0 == project.call("build").code
    assert 0 == project.call("status", "--check").code


def test_1_is_for_a_node_that_failed(project: Project) -> None:
    assert 1 == project.node("load", "exit 7").call("build").code


def test_1_is_for_a_check_of_what_is_not_fresh(project: Project) -> None:
    project.node("load")
    assert (1, 0) == (project.call("status", "--check").code, project.fp("status").code)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["build", "laod"], 'did you mean "load"?'),
        (["build", "load*x"], '"load*x" matches no node'),
        (["build", "--colour"], "No such option: --colour"),
        (["build", "-j", "0"], "-j"),
        (["build", "-p", "load.n"], '-p wants NODE.KEY=VALUE, not "load.n"'),
        (["build", "-p", "laod.n=1"], 'did you mean "load"?'),
        (["build", "-p", "load.n=1"], "n is not declared"),
        (["built"], "No such command 'built'"),
        (["why", "laod"], 'did you mean "load"?'),
        (["logs", "load"], "load has no log yet"),
        (["run", "load", "--", "no-such-command"], "cannot start no-such-command"),
        (["new", "load"], "load"),
        (["new", "a:b"], "a node may not be called 'a:b'"),
        (["init"], "this directory is a fusionpipe project already"),
        (["-C", "nowhere", "build"], "nowhere"),
        (["build", "-C", "nowhere"], "nowhere"),
    ],
)
def test_2_is_for_wrong_usage_and_says_what_and_how(
    project: Project, words: list[str], sentence: str
) -> None:
    result = project.node("load").call(*words)
    assert (2, "") == (result.code, result.out)
    assert sentence in result.err
    assert "Traceback" not in result.err


def test_2_is_for_a_place_without_a_project(project: Project) -> None:
    (project.root / "fusionpipe.toml").unlink()
    for words in (["build"], ["status"], ["why", "x"], ["new", "x"]):
        result = project.call(*words)
        assert 2 == result.code
        assert "start a project here with: fp init" in result.err


def test_2_is_for_a_question_that_got_no_yes(project: Project) -> None:
    result = project.node("load").call("destroy")
    told = "fp: nothing was removed\n  there is no terminal to ask on: say --yes\n"
    assert (2, told) == (result.code, result.err)


def test_3_is_for_a_project_that_says_what_cannot_be(project: Project) -> None:
    project.node("load", toml="parnets = []")
    for words in (["build"], ["status"], ["why", "load"], ["graph"], ["build", "-n"]):
        result = project.call(*words)
        assert (3, "") == (result.code, result.out)
        assert "load/node.toml:1: " in result.err


def test_4_is_for_a_store_that_cannot_be_used(project: Project) -> None:
    project.node("load").call("build")
    (project.root / ".fusionpipe/store/store.json").write_text('{"format": "of tomorrow"}')
    project.node("load", "echo other")
    result = project.call("build")
    assert 4 == result.code
    assert "Traceback" not in result.err


def test_130_is_for_an_interrupted_build(project: Project) -> None:
    project.node("load", "echo here > ../data/it; echo begun; exec sleep 300")
    process = project.start("build")
    log = project.root / "load" / "logs.txt"
    until(lambda: log.exists() and "begun" in log.read_text(), "the node begins")
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert 130 == process.returncode
    assert "stopping 1 running node; Ctrl-C again to stop at once" in out
    assert "interrupted: 0 ran" in out
