"""`fp new`: a node that works right away, and names that are refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fusionpipe.errors import UsageError
from fusionpipe.scaffold import New, init, is_node, new_node


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init(tmp_path)
    return tmp_path


def new(root: Path, name: str, *parents: str, language: str = "py") -> New:
    return new_node(root, name, parents=parents, language=language, from_script=None)


def declared(root: Path, name: str) -> dict[str, object]:
    return tomllib.loads((root / name / "node.toml").read_text())


def run_by_hand(root: Path, name: str) -> None:
    """Runs a node's entry as a person would, from its code directory."""
    code = root / name / "code"
    command = [sys.executable, "main.py"] if (code / "main.py").exists() else ["sh", "main.sh"]
    subprocess.run(command, cwd=code, check=True, capture_output=True)


def link_parent(root: Path, name: str, alias: str, parent: str) -> None:
    below = root / name / "parents"
    below.mkdir(exist_ok=True)
    (below / alias).symlink_to(root / parent / "data")


# -- what is written -------------------------------------------------------------------------------


def test_a_new_node_has_a_node_file_and_code(root: Path) -> None:
    assert new(root, "load") == New(("load/node.toml", "load/code/main.py"), ())
    assert declared(root, "load") == {}


def test_parents_are_declared(root: Path) -> None:
    new(root, "load")
    new(root, "clean", "load")
    assert declared(root, "clean") == {"parents": ["load"]}


def test_a_sibling_is_declared_by_its_own_name(root: Path) -> None:
    new(root, "prep/load")
    new(root, "prep/clean", "prep/load")
    assert declared(root, "prep/clean") == {"parents": ["load"]}


def test_a_sibling_is_declared_in_full_where_its_own_name_would_be_ambiguous(root: Path) -> None:
    new(root, "load")
    new(root, "prep/load")
    new(root, "prep/clean", "prep/load")
    assert declared(root, "prep/clean") == {"parents": ["prep/load"]}


def test_a_parent_that_could_be_either_of_two_is_refused(root: Path) -> None:
    new(root, "load")
    new(root, "prep/load")
    with pytest.raises(UsageError, match=r"say ./load for prep/load or /load for load"):
        new(root, "prep/clean", "load")
    new(root, "prep/clean", "./load")
    assert declared(root, "prep/clean") == {"parents": ["./load"]}


def test_a_group_and_a_glob_may_be_parents(root: Path) -> None:
    new(root, "stats/monthly")
    new(root, "all", "stats")
    new(root, "some", "stats/m*")
    assert declared(root, "all") == {"parents": ["stats"]}
    assert declared(root, "some") == {"parents": {"stats": "stats/m*"}}
    assert "../parents/stats" in (root / "some" / "code" / "main.py").read_text()


@pytest.mark.parametrize("language", ["py", "sh", "R", "jl", "m"])
@pytest.mark.parametrize("parents", [(), ("load",)])
def test_every_language_has_an_entry_that_reads_its_parents(
    root: Path, language: str, parents: tuple[str, ...]
) -> None:
    new(root, "load")
    made = new(root, "fit", *parents, language=language)
    assert made.files == ("fit/node.toml", f"fit/code/main.{language}")
    text = (root / made.files[1]).read_text()
    assert "../data" in text
    assert ("load" in text) == bool(parents)


def test_an_unknown_language_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="py, sh, R, jl, m"):
        new(root, "fit", language="cobol")


# -- it works as written ---------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["py", "sh"])
def test_a_chain_of_new_nodes_runs_by_hand(root: Path, language: str) -> None:
    new(root, "load", language=language)
    new(root, "clean", "load", language=language)
    run_by_hand(root, "load")
    link_parent(root, "clean", "load", "load")
    run_by_hand(root, "clean")
    assert len(list((root / "clean" / "data").iterdir())) == 1


def test_the_python_starter_tells_the_sizes_of_what_its_parent_wrote(root: Path) -> None:
    data = root / "raw" / "data"
    (data / "below").mkdir(parents=True)
    (data / "naïve \udcff\n.csv").write_text("12345")
    (data / "dangling").symlink_to("nowhere")
    (root / "raw" / "node.toml").write_text("source = true\n")
    new(root, "clean", "raw")
    link_parent(root, "clean", "raw", "raw")
    run_by_hand(root, "clean")
    sizes = json.loads((root / "clean" / "data" / "sizes.json").read_text())
    assert sizes == {
        "../parents/raw/below": None,
        "../parents/raw/dangling": None,
        "../parents/raw/naïve \udcff\n.csv": 5,
    }


@pytest.mark.parametrize("language", ["py", "sh"])
def test_a_missing_parent_is_an_error_and_not_an_empty_result(root: Path, language: str) -> None:
    new(root, "load")
    new(root, "clean", "load", language=language)
    with pytest.raises(subprocess.CalledProcessError):
        run_by_hand(root, "clean")


@pytest.mark.parametrize("language", ["py", "sh"])
def test_names_with_quotes_dollars_and_spaces_work(root: Path, language: str) -> None:
    odd = """it's a "ü" $HOME `x`"""
    new(root, odd)
    new(root, "clean", odd, language=language)
    run_by_hand(root, odd)
    link_parent(root, "clean", odd, odd)
    run_by_hand(root, "clean")
    assert "squares.csv" in next((root / "clean" / "data").iterdir()).read_text()


@pytest.mark.parametrize(
    ("language", "command"), [("R", "Rscript"), ("jl", "julia"), ("m", "octave")]
)
def test_starters_of_other_languages_are_balanced(root: Path, language: str, command: str) -> None:
    """Without the interpreter at hand at least the brackets must match; with it, the code runs."""
    new(root, "load", language=language)
    text = (root / "load" / "code" / f"main.{language}").read_text()
    assert [text.count(sign) for sign in "([{"] == [text.count(sign) for sign in ")]}"]
    if shutil.which(command):
        subprocess.run([command, f"main.{language}"], cwd=root / "load" / "code", check=True)
        assert list((root / "load" / "data").iterdir())


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/abs", "../out", "a//b", "a/../b", ".hidden", "a/.hidden"),
        *("a@b", "a=b", "a,b", "a*", "a?", "[a]", "{a}", "a+b", "a\\b", "a:b", "a\nb", "a\x7f"),
    ],
)
def test_names_that_cannot_be_are_refused(root: Path, name: str) -> None:
    before = sorted(root.iterdir())
    with pytest.raises(UsageError):
        new(root, name)
    assert sorted(root.iterdir()) == before


def test_a_trailing_slash_from_completion_is_fine(root: Path) -> None:
    assert new(root, "./prep/load/").files[0] == "prep/load/node.toml"


def test_a_node_that_exists_is_never_overwritten(root: Path) -> None:
    new(root, "load")
    (root / "load" / "code" / "main.py").write_text("mine\n")
    with pytest.raises(UsageError, match="exists already"):
        new(root, "load")
    assert (root / "load" / "code" / "main.py").read_text() == "mine\n"


def test_a_directory_with_something_in_it_is_left_alone(root: Path) -> None:
    (root / "stuff").mkdir()
    (root / "stuff" / "notes.md").write_text("mine")
    with pytest.raises(UsageError, match="no empty directory"):
        new(root, "stuff")
    assert not is_node(root / "stuff")


def test_an_empty_directory_may_become_a_node(root: Path) -> None:
    (root / "load").mkdir()
    new(root, "load")
    assert is_node(root / "load")


def test_a_node_inside_a_node_is_refused(root: Path) -> None:
    new(root, "load")
    with pytest.raises(UsageError, match="nodes do not nest"):
        new(root, "load/more/deep")


def test_a_node_in_a_nested_project_is_refused(root: Path) -> None:
    (root / "inner").mkdir()
    init_file = root / "inner" / "fusionpipe.toml"
    init_file.write_text("")
    with pytest.raises(UsageError, match="a project of its own"):
        new(root, "inner/load")


def test_a_place_outside_through_a_link_is_refused(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (root / "out").symlink_to(tmp_path_factory.mktemp("outside"))
    with pytest.raises(UsageError, match="leads out of the project"):
        new(root, "out/load")


def test_an_unknown_parent_is_refused_with_a_near_name_and_nothing_is_written(root: Path) -> None:
    new(root, "prep/load")
    with pytest.raises(UsageError) as caught:
        new(root, "clean", "prep/laod")
    assert str(caught.value) == (
        "there is no node 'prep/laod' to be a parent of clean\n  did you mean \"prep/load\"?"
    )
    assert not (root / "clean").exists()


def test_a_parent_outside_the_project_is_refused(root: Path) -> None:
    with pytest.raises(UsageError):
        new(root, "clean", "../../elsewhere")


def test_a_node_is_not_its_own_parent(root: Path) -> None:
    with pytest.raises(UsageError, match="its own parent"):
        new(root, "clean", "./clean")


def test_two_parents_of_one_alias_are_refused(root: Path) -> None:
    new(root, "a/load")
    new(root, "b/load")
    with pytest.raises(UsageError, match="would both be parents/load"):
        new(root, "clean", "a/load", "b/load")
