"""What the names in `parents` stand for."""

from __future__ import annotations

import pytest


def parents_of(project, name):
    return {parent.alias: dict(parent.members) for parent in project.loaded(name).parents}


def test_a_plain_name_is_looked_up_beside_the_node_and_at_the_root(project):
    project.node("raw").node("prep/clean").node("prep/x", 'parents = ["clean", "raw"]')
    assert {"clean": {"": "prep/clean"}, "raw": {"": "raw"}} == parents_of(project, "prep/x")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("./raw", "prep/raw"), ("../raw", "raw"), ("/raw", "raw"), ("/prep/raw", "prep/raw")],
)
def test_paths_say_which_one_is_meant(project, written, meant):
    project.node("raw").node("prep/raw").node("prep/x", f'parents = ["{written}"]')
    assert {"raw": {"": meant}} == parents_of(project, "prep/x")


def test_a_name_that_is_both_beside_and_at_the_root_is_refused(project):
    project.node("raw").node("prep/raw").node("prep/x", '\nparents = ["raw"]')
    problem = project.problem()
    assert ("prep/x/node.toml", 2) == (problem.file, problem.line)
    assert 'write "./raw" for prep/raw or "/raw" for raw' == problem.mend


def test_a_node_may_read_the_root_node_of_its_own_last_name(project):
    project.node("clean").node("prep/clean", 'parents = ["clean"]')
    assert {"clean": {"": "clean"}} == parents_of(project, "prep/clean")


def test_the_table_form_gives_aliases(project):
    project.node("a/x").node("b/x").node("c", '[parents]\nleft = "a/x"\nright = "b/x"\n')
    assert {"left": {"": "a/x"}, "right": {"": "b/x"}} == parents_of(project, "c")


def test_a_group_is_a_directory_of_its_members(project):
    project.node("fits/a").node("fits/deep/b").node("sum", 'parents = ["fits"]')
    assert {"fits": {"a": "fits/a", "deep/b": "fits/deep/b"}} == parents_of(project, "sum")


def test_a_node_in_a_group_that_it_reads_leaves_itself_out(project):
    project.node("fits/a").node("fits/sum", 'parents = ["/fits"]')
    assert {"fits": {"a": "fits/a"}} == parents_of(project, "fits/sum")


def test_a_child_of_the_reader_in_the_same_group_is_a_circle(project):
    project.node("fits/a").node("fits/sum", 'parents = ["/fits"]').node(
        "fits/z", 'parents = ["sum"]'
    )
    assert "circle: fits/sum → fits/z → fits/sum" in project.problem().what


@pytest.mark.parametrize(
    ("pattern", "alias", "members"),
    [
        ("fits/*", "fits", {"a1": "fits/a1", "a2": "fits/a2"}),
        ("fits/**", "fits", {"a1": "fits/a1", "a2": "fits/a2", "deep/a1": "fits/deep/a1"}),
        ("**/a1", "a1", {"fits/a1": "fits/a1", "fits/deep/a1": "fits/deep/a1"}),
        ("fits/a[2-9]", "fits", {"a2": "fits/a2"}),
        ("fits/a[!2]", "fits", {"a1": "fits/a1"}),
        ("/fits/a?", "fits", {"a1": "fits/a1", "a2": "fits/a2"}),
    ],
)
def test_a_pattern_keeps_the_paths_below_its_fixed_prefix(project, pattern, alias, members):
    project.node("fits/a1").node("fits/a2").node("fits/deep/a1")
    project.node("sum", f'parents = ["{pattern}"]')
    assert {alias: members} == parents_of(project, "sum")


def test_a_pattern_is_seen_from_beside_the_node_too(project):
    project.node("g/fit1").node("g/fit2").node("g/sum", '[parents]\nfits = "fit*"')
    assert {"fits": {"fit1": "g/fit1", "fit2": "g/fit2"}} == parents_of(project, "g/sum")


@pytest.mark.parametrize(
    ("toml", "what", "mend"),
    [
        ('parents = ["claen"]', 'parent "claen" is not there', '"prep/clean"'),
        ('parents = ["../../x"]', "outside of the project", "only nodes of this project"),
        ('parents = ["prep/q*"]', "matches no node", "prep"),
        ('parents = ["pre*/**"]', "needs a name", "[parents] name ="),
        ('parents = ["prep/clean", "two/clean"]', 'two parents are called "clean"', "[parents]"),
        (
            '[parents]\na-b = "prep/clean"\na_b = "two/clean"',
            "would both be FP_PARENT_A_B",
            "[parents]",
        ),
        ('[parents]\n"a/b" = "prep/clean"', "cannot be the name of an alias", "plain name"),
        ('parents = "prep/clean"', "must be a list", 'parents = ["prep/clean"]'),
        ("parents = [1]", "parents[0] must be text", ""),
        ('parents = [""]', "parents[0] is empty", ""),
        ('parents = ["prep/[b-a]"]', "is no valid pattern", "mend its [..]"),
    ],
)
def test_a_wrong_parent_is_told_with_how_to_mend_it(project, toml, what, mend):
    project.node("prep/clean").node("two/clean").node("x", toml)
    problem = project.problems()[0]
    assert "x/node.toml" == problem.file
    assert problem.line > 0
    assert what in problem.what
    assert mend in problem.mend


def test_the_whole_project_cannot_be_a_parent(project):
    project.node("a").node("prep/x", 'parents = [".."]')
    assert "the whole project cannot be a parent" == project.problem().what


def test_a_pattern_that_matches_beside_and_at_the_root_is_refused(project):
    project.node("fit1").node("g/fit2").node("g/sum", '[parents]\nfits = "fit*"')
    assert "beside this one and at the root" in project.problem().what


def test_a_circle_is_told_once_with_its_path_and_the_line_of_one_arrow(project):
    project.node("a", '# comment\nparents = ["b"]').node("b", 'parents = ["c"]')
    project.node("c", 'parents = ["a"]').node("d", 'parents = ["a"]')
    problem = project.problem()
    assert ("a/node.toml", 2) == (problem.file, problem.line)
    assert "nodes read each other in a circle: a → b → c → a" == problem.what


def test_two_separate_circles_are_both_told(project):
    project.node("a", 'parents = ["b"]').node("b", 'parents = ["a"]').node("c", 'parents = ["c"]')
    first, second = project.problems()
    assert (True, True) == ("a → b → a" in first.what, "c → c" in second.what)
