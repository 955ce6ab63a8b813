"""Equal files are one inode in the store: who writes into one of them writes into all (L8)."""

from __future__ import annotations

import pytest

from fusionpipe.testing import Project

SCRIBBLE = "chmod u+w {0}\nprintf evil > {0}\nexit {1}\n"


@pytest.mark.parametrize("code", [0, 1])
def test_a_node_that_writes_into_its_input_alters_no_other_nodes_result(
    project: Project, code: int
) -> None:
    given = '[inputs]\nc = "../config"\n'
    project.write("config", "good")
    project.node("b", "cat ../inputs/c > ../data/o", toml=given)
    assert 0 == project.call("build").code
    project.node("a", SCRIBBLE.format("../inputs/c", code), toml=given)
    assert 1 == project.call("build", "-k").code
    project.call("build", "b")
    assert "good" == project.data("b")["o"]


def test_a_node_that_writes_into_its_code_alters_no_other_nodes_result(project: Project) -> None:
    code = SCRIBBLE.format("main.sh", 0)
    project.node(
        "b", 'printf "%s" "$(cat ../inputs/c)" > ../data/o', toml='[inputs]\nc = "../text"\n'
    )
    project.write("text", code.rstrip())
    project.write("a/code/main.sh", code.rstrip())
    assert 0 == project.call("build", "b").code
    project.call("build", "-k")
    project.call("build", "b")
    assert code.rstrip() == project.data("b")["o"]
