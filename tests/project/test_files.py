"""Libs, inputs, locks and sources."""

from __future__ import annotations

import pytest

from fusionpipe.model import FileSet, Laid, Source


def test_libs_are_found_from_the_root_and_beside_the_node(project):
    project.write({"src/ourlib/a.py": "", "src/ourlib/__pycache__/a.pyc": "", "x/mine.py": ""})
    project.node("x", 'libs = ["src/ourlib", "mine.py"]')
    assert (
        FileSet("mine.py", (Laid("", "x/mine.py"),)),
        FileSet("ourlib", (Laid("a.py", "src/ourlib/a.py"),)),
    ) == project.loaded("x").libs


def test_a_lib_linked_by_an_earlier_build_is_not_mistaken_for_the_lib(project):
    project.write({"libs/ourlib/a.py": "", "store/ourlib/a.py": ""})
    project.node("x", 'libs = ["libs/ourlib"]').link("x/libs/ourlib", "../../store/ourlib")
    assert (Laid("a.py", "libs/ourlib/a.py"),) == project.loaded("x").libs[0].files


def test_libs_of_the_defaults_are_seen_from_the_root(project):
    project.write(
        {"fusionpipe.toml": '[defaults]\nlibs = ["lib"]', "lib/a.py": "", "x/lib/b.py": ""}
    )
    project.node("x", 'libs = ["/lib"]')
    assert [FileSet("lib", (Laid("a.py", "lib/a.py"),))] == list(project.loaded("x").libs)


@pytest.mark.parametrize(
    ("toml", "what", "mend"),
    [
        ('libs = ["lbi"]', 'libs: "lbi" is not there', 'did you mean "lib"?'),
        ('libs = ["lib"]', '"lib" is both x/lib and lib', '"./lib"'),
        ('libs = ["/lib", "/more/lib"]', 'two libs are called "lib"', "rename one"),
        ('libs = ["../../lib"]', "outside of the project", "copy it into the project"),
        ('libs = ["/other"]', '"/other" contains nodes', "without nodes"),
        ('lock = ["uv.lokc"]', 'lock: "uv.lokc" is not there', 'did you mean "uv.lock"?'),
        ('lock = ["/lib"]', "is not a file", "lock file itself"),
        ('lock = ["/uv.lock", "/more/uv.lock"]', "have the same name", "rename one"),
        ('inputs = ["a"]', "inputs must be a table", "[inputs]"),
        (
            '[inputs]\nc = "nowhere.csv"',
            'inputs: "nowhere.csv" is not there',
            "looked for x/nowhere.csv",
        ),
        ('[inputs]\nc = "*.csv"', "matches no file", "looked below x"),
        (
            '[inputs]\nc = "../other/y/data/a.csv"',
            "written by the build of other/y",
            'parents = ["/other/y"]',
        ),
        ('[inputs]\nc = "data/a.csv"', "written by the build of x", "nothing generates"),
        ('[inputs]\nc = ".."', "contains nodes", "without nodes"),
        ('[inputs]\n"a/b" = "../uv.lock"', "cannot be the name of an input", "plain name"),
        ("[inputs]\nc = 3", "inputs.c must be text", ""),
    ],
)
def test_wrong_files_are_told_with_how_to_mend_them(project, toml, what, mend):
    project.write(
        {"lib/a.py": "", "x/lib/a.py": "", "more/lib/a.py": "", "uv.lock": "", "more/uv.lock": ""}
    )
    project.node("other/y").write({"other/y/data/a.csv": "", "x/data/a.csv": ""}).node("x", toml)
    problem = project.problem()
    assert ("x/node.toml", True) == (problem.file, problem.line > 0)
    assert what in problem.what
    assert mend in problem.mend


def test_inputs_are_files_directories_and_globs_from_anywhere(project, tmp_path):
    (tmp_path / "far.csv").write_text("")
    project.write(
        {"config/a.yaml": "", "config/sub/b.yaml": "", "config/empty/": "", "config/c.ipynb": ""}
    )
    toml = f'[inputs]\none = "../config/a.yaml"\nall = "../config"\nyaml = "../config/**/*.yaml"\nfar = "{tmp_path}/far.csv"'
    project.node("x", toml)
    yaml = (Laid("a.yaml", "config/a.yaml"), Laid("sub/b.yaml", "config/sub/b.yaml"))
    assert (
        FileSet("all", (yaml[0], Laid("c.ipynb", "config/c.ipynb"), yaml[1]), ("empty",)),
        FileSet("far", (Laid("", f"{tmp_path}/far.csv"),)),
        FileSet("one", (Laid("", "config/a.yaml"),)),
        FileSet("yaml", yaml, is_gathered=True),
    ) == project.loaded("x").inputs


def test_inputs_may_lie_outside_of_the_project(project, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far/a.csv").write_text("")
    project.node("x", '[inputs]\nfar = "../../far/*.csv"')
    far = FileSet("far", (Laid("a.csv", "../far/a.csv"),), is_gathered=True)
    assert (far,) == project.loaded("x").inputs


def test_an_input_of_the_node_wins_over_one_of_the_defaults(project):
    project.write(
        {"fusionpipe.toml": '[defaults.inputs]\na = "one"\nb = "two"', "one": "", "two": ""}
    )
    project.node("x", '[inputs]\na = "../two"')
    assert ["two", "two"] == [files.files[0].path for files in project.loaded("x").inputs]


def test_locks_join_those_of_the_defaults(project):
    project.write(
        {"fusionpipe.toml": '[defaults]\nlock = ["uv.lock"]', "uv.lock": "", "x/own.lock": ""}
    )
    project.node("x", 'lock = ["own.lock"]')
    assert ("uv.lock", "x/own.lock") == project.loaded("x").locks


def test_a_source_is_its_data_directory_or_any_path(project):
    project.write({"a/node.toml": "source = true", "a/data/x.csv": ""})
    project.write({"b/node.toml": 'source = "keep"\npath = "/data/raw"'})
    project.write({"g/c/node.toml": 'source = true\npath = "../../raw"'})
    found = [node.source for node in project.load().nodes.values()]
    assert [Source("a/data"), Source("/data/raw", is_kept=True), Source("raw")] == found


@pytest.mark.parametrize(
    ("toml", "line", "what"),
    [
        ("source = true", 1, "source: data/ is not there"),
        ('source = "kept"', 1, 'source must be true or "keep"'),
        ('path = "/data"', 1, "path is for sources only"),
        (
            'source = true\npath = "/"\nparents = ["y"]',
            3,
            "a source is the user's own data and has no parents",
        ),
        (
            'source = true\npath = "/"\n[params]\na = 1',
            3,
            "a source is the user's own data and has no params",
        ),
        ('source = true\npath = "../file"', 2, '"file" is not a directory'),
        ('source = true\npath = "../y/data"', 2, '"y/data" is written by the build of y'),
    ],
)
def test_a_wrong_source_is_told(project, toml, line, what):
    project.node("y").write({"x/node.toml": toml, "file": "", "y/data/": ""})
    problem = project.problems()[0]
    assert ("x/node.toml", line) == (problem.file, problem.line)
    assert what in problem.what


def test_a_source_with_code_is_told(project):
    project.node("x", 'source = true\npath = "/"')
    assert "code/main.py is there" in project.problem().what
