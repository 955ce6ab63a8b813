"""Completion in the shell: names of nodes where a node is wanted, read without a look into any node."""

from __future__ import annotations

import subprocess

import pytest

from fusionpipe.testing import Project

# Else the shell is looked for among the parents of this process, which differ from place to place.
WITHOUT_DETECTION = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}


@pytest.fixture
def nodes(project: Project) -> Project:
    return with_nodes(project)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Nodes, two results of raw and a pin on the latter; made once."""
    nodes = with_nodes(Project(tmp_path_factory.mktemp("past") / "project"))
    nodes.write("report/node.toml", "").call("build", "raw")
    nodes.node("raw", "echo other").call("build", "raw")
    nodes.call("pin", "raw", "rate-1")
    return nodes.write("report/node.toml", "broken =")


def with_nodes(project: Project) -> Project:
    return project.node("raw").node("prep/clean").node("prep/other").node("report", toml="broken =")


def completed(project: Project, line: str, *, at: str = "") -> list[str]:
    """What the tab key offers at the end of a line, in bash's words."""
    words = line.split(" ")
    told = project.call(
        at=at,
        environment={
            "_FP_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
    )
    assert "" == told.err
    return told.out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fp build r", "raw report"),
        ("fp build +r", "+raw +report"),
        ("fp build p", "prep prep/clean prep/other"),
        ("fp why p", "prep/clean prep/other"),
        ("fp new x --parent ra", "raw"),
        ("fp gr", "graph"),
        ("fp build zzz", ""),
    ],
)
def test_the_tab_key_offers_names(nodes: Project, line: str, offered: str) -> None:
    assert offered.split() == completed(nodes, line)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fp show ra", "rate-1 raw"),
        ("fp show raw@{", "raw@{0} raw@{1}"),
        ("fp show raw@{1", "raw@{1}"),
        ("fp show nope@{", ""),
        ("fp pin rat", "rate-1"),
        ("fp unpin r", "rate-1"),
        ("fp history prep/c", "prep/clean"),
    ],
)
def test_the_tab_key_offers_what_names_a_result(past: Project, line: str, offered: str) -> None:
    assert offered.split() == completed(past, line)


def test_the_real_command_answers_the_tab_key(nodes: Project) -> None:
    environment = {"_FP_COMPLETE": "complete_bash", "COMP_WORDS": "fp build ra", "COMP_CWORD": "2"}
    assert "raw" == nodes.fp(environment=environment).out.strip()


def test_names_are_offered_as_they_may_be_typed_in_a_subdirectory(nodes: Project) -> None:
    assert ["clean"] == completed(nodes, "fp logs c", at="prep")
    assert ["raw"] == completed(nodes, "fp -C .. run ra", at="prep")


def test_nothing_is_offered_and_nothing_written_where_there_is_no_project(project: Project) -> None:
    (project.root / "fusionpipe.toml").unlink()
    assert [] == completed(project, "fp build ")
    assert [] == list(project.root.iterdir())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_can_be_shown(project: Project, shell: str) -> None:
    told = project.fp("--show-completion", shell, environment=WITHOUT_DETECTION)
    assert 0 == told.code
    assert "_FP_COMPLETE=complete_" + shell in told.out


def test_completion_can_be_installed_for_bash(project: Project) -> None:
    home = project.root / "home"
    home.mkdir()
    environment = {**WITHOUT_DETECTION, "HOME": str(home)}
    told = project.fp("--install-completion", "bash", environment=environment)
    assert 0 == told.code, told.err
    script = next(path for path in home.rglob("*") if path.name == "fp.sh")
    checked = subprocess.run(["bash", "-n", str(script)], check=False)
    assert 0 == checked.returncode
    assert "fp.sh" in (home / ".bashrc").read_text()
