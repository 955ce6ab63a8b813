"""What somebody meets who tries it for an afternoon: mistakes that should cost a minute, and no debris."""

from __future__ import annotations

import os

from fusionpipe.testing import Project

WRITE = "cp ../params.json ../data/x"


def test_a_project_that_says_what_cannot_be_leaves_no_probes(project: Project) -> None:
    project.node("load", toml="sead = 1")
    assert 3 == project.call("build").code
    private = project.root / ".fusionpipe"
    assert [] == [name for name in os.listdir(private) if name.startswith(".probe")]


def test_a_node_that_has_to_run_still_says_that_its_data_came_from_the_command_line(
    project: Project,
) -> None:
    project.node("load", WRITE, toml="[params]\nrate = 1\n")
    project.call("build", "-p", "load.rate=2")
    project.node("load", WRITE, toml="[params]\nrate = 3\n")
    assert "made with -p" in project.call("status").out
    assert "what is linked now was made with -p: rate" in project.call("why", "load").out


def test_a_source_has_no_log_to_wait_for(project: Project) -> None:
    project.write("raw/data/x.csv", "1\n").write("raw/node.toml", "source = true\n")
    for words in (["logs", "raw"], ["logs", "-f", "raw"]):
        result = project.call(*words)
        assert (2, "fp: raw is a source: nothing runs, so it has no log\n") == (
            result.code,
            result.err,
        )


def test_a_file_that_is_there_by_hand_but_not_declared_is_pointed_out(project: Project) -> None:
    project.write("config/a.yaml", "a: 1\n").node("load", "cat ../../config/a.yaml > ../data/x")
    told = project.call("build").out
    assert (
        "../../config/a.yaml is not declared, so a build does not give it: "
        'say [inputs] NAME = "../config/a.yaml" in node.toml and read ../inputs/NAME'
    ) in told
    project.node("load", "cat ../inputs/conf", toml='[inputs]\nconf = "../config/a.yaml"\n')
    assert "exited with" not in project.call("build").out


def test_a_result_that_is_there_by_hand_but_no_parents_is_pointed_out(project: Project) -> None:
    project.node("prep/load", "echo 1 > ../data/x").call("build")
    project.node("fit", "cat ../../prep/load/data/x > ../data/x")
    told = project.call("build").out
    assert 'say parents = ["/prep/load"] and read ../parents/load/x' in told
    project.node("fit", "cat ../parents/load/x > ../data/x", parents=["/prep/load"])
    assert 0 == project.call("build").code


def test_a_file_that_is_nowhere_gets_no_advice(project: Project) -> None:
    assert "is not declared" not in project.node("load", "cat ../nothing").call("build").out


def test_a_run_by_hand_that_wrote_the_result_again_is_nothing_to_warn_of(project: Project) -> None:
    project.node("load", "echo 1 > ../data/x").call("build")
    project.call("run", "load")
    assert "files of your own" not in (told := project.call("build")).err + told.out
    project.node("load", "echo 2 > ../data/x").call("run", "load")
    assert "files of your own" in (told := project.call("build")).err + told.out


def test_a_renamed_node_says_what_it_was_only_once(project: Project) -> None:
    project.node("load", WRITE, toml="[params]\nrate = 1\n").call("build")
    (project.root / "load").rename(project.root / "fetch")
    assert "was load" in project.call("build").out
    project.write("fetch/node.toml", "[params]\nrate = 2\n").call("build")
    project.write("fetch/node.toml", "[params]\nrate = 1\n")
    told = project.call("build").out
    assert "restored" in told
    assert "was load" not in told


def test_what_a_parent_ran_for_is_told_of_the_run_that_wrote_what_is_read(
    project: Project,
) -> None:
    project.node("load", WRITE, toml="[params]\nrate = 1\n")
    project.node("fit", "cp ../parents/load/x ../data/x", parents=["load"]).call("build")
    project.write("load/node.toml", "[params]\nrate = 2\n").call("build")
    project.write("load/node.toml", "[params]\nrate = 1\n").call("build", "load")
    project.write("load/node.toml", "[params]\nrate = 2\n")
    told = project.call("why", "fit").out
    assert "load ran because: param rate: 1 → 2" in told
    assert "load ran because: never run" not in told
