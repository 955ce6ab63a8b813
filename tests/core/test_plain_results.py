"""Results as plain files (`link = "hardlink" | "reflink" | "copy"`): whole, up to date, never the user's loss."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusionpipe import hot
from fusionpipe.testing import Project

WRITES = "mkdir ../data/deep && echo one > ../data/deep/it && ln -s deep/it ../data/link && echo r > ../reports/r"


@pytest.fixture(params=["hardlink", "reflink", "copy"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    made = Project(tmp_path).write("fusionpipe.toml", f'link = "{request.param}"\n')
    made.node("n", WRITES).node("below", "cat ../parents/n/link > ../data/it", parents=["n"])
    assert {"n": "ran", "below": "ran"} == made.build().outcomes
    return made


def test_a_result_is_plain_files_where_the_links_would_be(project: Project) -> None:
    for name in ("data", "reports", "logs.txt", "data/deep/it"):
        assert not (project.root / "n" / name).is_symlink(), name
    assert {"deep/it": "one\n", "link": "one\n"} == project.data("n")
    assert "deep/it" == os.readlink(project.root / "n/data/link")
    assert {"it": "one\n"} == project.data("below")


def test_a_second_build_has_nothing_to_do(project: Project) -> None:
    assert hot.check(str(project.root), project.environment) is not None
    assert {"n": "kept", "below": "kept"} == project.build().outcomes


def test_a_file_that_was_removed_is_noticed_and_brought_back(project: Project) -> None:
    (project.root / "n/data/deep/it").unlink()
    assert hot.check(str(project.root), project.environment) is None
    assert {"n": "restored", "below": "kept"} == project.build().outcomes
    assert {"deep/it": "one\n", "link": "one\n"} == project.data("n")


def test_a_users_edit_of_a_copy_is_kept_and_never_reaches_the_store(project: Project) -> None:
    it = project.root / "n/data/deep/it"
    it.unlink()
    it.write_text("my edit\n")
    assert hot.check(str(project.root), project.environment) is None
    built = project.build()
    assert {"n": "restored", "below": "kept"} == built.outcomes
    assert {"deep/it": "one\n", "link": "one\n"} == project.data("n")
    stored = (project.root / ".fusionpipe/store/trees").glob("*/deep/it")
    assert ["my edit\n", "one\n"] == sorted(path.read_text() for path in stored)


def test_a_new_result_takes_the_old_ones_place(project: Project) -> None:
    project.node("n", "echo two > ../data/link")
    assert {"n": "ran", "below": "ran"} == project.build().outcomes
    assert {"link": "two\n"} == project.data("n")
    assert not (project.root / "n/reports").exists()
    left = sorted(path.name for path in (project.root / "n").iterdir())
    assert ["code", "data", "logs.txt"] == left


def test_going_back_to_links_replaces_what_was_laid(project: Project) -> None:
    project.write("fusionpipe.toml", "")
    project.build()
    assert (project.root / "n/data").is_symlink()
    assert {"deep/it": "one\n", "link": "one\n"} == project.data("n")
