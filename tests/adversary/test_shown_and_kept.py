"""What a node's directory shows is its result, all of it; choices outlive the private state (L5, L7)."""

from __future__ import annotations

import os
import shutil
import time

from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.events import Outcome
from fusionpipe.model import NodeName
from fusionpipe.testing import PLENTY, Project


def test_reports_and_a_log_that_were_removed_come_back(project: Project) -> None:
    project.node("a", "echo told; echo it > ../reports/it; echo it > ../data/it").build()
    for name in ("reports", "logs.txt"):
        (project.root / "a" / name).unlink()
    assert {"a": Outcome.KEPT} == project.build().outcomes
    assert "it\n" == (project.root / "a/reports/it").read_text()
    assert "told" in (project.root / "a/logs.txt").read_text()


def test_reports_of_ones_own_in_place_of_the_results_are_kept_and_the_results_come_back(
    project: Project,
) -> None:
    project.node("a", "echo it > ../reports/it; echo it > ../data/it").build()
    (project.root / "a/reports").unlink()
    project.write("a/reports/mine", "mine")
    assert "they are kept in" in project.build().notices
    assert ["it"] == os.listdir(project.root / "a/reports")


def test_a_build_under_a_clock_that_was_ahead_does_not_hold_later_links_up(
    project: Project,
) -> None:
    project.node("a").build()
    order = LinkOrder(project.root / ".fusionpipe/state/links")
    with order.turn(NodeName("a"), time.time_ns() + 10**18) as is_ours:
        assert is_ours
    order.close()
    project.node("a", "echo new > ../data/it.txt").build()
    assert {"it.txt": "new\n"} == project.data("a")


def test_a_parent_swapped_for_one_with_equal_data_is_linked(project: Project) -> None:
    for name in ("one", "two"):
        project.node(name, "echo same > ../data/it.txt")
    project.node("a", "cat ../parents/p/it.txt > ../data/it.txt", toml='[parents]\np = "one"\n')
    project.build()
    project.write("a/node.toml", '[parents]\np = "two"\n')
    assert Outcome.KEPT == project.build().outcomes["a"]
    assert "../../two/data" == os.readlink(project.root / "a/parents/p")


def test_a_result_whose_log_is_gone_is_still_restored(project: Project) -> None:
    project.node("a").build()
    os.unlink(os.path.realpath(project.root / "a/logs.txt"))
    (project.root / "a/data").unlink()
    assert {"a": Outcome.RESTORED} == project.build().outcomes
    assert {"it.txt": "a\n"} == project.data("a")


def test_a_choice_outlives_the_private_state(project: Project) -> None:
    project.node("a", "od -An -N8 -tx1 /dev/urandom > ../data/it.txt").build()
    project.build("a", force=True)
    chosen = project.data("a")
    shutil.rmtree(project.root / ".fusionpipe/state")
    project.build()
    assert chosen == project.data("a")


def test_a_node_that_edits_what_it_reads_fails_and_its_sibling_reads_what_was_stored(
    project: Project,
) -> None:
    project.node("p", "echo good > ../data/it.txt").build()
    edit = "sed -i s/good/evil/ ../parents/p/it.txt && cat ../parents/p/it.txt > ../data/it.txt"
    project.node("x", edit, parents=["p"])
    project.node("y", "cat ../parents/p/it.txt > ../data/it.txt", parents=["p"])
    built = project.build(keeps_going=True)
    assert Outcome.FAILED == built.outcomes["x"]
    assert {"it.txt": "good\n"} == project.data("y")


def test_indentation_in_a_lock_counts(project: Project) -> None:
    project.write("env.yml", "deps:\n  - pip:\n    - one\n  - two\n")
    project.node("a", toml='lock = ["env.yml"]\n').build()
    project.write("env.yml", "deps:\n  - pip:\n    - one\n    - two\n")
    assert {"a": Outcome.RAN} == project.build().outcomes


def test_a_lib_and_an_input_that_are_the_same_directory_are_both_linked(project: Project) -> None:
    project.write("src/ours/x.py", "")
    project.node("a", toml='libs = ["src/ours"]\n[inputs]\nours = "../src/ours"\n').build()
    assert all((project.root / "a" / name / "ours/x.py").is_file() for name in ("libs", "inputs"))


def test_a_source_that_is_nested_too_deeply_fails_and_does_not_hang(project: Project) -> None:
    deep = os.open(project.write("raw/data/x", "").root / "raw/data", os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    project.write("raw/node.toml", "source = true\n").node("a", parents=["raw"])
    build = project.start("build")
    out, err = build.communicate(timeout=PLENTY)
    status = project.call("status").out
    project.shell("rm -rf raw")  # too deep for pytest to clear away
    assert (1, "") == (build.returncode, err)
    assert "nested too deeply" in out
    assert "nested too deeply" in status


def test_a_journal_that_cannot_be_written_is_no_crash(project: Project) -> None:
    project.node("a").build()
    (project.root / ".fusionpipe/builds.jsonl").unlink()
    (project.root / ".fusionpipe/builds.jsonl").mkdir()
    result = project.fp("build")
    assert "Traceback" not in result.err
    assert "builds.jsonl" in result.err
