"""One project, one set of keys: whoever builds it, wherever it lies, whatever their machine is set to (L1)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fusionpipe.testing import Project, Result

NOBODY = 65534


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory that other users may enter."""
    path = Path(tempfile.mkdtemp(prefix="fp-keys-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def expected(place: Path) -> dict[str, object]:
    """What a build here and now gives."""
    return keys(place / "here")


def keys(
    root: Path, environment: Mapping[str, str] | None = None, *, umask: int = 0o022
) -> dict[str, object]:
    """The keys and results of all nodes of the same project, made and built afresh at `root`."""
    before = os.umask(umask)
    try:
        project = made(root, environment)
        project.node("prep/clean", IN_PYTHON, parents=["load"], toml=TOML, entry="main.py")
        return _keys_of(project.fp("build", "--json"))
    finally:
        os.umask(before)


def _keys_of(result: Result) -> dict[str, object]:
    assert 0 == result.code, result.out + result.err
    ended = [event for event in result.events if event["event"] == "node_finished"]
    return {str(event["node"]): (event["key"], event["data"]) for event in ended}


TOML = """
libs = ["src/lib"]
use = ["region"]
env = ["SIZE"]
seed = 3
[inputs]
config = "../../config/*.yaml"
[params]
z = 1.5
a = [1, 2]
"""
IN_PYTHON = "import os; open('../data/x', 'w').write(str(sorted(os.listdir('../inputs/config'))))"


def made(root: Path, environment: Mapping[str, str] | None = None) -> Project:
    """Nodes with all that goes into a key, whose results tell what of the machine reaches them."""
    project = Project(root, environment)
    project.write("config/b.yaml", "b").write("config/a.yaml", "a").write("src/lib/ü.py", "x = 1")
    project.write("fusionpipe.toml", '[params]\nregion = "nörd"\n')
    machine = "umask > ../data/umask; date -d @0 +%H%Z > ../data/date; printf ä | wc -m > ../data/m"
    project.node("prep/load", machine, toml=TOML)
    project.node(
        "prep/tool", "#!/bin/sh\n>../data/a; stat -c %a ../data/a main >../data/b", entry="main"
    )
    (root / "prep/tool/code/main").chmod(0o700)
    return project.node("all", "ls -R ../parents > ../data/names", parents=["prep"])


def test_keys_and_results_are_equal_where_everything_else_differs(
    place: Path, expected: object
) -> None:
    root = place / "with blanks and ü" / "project"
    environment = {"LC_ALL": "C", "TZ": "Asia/Tokyo", "USER": "other", "PYTHONHASHSEED": "7"}
    assert expected == keys(root, environment, umask=0o077)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "environment", "umask"),
    [
        ("other path", {}, 0o022),
        ("with blanks and ü, alone", {}, 0o022),
        ("open", {}, 0o000),
        ("closed", {}, 0o077),
        ("german", {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}, 0o022),
        ("plain", {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}, 0o022),
        ("east", {"TZ": "Asia/Tokyo"}, 0o022),
        ("another host's", {"USER": "other", "HOSTNAME": "other", "PYTHONHASHSEED": "7"}, 0o022),
    ],
)
def test_keys_and_results_are_equal_whatever_one_thing_differs(
    place: Path, expected: object, name: str, environment: dict[str, str], umask: int
) -> None:
    assert expected == keys(place / name / "project", environment, umask=umask)


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_keys_and_results_are_equal_for_another_user(place: Path) -> None:
    (place / "theirs").mkdir()
    theirs = made(place / "theirs" / "project", {"HOME": str(place), "USER": "nobody"})
    mine = _keys_of(made(place / "mine").fp("build", "--json"))
    assert mine == _keys_of(theirs.call_as(NOBODY, "build", "--json"))
    assert NOBODY == (theirs.root / ".fusionpipe" / "store").stat().st_uid


def test_a_declared_variable_does_change_a_key(place: Path, expected: dict[str, object]) -> None:
    sized = keys(place / "sized", {"SIZE": "1"})
    assert expected["prep/load"] != sized["prep/load"]
    assert expected["prep/tool"] == sized["prep/tool"]
