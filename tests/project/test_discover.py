"""Which directories are nodes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusionpipe.errors import ProjectInvalid, UsageError
from fusionpipe.project import find_root, load, names_in
from fusionpipe.testing import PlainDisk


def test_a_directory_with_an_entry_or_a_node_file_is_a_node(project):
    project.node("a").node("group/b", main="main.sh").node("group/deep/c", main="main.R")
    project.write({"d/node.toml": 'run = ["make"]\n', "e/code/main": "#!/bin/sh\n"})
    assert ["a", "d", "e", "group/b", "group/deep/c"] == project.names()
    assert ("group", "group/deep") == project.load().groups


def test_nothing_below_a_node_is_searched(project):
    project.node("a").node("a/inner").node("a/code/inner")
    assert ["a"] == project.names()


@pytest.mark.parametrize(
    "directory", [".hidden", "__pycache__", "node_modules", "env", "nested", "old"]
)
def test_some_directories_are_not_walked_into(project, directory):
    project.write({"fusionpipe.toml": 'exclude = ["/old/"]\n'})
    project.node("a").node(f"{directory}/b")
    project.write({"env/pyvenv.cfg": "", "nested/fusionpipe.toml": ""})
    assert ["a"] == project.names()


def test_symlinked_directories_are_not_walked_into(project):
    project.node("real/a").link("real/loop", "..").link("other", "real")
    assert ["real/a"] == project.names()


def test_what_a_build_leaves_behind_is_no_node(project):
    project.node("a")
    project.write({"gone/logs.txt": "", "gone/params.json": "{}", "gone/parents/": ""})
    project.write({"gone/code/__pycache__/main.pyc": ""}).link("gone/data", "/nowhere")
    assert (["a"], ()) == (project.names(), project.load().near_misses)


def test_code_without_an_entry_is_a_near_miss_and_no_error(project):
    project.node("a").write({"b/code/fit.py": ""})
    (miss,) = project.load().near_misses
    assert ("b/code", 'write b/node.toml with the line: main = "fit.py"') == (miss.file, miss.mend)


def test_a_project_without_nodes_lists_its_near_misses(project):
    project.write({"b/code/fit.py": "", "c/code/main": "not executable"})
    first, second = project.problems()
    assert ("b/code", "c/code") == (first.file, second.file)
    assert "make it executable: chmod +x c/code/main" == second.mend


def test_an_empty_project_says_how_to_make_a_node(project):
    assert "make one: fp new NAME" == project.problem().mend


def test_a_group_may_be_called_code(project):
    project.node("code/a").write({"code/readme.py": ""})
    assert (["code/a"], ()) == (project.names(), project.load().near_misses)


def test_a_notebook_entry_is_not_supported_yet(project):
    project.node("a").write({"b/code/main.ipynb": "{}"})
    problem = project.problem()
    assert ("b/code/main.ipynb", "notebooks are not supported yet") == (problem.file, problem.what)


def test_the_root_cannot_be_a_node(project):
    project.node("a").write({"node.toml": ""})
    assert ("node.toml", "the project's root cannot be a node") == (
        project.problem().file,
        project.problem().what,
    )


@pytest.mark.parametrize(
    "name", ["a@b", "a=b", "g/a,b", "a[1]", "a{b}", "a*", "a?", "a+b", "a\\b", "a\nb"]
)
def test_names_with_excluded_characters_are_refused(project, name):
    project.node(name)
    assert (name, True) == (
        project.problem().file,
        project.problem().what.startswith("a node's name cannot contain"),
    )


def test_a_name_that_is_not_utf8_is_refused(project):
    name = os.fsdecode(b"caf\xe9")
    project.node("a")
    os.makedirs(os.fsencode(project.root) + b"/caf\xe9/code")
    Path(os.fsdecode(os.fsencode(project.root) + b"/caf\xe9/code/main.py")).write_text("")
    assert (name, "a node's name must be valid UTF-8") == (
        project.problem().file,
        project.problem().what,
    )


def test_names_with_spaces_and_letters_of_any_language_are_fine(project):
    project.node("prép données/größe").node("データ")
    assert ["prép données/größe", "データ"] == project.names()


@pytest.mark.parametrize(
    ("one", "other"), [("a/Fit", "a/fit"), ("Prep/x", "prep/y"), ("caf\u00e9", "cafe\u0301")]
)
def test_names_that_other_file_systems_cannot_tell_apart_are_refused(project, one, other):
    project.node(one).node(other)
    assert "only in case or accents" in project.problem().what


def test_equal_names_in_different_groups_are_fine(project):
    project.node("a/fit").node("b/fit").node("b/Run").node("a/run")
    assert 4 == len(project.names())


def test_the_root_is_found_from_below(project):
    project.node("prep/a")
    assert project.root == find_root(project.root / "prep/a/code")


def test_without_a_root_the_user_is_told_of_init(tmp_path):
    with pytest.raises(UsageError, match="fp init"):
        find_root(tmp_path)


class LockedDisk(PlainDisk):
    """A disk on which the directory "locked" may not be read, whoever asks."""

    def scan(self, directory):
        if directory == "locked":
            raise PermissionError(13, "Permission denied", directory)
        return super().scan(directory)


def test_an_unreadable_directory_is_a_mistake(project):
    project.node("a").write({"locked/": ""})
    with pytest.raises(ProjectInvalid, match="locked: cannot be read: Permission denied"):
        load(LockedDisk(project.root))


def test_names_are_told_even_when_node_files_are_wrong(project):
    project.node("g/a", "= nonsense").node("b", 'parents = ["nowhere"]')
    assert (("b", "g/a"), ("g",)) == names_in(PlainDisk(project.root))
