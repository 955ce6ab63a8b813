"""Who builds what: the commit read as git would tell it, and whether anything is not committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fusionpipe.build.dirty import Dirtiness, is_dirty
from fusionpipe.circumstances import circumstances, commit_of
from fusionpipe.history import builds
from fusionpipe.testing import Project

WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}  # fmt: skip


def git(at: Path, *words: str) -> str:
    told = subprocess.run(
        ["git", *words], cwd=at, env={**os.environ, **WHO}, capture_output=True, check=True, text=True
    )  # fmt: skip
    return told.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    (top / "below").mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    (top / "file").write_text("1")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "one")
    return top


def head(at: Path) -> str:
    return git(at, "rev-parse", "HEAD")


def test_the_commit_is_that_of_the_branch(repository: Path) -> None:
    assert head(repository) == commit_of(str(repository)) == commit_of(str(repository / "below"))


def test_the_commit_is_found_where_git_packed_it(repository: Path) -> None:
    git(repository, "branch", "other/main")
    git(repository, "pack-refs", "--all", "--prune")
    assert not (repository / ".git/refs/heads/main").exists()
    assert head(repository) == commit_of(str(repository))


def test_the_commit_is_found_without_a_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert head(repository) == commit_of(str(repository))


def test_the_commit_of_a_linked_work_tree_is_its_own(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side/file").write_text("2")
    git(tmp_path / "side", "commit", "-qam", "two")
    assert head(tmp_path / "side") == commit_of(str(tmp_path / "side")) != head(repository)


def test_without_a_commit_there_is_none(tmp_path: Path) -> None:
    assert "" == commit_of(str(tmp_path))
    git(tmp_path, "init", "-q")
    assert "" == commit_of(str(tmp_path))
    (tmp_path / ".git/HEAD").write_text("nonsense")
    assert "" == commit_of(str(tmp_path))


def test_a_user_is_a_number_until_somebody_asks(tmp_path: Path) -> None:
    assert str(os.getuid()) == circumstances(str(tmp_path))["user"]
    assert "ada" == circumstances(str(tmp_path), "ada")["user"]
    project = Project(tmp_path / "project").write(
        ".fusionpipe/builds.jsonl", '{"build": "1", "user": "0"}\n'
    )
    assert ["root"] == [build.user for build in builds(project.root)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (b"", False),
        (b" M load/code/main.sh\0", True),
        (b"?? load/\0", True),
        (b"?? load/data\0?? load/logs.txt\0?? load/.gitignore\0?? .fusionpipe/\0", False),
        (b"?? load/data\0 D load/node.toml\0", True),
        (b" M load/data\0", True),
    ],
)
def test_what_a_build_just_made_does_not_make_a_tree_dirty(status: bytes, expected: bool) -> None:
    assert expected is is_dirty(status)


def told(project: Project) -> tuple[str, bool | None]:
    latest = next(builds(project.root))
    return latest.commit, latest.is_dirty


def test_a_build_tells_the_commit_and_whether_all_is_committed(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project").node("load")
    git(project.root, "init", "-q")
    project.build()
    assert ("", None) == told(project)
    git(project.root, "add", ".")
    git(project.root, "commit", "-q", "-m", "one")
    project.build("load", force=True)
    assert (head(project.root), False) == told(project)
    project.node("load", "echo other > ../data/x").build()
    assert (head(project.root), True) == told(project)
    project.build()
    assert (head(project.root), None) == told(project), "git is not run where nothing is"


def test_a_clone_that_builds_for_the_first_time_is_clean(tmp_path: Path) -> None:
    project = Project(tmp_path / "project").node("load").node("other", "exit 1")
    project.write(".gitignore", ".fusionpipe/\n")
    git(project.root, "init", "-q")
    git(project.root, "add", ".")
    git(project.root, "commit", "-q", "-m", "one")
    project.build(keeps_going=True)
    assert (head(project.root), False) == told(project)


def test_git_that_is_not_there_or_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    absent = Dirtiness(tmp_path, {"PATH": str(tmp_path)})
    absent.ask()
    assert absent.answer() is None
    (tmp_path / "git").write_text("#!/bin/sh\nexec cat /proc/self/fd/9 9<>fifo")
    (tmp_path / "git").chmod(0o755)
    os.mkfifo(tmp_path / "fifo")
    silent = Dirtiness(tmp_path, {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    silent.ask()
    assert silent.answer(patience=0) is None
