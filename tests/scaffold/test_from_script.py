"""`fp new --from`: a script becomes a node without moving, and says which paths to look at."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from fusionpipe.errors import UsageError
from fusionpipe.literals import Literal, path_literals
from fusionpipe.scaffold import New, init, new_node

SCRIPT = '''"""Reads ../data/x.csv, says the docstring."""

import helpers
import csv, json

table = open("data/raw.csv")
more = csv.reader(open(f"/srv/{table}/all.csv"))
out = "../results/fit.json"
fine = ["../parents/raw/x.csv", "../data/y.csv", "../params.json", "https://a.org/b.csv"]
other = "%d/%m/%Y", "and/or", "text/html", "a.b", "/usr/bin/env"
json.dump({}, open("fit.json", "w"))
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init(tmp_path)
    (tmp_path / "scripts").mkdir()
    return tmp_path


def new_from(root: Path, name: str, script: str, *parents: str) -> New:
    return new_node(root, name, parents=parents, language="py", from_script=script)


def declared(root: Path, name: str) -> dict[str, object]:
    return tomllib.loads((root / name / "node.toml").read_text())


def test_only_a_node_file_is_written_and_it_points_at_the_script(root: Path) -> None:
    (root / "scripts" / "fit.py").write_text("print(1)\n")
    assert new_from(root, "models/fit", "scripts/fit.py") == New(("models/fit/node.toml",), ())
    assert declared(root, "models/fit") == {"code": ["../../scripts/fit.py"], "main": "fit.py"}
    assert (root / "models" / "fit" / "../../scripts/fit.py").is_file()


def test_parents_are_declared_beside_the_script(root: Path) -> None:
    (root / "scripts" / "fit.py").write_text("print(1)\n")
    new_from(root, "raw", "scripts/fit.py")
    new_from(root, "fit", str(root / "scripts" / "fit.py"), "raw")
    assert declared(root, "fit")["parents"] == ["raw"]


def test_paths_that_leave_the_node_are_listed_with_their_lines(root: Path) -> None:
    (root / "scripts" / "fit.py").write_text(SCRIPT)
    (root / "scripts" / "helpers.py").write_text("")
    _, *notes = new_from(root, "fit", "scripts/fit.py").notes
    assert notes == [
        'scripts/fit.py:6: "data/raw.csv"',
        'scripts/fit.py:7: "/srv/{…}/all.csv"',
        'scripts/fit.py:8: "../results/fit.json"',
        'scripts/fit.py:11: "fit.json"',
        'scripts/fit.py imports helpers, which lies beside it: add "../scripts/helpers.py" to code '
        "in node.toml",
    ]


def test_a_script_that_does_not_parse_is_read_as_text() -> None:
    text = "print 'old'\nopen('/data/x.csv')\n# open('/no.csv')\n"
    assert path_literals(text, is_python=True) == (Literal(2, "/data/x.csv"),)


def test_shell_words_are_looked_at() -> None:
    text = "#!/bin/sh\nsort ../raw/x.txt > /out/y.txt 2>/dev/null\ncat ../parents/raw/x.txt >../data/z\n"
    assert path_literals(text, is_python=False, is_shell=True) == (
        Literal(2, "../raw/x.txt"),
        Literal(2, "/out/y.txt"),
    )


def test_strings_of_other_languages_are_looked_at() -> None:
    text = "x <- read.csv(\"C:/data/x.csv\")\n% load('no.mat')\ny = load('../old/y.mat');\n"
    assert path_literals(text, is_python=False) == (
        Literal(1, "C:/data/x.csv"),
        Literal(3, "../old/y.mat"),
    )


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("fit.R", {"main": "fit.R"}),
        ("fit.r", {"run": ["Rscript", "fit.r"]}),
        ("fit.bash", {"run": ["bash", "fit.bash"]}),
        ("fit", {"run": ["./fit"]}),
    ],
)
def test_what_runs_the_script_follows_from_its_name(
    root: Path, file: str, said: dict[str, object]
) -> None:
    script = root / "scripts" / file
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    new_from(root, "fit", f"scripts/{file}")
    assert declared(root, "fit") == {"code": [f"../scripts/{file}"], **said}


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("scripts/never.py", "there is no script"),
        ("scripts", "there is no script"),
        ("../outside.py", "outside the project"),
        ("scripts/fit.ipynb", "notebooks are not supported yet"),
        ("scripts/fit.txt", "what runs fit.txt"),
    ],
)
def test_scripts_that_cannot_be_nodes_are_refused_and_nothing_is_written(
    root: Path, script: str, why: str
) -> None:
    (root.parent / "outside.py").write_text("")
    for name in ("fit.ipynb", "fit.txt"):
        (root / "scripts" / name).write_text("")
    with pytest.raises(UsageError, match=why):
        new_from(root, "fit", script)
    assert not (root / "fit").exists()
