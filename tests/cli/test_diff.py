"""`fp diff`: two results, two builds, and what each option leaves of them."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest

from fusionpipe.build.archive import open_archive
from fusionpipe.build.difference import Scope, compare_results
from fusionpipe.build.refs import resolve
from fusionpipe.testing import Project
from fusionstore.contract import Json

LOAD = """\
printf 'id,x\\n1,10\\n2,20\\n' > ../data/t.csv
echo '{"a": {"b": 1}}' > ../data/m.json
echo same > ../data/same
echo moved > ../data/here
"""
LOAD_AFTER = """\
printf 'id,x\\n1,10\\n2,25\\n3,30\\n' > ../data/t.csv
echo '{"a": {"b": 2}}' > ../data/m.json
echo same > ../data/same
echo moved > ../data/there
"""


def builds(project: Project) -> list[str]:
    """The ids of all builds, the first first."""
    lines = (project.root / ".fusionpipe/builds.jsonl").read_text().splitlines()
    return [json.loads(line)["build"] for line in lines]


def record(project: Project, node: str) -> str:
    """The record that the latest build gave a node."""
    for build in reversed(builds(project)):
        file = project.root / ".fusionpipe/builds" / f"{build}.jsonl"
        for line in file.read_text().splitlines() if file.exists() else ():
            told = json.loads(line)
            if told["node"] == node and told["record"]:
                return str(told["record"])
    raise AssertionError(f"{node} has no result")


@pytest.fixture
def edited(project: Project) -> tuple[Project, str]:
    return edit(project)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """As `edited`, built once: for tests that only ask."""
    return edit(Project(tmp_path_factory.mktemp("past") / "project"))


def edit(project: Project) -> tuple[Project, str]:
    """A node after an edit of its code and a parameter, and the record it had before."""
    project.node("load", LOAD, toml="[params]\nk = 1\n").node("below", parents=["load"])
    project.call("build")
    before = record(project, "load")
    project.node("load", LOAD_AFTER, toml="[params]\nk = 2\n").call("build")
    return project, before


def below_header(told: str) -> str:
    """What is told below the two lines on who made the results."""
    return told.partition("\n\n")[2]


def test_two_results_are_told_part_by_part(past: tuple[Project, str]) -> None:
    project, before = past
    told = project.call("diff", before, "load")
    assert (1, "") == (told.code, told.err)
    assert below_header(told.out).startswith("parameters\n  k: 1 → 2\n\ncode\n  M code/main.sh")
    digests = re.compile("(?<=16 B, )[0-9a-f]{8} → [0-9a-f]{8}")
    assert digests.sub("(digests)", told.out).endswith(
        "\ndata\n"
        "  M data/m.json  16 B, (digests)\n"
        "      a.b: 1 → 2\n"
        "  M data/t.csv  15 B → 20 B\n"
        "      2 → 3 rows, by id: 1 changed, 1 added\n"
        "      x: 1 value changed, by up to 5 (20 %)\n"
        "      2 · x: 20 → 25\n"
        "      + 3, 30\n"
        "  R data/here → data/there  6 B\n"
    )


def test_a_result_does_not_differ_from_itself(past: tuple[Project, str]) -> None:
    project, _ = past
    told = project.call("diff", "load", "load")
    assert 0 == told.code
    assert told.out.startswith("both are one result: load  ")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--params",), "parameters\n  k: 1 → 2\n"),
        (("--params", "--name-only"), None),
        (("--data", "--stat"), "data\n"),
        (("--code", "--stat"), "code\n"),
    ],
)
def test_parts_can_be_asked_for_alone(
    past: tuple[Project, str], words: tuple[str, ...], expected: str | None
) -> None:
    project, before = past
    told = project.call("diff", *words, before, "load")
    assert 1 == told.code
    titles = [line for line in told.out.splitlines() if line in ("parameters", "code", "data")]
    assert ([] if expected is None else [expected.split("\n")[0]]) == titles
    assert below_header(told.out).startswith(expected or "")


def test_a_line_a_file(past: tuple[Project, str]) -> None:
    project, before = past
    told = project.call("diff", "--data", "--stat", before, "load").out
    assert [
        "  data/m.json  1 changed",
        "  data/t.csv  1 changed, 1 added",
        "  data/here → data/there  renamed",
        "  3 files: 2 changed, 1 renamed",
    ] == below_header(told).splitlines()[1:]


def test_names_alone(past: tuple[Project, str]) -> None:
    project, before = past
    told = project.call("diff", "--name-only", before, "load").out
    assert ["code/main.sh", "data/m.json", "data/t.csv", "data/there"] == told.splitlines()


@pytest.mark.parametrize("path", ["data/t.csv", "t.csv", "./data/t.csv", "data/*.csv"])
def test_paths_limit_what_is_compared(past: tuple[Project, str], path: str) -> None:
    project, before = past
    told = project.call("diff", "--name-only", before, "load", path)
    assert (1, "data/t.csv\n") == (told.code, told.out)
    assert 0 == project.call("diff", before, "load", "data/same").code


def test_a_path_that_is_nowhere_is_a_mistake(past: tuple[Project, str]) -> None:
    project, before = past
    told = project.call("diff", before, "load", "t.scv")
    assert (2, "") == (told.code, told.out)
    assert told.err.startswith("fp: t.scv is in neither result\n")


def test_a_key_can_be_given(past: tuple[Project, str]) -> None:
    project, before = past
    told = project.call("diff", "--key", "x", before, "load", "t.csv").out
    assert "2 → 3 rows, by x: 2 added, 1 removed" in told


def test_much_is_cut_short_unless_all_is_asked_for(project: Project) -> None:
    make = "for i in $(seq 300); do echo {} $i > ../data/$i.txt; echo {} $i >> ../data/log; done"
    project.node("many", make.format("old", "old")).call("build")
    before = record(project, "many")
    project.node("many", make.format("new", "new")).call("build")
    short = project.call("diff", "--data", before, "many").out.splitlines()
    assert len(short) < 200
    assert "  301 files: 301 changed" in short
    assert "  … 271 more files (all of them: --stat, --name-only, --json)" in short
    assert any(line.startswith("  M data/1.txt") for line in short)
    full = project.call("diff", "--full", before, "many").out
    assert "M data/99.txt" in full
    assert "+new 300" in full
    assert "more" not in full
    assert 301 == len(
        project.call("diff", "--data", "--name-only", before, "many").out.splitlines()
    )


def test_json_tells_everything(past: tuple[Project, str]) -> None:
    project, before = past
    told: dict[str, Any] = json.loads(project.call("diff", "--json", before, "load").out)
    assert (before, False) == (told["old"]["record"], told["equal"])
    assert [{"field": "param", "name": "param k", "old": 1, "new": 2}] == told["changes"]
    files = {file["path"]: file for file in told["files"]}
    assert "data/here" == files["data/there"]["was"]
    table = files["data/t.csv"]["content"]
    assert ("table", ["id"], 1, 1, 0) == (
        table["kind"],
        table["key"],
        table["changed"],
        table["added"],
        table["removed"],
    )
    assert [{"row": "2", "column": "x", "old": "20", "new": "25"}] == table["cells"]


def test_other_data_of_a_parent_lead_on(edited: tuple[Project, str]) -> None:
    project, _ = edited
    project.node("below", "cat ../parents/load/m.json > ../data/it.txt", parents=["load"])
    project.call("build")
    before = record(project, "below")
    project.node("load", LOAD, toml="[params]\nk = 2\n").call("build")
    told = project.call("diff", before, "below").out
    line = next(line for line in told.splitlines() if "other data of load" in line)
    command = line.partition("(")[2].rstrip(")").split()
    assert ["fp", "diff"] == command[:2]
    assert 1 == project.call(*command[1:]).code


def test_a_parent_that_changed_data_that_did_not(edited: tuple[Project, str]) -> None:
    project, _ = edited
    before_edit = record(project, "below")
    project.node("below", "echo  below > ../data/it.txt", parents=["load"]).call("build")
    told = project.call("diff", before_edit, "below").out
    assert told.endswith("\ndata\n  equal\n")


def test_runs_of_the_same_that_differ_are_not_reproducible(project: Project) -> None:
    project.node("roll", "date +%N%s > ../data/x; cat /proc/uptime >> ../data/x").call("build")
    before = record(project, "roll")
    project.call("build", "-f", "roll")
    told = project.call("diff", before, record(project, "roll"))
    assert 1 == told.code
    assert "made of the same, yet not equal: not reproducible" in told.out


def test_two_builds_are_compared_node_by_node(edited: tuple[Project, str]) -> None:
    project, _ = edited
    project.node("bad", "exit 1").node("new").call("build", "-k")
    first, second, third = builds(project)
    told = project.call("diff", first, third)
    assert 1 == told.code
    lines = [line.split("  ", 1) for line in below_header(told.out).splitlines()]
    seen = {line[0].strip(): line[1].strip() for line in lines if len(line) == 2}
    assert ["bad", "load", "new", "below"] == list(seen)[:4], "causes before what followed"
    assert "failed" == seen["bad"]
    assert "no result before" == seen["new"]
    assert "param k: 1 → 2; code/main.sh edited · 3 files of data" in seen["load"]
    assert seen["below"].startswith("load produced other data · equal data")
    assert "4 nodes differ, 1 of them only in their parents' data" in told.out
    assert 0 == project.call("diff", third, third).code
    assert "bad\nnew\n" == project.call("diff", "--name-only", second, third).out


def test_a_build_that_kept_everything_is_equal_to_the_one_before(
    edited: tuple[Project, str],
) -> None:
    project, _ = edited
    project.call("build")
    _, second, third = builds(project)
    told = project.call("diff", second, third)
    assert (0, True) == (told.code, "every node had the same result" in told.out)


def test_a_result_brought_back_is_the_one_it_was(edited: tuple[Project, str]) -> None:
    project, _ = edited
    project.node("load", LOAD, toml="[params]\nk = 1\n").call("build")
    first, second, third = builds(project)
    assert 0 == project.call("diff", first, third).code
    assert "below\nload\n" == project.call("diff", "--name-only", third, second).out


def test_a_failure_that_was_undone_is_none(project: Project) -> None:
    project.node("a", "echo 1 > ../data/x").call("build")
    project.node("a", "exit 1").call("build")
    project.node("a", "echo 1 > ../data/x").call("build")
    first, second, third = builds(project)
    assert 0 == project.call("diff", first, third).code
    told: dict[str, Any] = json.loads(project.call("diff", "--json", second, third).out)
    assert [("a", "recovered")] == [(one["node"], one["became"]) for one in told["nodes"]]


def test_a_build_and_a_result_cannot_be_compared(past: tuple[Project, str]) -> None:
    project, before = past
    told = project.call("diff", builds(project)[0], before)
    assert 2 == told.code
    assert "is a build" in told.err


def test_unknown_and_ambiguous_builds_are_said_to_be(edited: tuple[Project, str]) -> None:
    project, _ = edited
    assert "no build is called 19990101-0000" in project.call("diff", "19990101-0000", "x").err
    first = builds(project)[0]
    copy = json.dumps({"build": f"{first[:-1]}g", "started": 1})
    with open(project.root / ".fusionpipe/builds.jsonl", "a") as file:
        file.write(copy + "\n")
    told = project.call("diff", first[:-1], first)
    assert (2, True) == (told.code, "begins 2 builds" in told.err)


def test_a_broken_project_can_be_asked_about_its_past(edited: tuple[Project, str]) -> None:
    project, before = edited
    project.write("load/node.toml", "this is [not toml")
    assert 1 == project.call("diff", before, "load").code
    first, second = builds(project)
    assert 1 == project.call("diff", first, second).code


def test_results_whose_bytes_are_gone_still_tell_which_files_differ(
    edited: tuple[Project, str],
) -> None:
    project, before = edited
    shutil.rmtree(project.root / ".fusionpipe/store/objects")
    shutil.rmtree(project.root / ".fusionpipe/store/trees")
    told = project.call("diff", before, "load")
    assert (1, "") == (told.code, told.err)
    assert "M data/t.csv  15 B → 20 B, its bytes are gone\n" in told.out


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"uses": {"a": "1", "b": "1"}}, {"uses": {"a": "2", "b": "1"}}, ["a 1 → 2"]),
        ({"uses": {"a": "1"}}, {"uses": {"b": "1"}}, ["a 1 → (none)", "b (none) → 1"]),
        ({"uses": {"a": "1"}}, {"everything": {"a": "2", "b": "1"}}, ["a 1 → 2"]),
        ({"everything": {"a": "1"}}, {"everything": {"b": "1"}}, ["a 1 → (none)", "b (none) → 1"]),
    ],
)
def test_packages_that_were_used_are_compared(
    past: tuple[Project, str], old: Json, new: Json, expected: list[str]
) -> None:
    project, _ = past
    with open_archive(project.root, project.environment) as archive:
        found = resolve(archive, "load")
        sides = [
            found._replace(
                full=found.full._replace(
                    record=found.full.record._replace(observed={"python": observed})
                )
            )
            for observed in (old, new)
        ]
        seen = compare_results(archive, sides[0], sides[1], Scope())
    assert expected == [str(change) for change in seen.changes]


def test_names_and_a_line_each_exclude_one_another(past: tuple[Project, str]) -> None:
    project, before = past
    assert 2 == project.call("diff", "--stat", "--name-only", before, "load").code


def test_inputs_and_libs_are_told_file_by_file(project: Project) -> None:
    toml = """
libs = ["../ours"]
[inputs]
config = "../settings.txt"
all = "../many/*.txt"
"""
    project.write("settings.txt", "a\n").write("many/1.txt", "x\n").write("ours/m.py", "1\n")
    project.node("n", toml=toml)
    assert 0 == project.call("build").code
    before = record(project, "n")
    project.write("settings.txt", "b\n").write("many/2.txt", "y\n").write("ours/m.py", "2\n")
    assert 0 == project.call("build").code
    told = project.call("diff", "--name-only", before, "n").out.splitlines()
    assert {"inputs/config", "inputs/all/2.txt", "libs/ours/m.py"} <= set(told), told
    shown = project.call("diff", before, "n").out
    assert "inputs\n  A inputs/all/2.txt  2 B\n  M inputs/config" in shown
    assert "edited" not in shown, "nothing is told twice"


def test_reports_are_told_under_a_heading_of_their_own(project: Project) -> None:
    for word in ("one", "two"):
        project.node("fit", f"echo same > ../data/x; echo {word} > ../reports/log").call("build")
    told = project.call("diff", "fit@{1}", "fit").out
    assert "\ndata\n  equal\n\nreports\n" in told


def test_what_else_a_ref_could_mean_is_said_by_all_who_take_one(project: Project) -> None:
    project.node("load").call("build")
    assert 0 == project.call("pin", "load", "beside").code
    assert 0 == project.node("beside", "echo 1 > ../data/x").call("build").code
    note = "fp: beside is a pin too: the node is meant\n"
    for words in (["diff", "load", "beside"], ["checkout", "beside", "../laid"], ["export", "beside", "../x.fpx"], ["reproduce", "beside"], ["pin", "beside", "other"]):  # fmt: skip
        assert note == project.call(*words).err, words
