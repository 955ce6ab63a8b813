"""`import fusionpipe as fp` as a node's code sees it: the same in a build and by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2]
TREE = "trees/" + "ab" * 32


class Project:
    """A project with one node, as a build or `fp link` leaves it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.node = root / "prep" / "clean ü"
        (self.node / "code" / "deep").mkdir(parents=True)
        (root / "fusionpipe.toml").write_text("")
        self.store = root / ".fusionpipe" / "store"
        self.tree = self.store / TREE
        self.tree.mkdir(parents=True)
        (self.tree / "x.csv").write_text("stored")

    def link(self, name: str, target: Path | None = None) -> None:
        path = self.node / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.path.relpath(target or self.tree, path.parent))

    def run(
        self,
        code: str,
        *,
        cwd: Path | None = None,
        main: str = "code/main.py",
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """What the node's script prints, or its error's last line."""
        script = self.node / main
        script.parent.mkdir(exist_ok=True, parents=True)
        script.write_text(f"import fusionpipe as fp\n{code}\n")
        done = subprocess.run(
            [sys.executable, script],
            cwd=cwd or self.root.parent,
            env={"PYTHONPATH": str(PACKAGE), **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout or done.stderr.strip().rpartition("\n")[2]).strip()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "a project")


def in_build(project: Project) -> dict[str, str]:
    run = project.root / "run"
    for name in ("data", "reports", "parents", "inputs"):
        (run / name).mkdir(parents=True)
    (run / "params.json").write_text('{"lr": 0.5, "model": {"depth": 3}}')
    (run / "parents" / "raw").symlink_to(project.tree)
    return {
        "FP_DATA": str(run / "data"),
        "FP_REPORTS": str(run / "reports"),
        "FP_PARAMS": str(run / "params.json"),
        "FP_PARENTS": str(run / "parents"),
        "FP_INPUTS": str(run / "inputs"),
        "FP_SEED": "7",
    }


def test_in_a_build_the_variables_say_where_things_are(project: Project) -> None:
    variables = in_build(project)
    code = "print(fp.data(), fp.reports(), fp.parent(), fp.parent('raw'), fp.seed(), sep='\\n')"
    run = project.root / "run"
    raw = run / "parents" / "raw"
    expected = [run / "data", run / "reports", raw, raw, 7]
    assert "\n".join(map(str, expected)) == project.run(code, variables=variables)


def test_params_are_nested_as_declared(project: Project) -> None:
    code = "print(fp.params()['lr'], fp.params()['model']['depth'])"
    assert project.run(code, variables=in_build(project)) == "0.5 3"


@pytest.mark.parametrize("below", ["", "code", "code/deep", "data"])
def test_by_hand_any_directory_of_the_node_will_do(project: Project, below: str) -> None:
    project.link("parents/raw")
    (project.node / "node.toml").write_text("")
    (project.node / "data").mkdir()
    scripts = project.root / "scripts"
    scripts.mkdir()
    shared = os.path.relpath(scripts / "fit.py", project.node)
    printed = project.run("print(fp.parent('raw'))", cwd=project.node / below, main=shared)
    assert str(project.node / "parents" / "raw") == printed


@pytest.mark.parametrize("main", ["code/main.py", "code/deep/fit.py"])
def test_by_hand_the_scripts_own_node_comes_first(project: Project, main: str) -> None:
    (project.node / "node.toml").write_text("")
    project.link("parents/raw")
    printed = project.run("print(fp.parent())", main=main)
    assert str(project.node / "parents" / "raw") == printed


def test_outside_any_node_the_error_says_how_to_run(project: Project) -> None:
    printed = project.run("fp.parent()", main="../../scripts/fit.py")
    assert "is not in a node" in printed
    assert "fp run NODE" in printed


def test_a_parent_that_is_not_linked_says_fp_link(project: Project) -> None:
    printed = project.run("fp.parent('raw')")
    assert printed.endswith(
        "NodeSideError: there is no parents/raw: no parents are linked; "
        "if it is declared, run `fp link` or `fp build` first"
    )


def test_a_parent_whose_data_is_gone_says_fp_build(project: Project) -> None:
    project.link("parents/raw", project.store / "trees" / "gone")
    assert project.run("fp.parent()").endswith(
        "parents/raw leads nowhere: run `fp build` to make its data again"
    )


def test_parent_without_a_name_lists_them_when_there_are_several(project: Project) -> None:
    project.link("parents/raw")
    project.link("parents/left")
    assert project.run("fp.parent()").endswith(
        "NodeSideError: fp.parent() needs a name here: its parents are left, raw"
    )


def test_parents_of_a_group_are_a_dict_of_members(project: Project) -> None:
    project.link("parents/raw")
    project.link("parents/fits/a")
    project.link("parents/fits/deep/b")
    code = "print(sorted(fp.parents()), sorted(fp.parents()['fits']), fp.parents()['raw'].name)"
    assert project.run(code) == "['fits', 'raw'] ['a', 'deep/b'] raw"


def test_inputs_are_found_by_name(project: Project) -> None:
    project.link("inputs/config.yaml", project.tree / "x.csv")
    code = "print(fp.input().read_text(), *fp.inputs())"
    assert project.run(code) == "stored config.yaml"


@pytest.mark.parametrize("kind", ["data", "reports"])
def test_by_hand_an_output_never_goes_through_a_link_into_the_store(
    project: Project, kind: str
) -> None:
    project.link(kind)
    project.run(f"(fp.{kind}() / 'x.csv').write_text('by hand')")
    project.run(f"(fp.{kind}() / 'y.csv').write_text('again')")
    assert (project.tree / "x.csv").read_text() == "stored"
    assert not (project.node / kind).is_symlink()
    assert sorted(os.listdir(project.node / kind)) == ["x.csv", "y.csv"]


def test_by_hand_a_link_to_a_lost_tree_is_replaced_too(project: Project) -> None:
    project.link("data", project.store / "trees" / ("cd" * 32))
    project.run("(fp.data() / 'x').touch()")
    assert ["x"] == os.listdir(project.node / "data")


def test_by_hand_a_users_own_link_is_left(project: Project) -> None:
    own = project.root / "big disk"
    own.mkdir()
    project.link("data", own)
    project.run("(fp.data() / 'x').touch()")
    assert (project.node / "data").is_symlink()
    assert ["x"] == os.listdir(own)


def test_by_hand_a_users_own_link_that_leads_nowhere_is_left(project: Project) -> None:
    project.link("data", project.root / "unmounted")
    assert "a link that leads nowhere" in project.run("fp.data()")
    assert (project.node / "data").is_symlink()


def test_by_hand_params_are_read_from_the_node(project: Project) -> None:
    (project.node / "params.json").write_text(json.dumps({"lr": 1}))
    assert project.run("print(fp.params())") == "{'lr': 1}"


def test_missing_params_say_fp_link(project: Project) -> None:
    assert project.run("fp.params()").endswith("params.json is not there: run `fp link` first")


@pytest.mark.parametrize(
    ("toml", "seed"),
    [("", 0), ("seed = 7", 7), ("seed=1_000", 1000), ("[params]\nseed = 5", 0), ("# seed = 3", 0)],
)
def test_by_hand_the_seed_is_the_declared_one(project: Project, toml: str, seed: int) -> None:
    (project.node / "node.toml").write_text(toml)
    assert str(seed) == project.run("print(fp.seed())")


def test_a_named_node_sees_its_name(project: Project) -> None:
    assert project.run("print(fp.node())", variables={"FP_NODE": "prep/clean"}) == "prep/clean"
    (project.node / "node.toml").write_text("named = true\n")
    assert project.run("print(fp.node())") == "prep/clean ü"


@pytest.mark.parametrize("is_build", [True, False])
def test_another_node_is_told_how_to_see_its_name(project: Project, is_build: bool) -> None:
    variables = in_build(project) if is_build else {}
    assert "write `named = true` in its node.toml" in project.run("fp.node()", variables=variables)


def test_importing_it_loads_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import fusionpipe; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["__future__", "fusionpipe", "fusionpipe.node"]


@pytest.mark.parametrize("file", ["fusionpipe/node.py", "fusionpipe/__init__.py"])
def test_it_is_written_for_older_pythons_too(file: str) -> None:
    import ast

    ast.parse((PACKAGE / file).read_text(), feature_version=(3, 8))


@pytest.mark.parametrize("file", ["distributions.py", "path/sitecustomize.py"])
def test_what_runs_in_a_nodes_python_is_written_for_older_pythons_too(file: str) -> None:
    import ast

    nodeside = PACKAGE / "fusionpipe" / "runner" / "nodeside"
    ast.parse((nodeside / file).read_text(), feature_version=(3, 6))
