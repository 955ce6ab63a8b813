"""What a build makes in a node's directory comes back when it is gone, and shows no more than a run sees."""

from __future__ import annotations

import os
import shutil

from fusionpipe.testing import Project


def test_links_to_parents_that_were_removed_are_made_again(project: Project) -> None:
    project.node("a").node("b", "cat ../parents/a/* > ../data/o", parents=["a"])
    assert 0 == project.call("build").code
    shutil.rmtree(project.root / "b/parents")
    assert 0 == project.call("build").code
    assert os.path.isdir(project.root / "b/parents/a")


def test_by_hand_a_glob_shows_what_it_matches_and_nothing_else(project: Project) -> None:
    project.write("config/a.yaml", "1").write("config/b.txt", "2")
    project.node("n", "ls ../inputs/c > ../data/o", toml='[inputs]\nc = "../config/*.yaml"\n')
    assert 0 == project.call("build").code
    assert "a.yaml\n" == project.data("n")["o"]
    assert ["a.yaml"] == os.listdir(project.root / "n/inputs/c")


def test_links_are_made_for_all_others_where_one_result_is_damaged(project: Project) -> None:
    project.node("a", "echo a > ../data/o").node("b", "echo b > ../data/o")
    assert 0 == project.call("build").code
    tree = project.root / "a" / os.readlink(project.root / "a/data")
    (tree / "o").chmod(0o644)
    (tree / "o").write_text("evil, and longer")
    for name in ("a", "b"):
        os.unlink(project.root / name / "data")
    assert 0 == project.call("link").code
    assert "b\n" == project.data("b")["o"]
    assert not os.path.lexists(project.root / "a/data")


def test_the_params_that_another_build_wrote_are_not_taken_for_the_users(project: Project) -> None:
    project.node("n", "cat ../params.json > ../data/o", toml="[params]\nk = 1\n")
    assert 0 == project.call("build").code
    written = (project.root / "n/params.json").read_text()
    (project.root / "n/params.json").write_text(written.replace("1", "2"))
    assert 0 == project.call("build", "-p", "n.k=3").code
    assert written.replace("1", "3") == (project.root / "n/params.json").read_text()
    assert [] == list(project.root.glob("n/*.yours"))
