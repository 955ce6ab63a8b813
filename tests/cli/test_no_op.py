"""What is typed fifty times a day: a build and a status with nothing to tell import little and open nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusionpipe.cli.build_words import parse
from fusionpipe.testing import Project

HEAVY = {"typer", "click", "rich", "networkx", "cloudpickle", "asyncio", "pydantic"}

# Runs in the real `fp` before anything else, and tells at its end what it imported and opened.
WATCHER = """
import atexit, json, os, sys

opened = []
sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name == "open" else None)

def tell():
    modules, files = sorted(sys.modules), list(opened)
    with open(os.environ["WATCHED"], "w") as file:
        json.dump({"modules": modules, "opened": files}, file)

atexit.register(tell)
"""


class Watched:
    """What one command imported and opened."""

    def __init__(self, told: dict[str, list[str]], root: Path) -> None:
        self.modules = set(told["modules"])
        self.opened = [
            str(Path(name).relative_to(root))
            for name in told["opened"]
            if name.startswith(str(root))
        ]


def watched(project: Project, *words: str) -> Watched:
    place = project.root.parent / "watch"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(WATCHER)
    told = place / "told.json"
    environment = {"PYTHONPATH": str(place), "WATCHED": str(told)}
    assert 0 == project.fp(*words, environment=environment).code
    return Watched(json.loads(told.read_text()), project.root)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of every kind of node, up to date; no test here changes it."""
    project = Project(tmp_path_factory.mktemp("built") / "project")
    project.write("config.yaml", "x: 1\n").write("src/lib/it.py", "").node("other")
    project.write("source/node.toml", "source = true\n").write("source/data/table.csv", "1\n")
    toml = 'libs = ["src/lib"]\n[inputs]\nconfig = "../config.yaml"\n[params]\nn = 1'
    project.node("clean", parents=["source"], toml=toml)
    project.node("plot", "open('../data/x', 'w').close()", parents=["clean"], entry="main.py")
    result = project.call("build")
    assert 0 == result.code, result.out + result.err
    return project


def test_the_watcher_sees_what_a_build_that_runs_something_opens(project: Project) -> None:
    seen = watched(project.node("clean"), "build")
    assert "clean/code/main.sh" in seen.opened
    assert "fusionpipe.project.load" in seen.modules


def test_a_build_with_nothing_to_do_imports_nothing_heavy(built: Project) -> None:
    modules = watched(built, "build").modules
    assert set() == HEAVY & modules
    assert "lmdb" not in modules
    assert set() == {name for name in modules if name.startswith("fusionpipe.project")}


@pytest.mark.parametrize("words", ["-j2", "-j 2 -k", "--jobs=3 --quiet", "-q --keep-going"])
def test_the_usual_flags_cost_no_more(built: Project, words: str) -> None:
    modules = watched(built, "build", *words.split()).modules
    assert set() == HEAVY & modules
    assert "lmdb" not in modules


def test_after_an_edit_nothing_is_imported_that_reads_projects(project: Project) -> None:
    project.node("clean").fp("build")
    project.write("clean/code/main.sh", "echo other > ../data/it.txt")
    seen = watched(project, "build", "-j2")
    assert set() == HEAVY & seen.modules
    assert set() == {name for name in seen.modules if name.startswith("fusionpipe.project")}
    assert {"clean/code/main.sh"} == {
        name for name in seen.opened if not name.startswith(".fusion")
    }


WORDS = {
    "": (None, ""),
    "-j2": (2, ""),
    "-j 4 -q": (4, "quiet"),
    "--jobs=3 -k -v": (3, "keep_going verbose"),
    "--jobs 3 --json": (3, "json"),
    "-j1 -j2": (2, ""),
}


@pytest.mark.parametrize("words", WORDS)
def test_the_usual_words_are_understood(words: str) -> None:
    said = parse(words.split())
    assert said is not None
    jobs, flags = WORDS[words]
    told = [name for name in ("keep_going", "quiet", "verbose", "json") if getattr(said, name)]
    assert (jobs, flags) == (said.jobs, " ".join(told))


@pytest.mark.parametrize(
    "words", ["-j0", "-j", "-jx", "-j -k", "-j-1", "-j²", "--jobs=", "node", "-n", "-f", "--help", "-kq", "-C x"]
)  # fmt: skip
def test_what_could_be_misunderstood_is_left_to_typer(words: str) -> None:
    assert parse(words.split()) is None


def test_a_build_with_nothing_to_do_opens_no_file_of_a_node(built: Project) -> None:
    opened = watched(built, "build").opened
    assert {".fusionpipe/state/snapshot", ".fusionpipe/builds.jsonl"} == set(opened)


def test_nothing_to_do_is_what_it_says(built: Project) -> None:
    assert "nothing to do: 4 nodes up to date in <time>\n" == built.fp("build").plain


def test_a_status_imports_nothing_heavy(built: Project) -> None:
    assert set() == HEAVY & watched(built, "status").modules


def test_a_status_of_unchanged_nodes_opens_none_of_their_files(built: Project) -> None:
    opened = watched(built, "status").opened
    assert [] == [name for name in opened if not name.startswith(".fusionpipe/")]


def test_even_help_on_a_command_is_not_needed_for_the_version(project: Project) -> None:
    assert set() == HEAVY & watched(project, "--version").modules
