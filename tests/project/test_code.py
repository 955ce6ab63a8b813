"""What is laid out under code/, and how a node is started."""

from __future__ import annotations

import os

import pytest

from fusionpipe.model import Entry, Laid, Language


def places(project, name="x"):
    return [laid.at for laid in project.loaded(name).code.files]


def test_a_directory_keeps_its_paths(project):
    project.node("x").write({"x/code/lib/a.py": "", "x/code/.hidden": "", "x/code/data.csv": ""})
    assert [".hidden", "data.csv", "lib/a.py", "main.py"] == places(project)


@pytest.mark.parametrize(
    "dropping",
    [
        "__pycache__/a.pyc", "a.pyc", ".ipynb_checkpoints/a", ".venv/x", ".git/x", ".hg/x", ".svn/x",
        ".mypy_cache/x", ".pytest_cache/x", ".ruff_cache/x", ".DS_Store", "main.py~", ".main.py.swp",
        ".#main.py", "#main.py#", "4913", "explore.ipynb", "sub/__pycache__/b.pyc",
    ],
)  # fmt: skip
def test_droppings_are_not_code(project, dropping):
    project.node("x").write({f"x/code/{dropping}": ""})
    assert ["main.py"] == places(project)


def test_empty_directories_are_not_code_since_git_does_not_carry_them(project):
    project.node("x").write({"x/code/empty/": ""})
    assert (["main.py"], ()) == (places(project), project.loaded("x").code.empty)


@pytest.mark.parametrize(
    ("place", "patterns"),
    [
        (".fpignore", "*.csv"),
        ("x/.fpignore", "/code/*.csv"),
        ("x/code/.fpignore", "*.csv\n!keep.csv"),
    ],
)
def test_fpignore_counts_in_the_root_the_node_and_the_code(project, place, patterns):
    project.node("x").write({place: patterns, "x/code/a.csv": ""})
    assert ["main.py"] == places(project)


def test_the_nearest_fpignore_has_the_last_word(project):
    project.node("x").write({".fpignore": "*.csv", "x/code/.fpignore": "!keep.csv"})
    project.write({"x/code/a.csv": "", "x/code/keep.csv": ""})
    assert ["keep.csv", "main.py"] == places(project)


def test_a_bad_pattern_is_told_with_its_line(project):
    project.node("x").write({".fpignore": "*.csv\n!\n"})
    assert (".fpignore", 2) == (project.problem().file, project.problem().line)


def test_the_node_directory_as_code_leaves_out_what_is_generated(project):
    generated = [
        "data/a",
        "reports/a",
        "parents/a",
        "inputs/a",
        "libs/a",
        "params.json",
        "logs.txt",
    ]
    project.write({f"x/{name}": "" for name in generated})
    project.write(
        {"x/node.toml": 'code = "."\n', "x/.gitignore": "", "x/main.py": "", "x/sub/data/b": ""}
    )
    assert ["main.py", "sub/data/b"] == places(project)


def test_a_list_lays_files_directories_and_globs_together(project):
    project.write({"scripts/fit.m": "", "more/code/one.m": "", "lib/two.m": "", "deep/a/b/c.m": ""})
    project.write(
        {
            "g/x/node.toml": 'code = ["../../scripts/fit.m", "/more/code", "/lib", "/deep/**/*.m"]\nmain = "fit.m"'
        }
    )
    laid = project.loaded("g/x").code.files
    assert (
        Laid("a/b/c.m", "deep/a/b/c.m"),
        Laid("fit.m", "scripts/fit.m"),
        Laid("lib/two.m", "lib/two.m"),
        Laid("one.m", "more/code/one.m"),
    ) == laid


def test_code_may_be_one_file(project):
    project.write({"fit.py": "", "x/node.toml": 'code = "../fit.py"\nmain = "fit.py"'})
    assert (Laid("fit.py", "fit.py"),) == project.loaded("x").code.files


def test_a_glob_leaves_out_droppings(project):
    project.write({"x/s/main.py": "", "x/s/a.py~": "", "x/s/__pycache__/b.py": "", "x/s/.c.py": ""})
    project.write({"x/node.toml": 'code = ["s/**"]'})
    assert ["main.py"] == places(project)


@pytest.mark.parametrize(
    ("toml", "what", "mend"),
    [
        ('code = "kode"', 'code: "kode" is not there', 'did you mean "code"?'),
        ('code = ["../../y.py"]', "outside of the project", "copy or link"),
        ('code = ["*.jl"]', "matches no file", "looked below x"),
        ('code = ["code", "/other/main.py"]', "both want to be code/main.py", "rename one"),
        ('code = ["code", "/other/lib"]', "both want to be code/lib", "rename one"),
        ('code = ["../a/data/y.py"]', "is written by the build of a", 'parents = ["/a"]'),
        ('code = ["/g"]', "contains nodes", "without nodes"),
        ("code = []", "empty list", "name the files"),
        ("code = 3", "code must be text", ""),
        ('main = "fti.py"', '"fti.py" is not among', 'did you mean "fit.py"?'),
        ('main = "fit.cpp"', "cannot tell how to run fit.cpp", "run ="),
        ('main = "a.ipynb"', "notebooks are not supported yet", "main.py"),
        ('run = "make all"', "run must be a list", 'run = ["make", "all"]'),
        ("run = []", "run is empty", "name a command"),
        ('run = [""]', "run[0] is empty", ""),
        ('main = "fit.py"\nrun = ["make"]', "both main and run", "keep one"),
        ('code = "void"', "there is no file in it", "name another"),
    ],
)
def test_wrong_code_is_told_once_with_how_to_mend_it(project, toml, what, mend):
    project.node("a").node("g/b").write({"a/data/y.py": "", "other/main.py": "", "other/lib": ""})
    project.node("x", toml).write(
        {"x/code/fit.py": "", "x/code/fit.cpp": "", "x/code/lib/a.py": ""}
    )
    project.write({"x/void/": ""})
    problem = project.problem()
    assert ("x/node.toml", True) == (problem.file, problem.line > 0)
    assert what in problem.what
    assert mend in problem.mend


def test_a_node_file_without_code_run_or_source_is_told(project):
    project.write({"x/node.toml": ""})
    assert "this node has no code, no run and is no source" == project.problem().what


def test_code_without_an_entry_in_a_node_is_told(project):
    project.write({"x/node.toml": "", "x/code/fit.py": ""})
    assert 'say how to start it: main = "fit.py"' in project.problem().mend


def test_two_entries_are_told_with_the_line_that_chooses(project):
    project.node("x").node("x", main="main.sh")
    problem = project.problem()
    assert "code/ has two entries: main.py and main.sh" == problem.what
    assert 'say which in x/node.toml: main = "main.py"' == problem.mend
    project.write({"x/node.toml": 'main = "main.sh"'})
    assert "main.sh" == project.loaded("x").entry.main


def test_a_notebook_in_a_node_is_not_supported_yet(project):
    project.write({"x/node.toml": "", "x/code/main.ipynb": ""})
    assert "notebooks are not supported yet" == project.problem().what


def test_a_main_that_is_not_executable_is_told(project):
    project.write({"x/node.toml": "", "x/code/main": "text"})
    assert "make it executable: chmod +x x/code/main" == project.problem().mend


@pytest.mark.parametrize(
    ("main", "text", "language"),
    [
        ("main.py", "", Language.PYTHON),
        ("main.sh", "echo", Language.SHELL),
        ("main.sh", "#!/bin/sh\n# not bash", Language.SHELL),
        ("main.sh", "#!/usr/bin/env bash\n", Language.BASH),
        ("main.R", "", Language.R),
        ("main.jl", "", Language.JULIA),
        ("main.m", "", Language.OCTAVE),
        ("main", "#!/usr/bin/perl\n", Language.EXECUTABLE),
    ],
)
def test_an_entry_tells_its_language(project, main, text, language):
    project.write({f"x/code/{main}": text})
    assert Entry(language, main) == project.loaded("x").entry


def test_main_m_runs_in_matlab_where_the_settings_say_so(project):
    project.node("x", main="main.m").write({"fusionpipe.toml": 'matlab = "matlab"'})
    assert Entry(Language.MATLAB, "main.m") == project.loaded("x").entry


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("python", Language.PYTHON), ("/usr/bin/python3", Language.PYTHON), ("Rscript", Language.R),
        ("julia", Language.JULIA), ("octave", Language.OCTAVE), ("matlab", Language.MATLAB),
        ("sh", Language.SHELL), ("bash", Language.BASH), ("make", Language.COMMAND),
    ],
)  # fmt: skip
def test_the_first_word_of_run_tells_its_language(project, word, language):
    project.write({"x/node.toml": f'run = ["{word}", "-v"]'})
    node = project.loaded("x")
    assert (Entry(language, "", (word, "-v")), ()) == (node.entry, node.code.files)


def test_links_within_the_code_stay_links(project):
    project.node("x").write({"x/code/lib/a.py": ""})
    project.link("x/code/b.py", "lib/a.py").link("x/code/also", "lib").link(
        "x/code/lib/up", "../main.py"
    )
    links = {laid.at for laid in project.loaded("x").code.files if laid.is_link}
    assert {"b.py", "also", "lib/up"} == links


def test_links_to_elsewhere_are_followed(project, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far/a.py").write_text("")
    project.node("x").write({"shared/b.py": ""})
    project.link("x/code/far", str(tmp_path / "far")).link("x/code/b.py", "../../shared/b.py")
    project.link("x/code/me.py", str(project.root / "x/code/main.py"))
    assert (
        Laid("b.py", "x/code/b.py"),
        Laid("far/a.py", "x/code/far/a.py"),
        Laid("main.py", "x/code/main.py"),
        Laid("me.py", "x/code/me.py"),
    ) == project.loaded("x").code.files


def test_a_link_to_what_is_not_code_is_followed(project):
    project.node("x").write({"x/code/a.ipynb": "{}"}).link("x/code/b", "a.ipynb")
    assert (Laid("b", "x/code/b"), Laid("main.py", "x/code/main.py")) == project.loaded(
        "x"
    ).code.files


@pytest.mark.parametrize("target", ["{root}/x/code", "../../x", "{root}", "../../loop"])
def test_a_symlink_loop_is_told(project, target):
    project.node("x").link("x/code/round", target.format(root=project.root)).link(
        "loop/back", "../x/code"
    )
    assert any("symlink loop" in problem.what for problem in project.problems())


def test_a_dangling_link_is_told(project):
    project.node("x").link("x/code/gone.py", "nowhere.py")
    problem = project.problem()
    assert ("x/code/gone.py", "is a symlink to nowhere.py, which is not there") == (
        problem.file,
        problem.what,
    )


def test_a_fifo_in_the_code_is_told(project):
    project.node("x")
    os.mkfifo(project.root / "x/code/pipe")
    assert ("x/code/pipe", True) == (project.problem().file, "fifo" in project.problem().what)


def test_the_code_directory_itself_may_be_a_link(project):
    project.write({"shared/main.py": ""}).link("x/code", "../shared")
    assert (Laid("main.py", "x/code/main.py"),) == project.loaded("x").code.files
