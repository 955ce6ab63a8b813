"""Side by side with git: nothing of a build shows, nothing of the user's hides, nothing they do breaks it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fusionpipe.testing import Project


class Repository(Project):
    """A project that is a git work tree."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.environment |= {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{who}_{what}": "x"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        ran = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        assert 0 == ran.returncode, ran.stderr
        return ran.stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "all")

    def status(self) -> list[str]:
        return self.git("status", "--short", "--untracked-files=all").splitlines()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "project")


def chain(repository: Repository) -> Repository:
    repository.node("load", "echo 1 > ../data/x; echo plot > ../reports/p.svg")
    repository.node("clean", "cat ../parents/load/x > ../data/y", parents=["load"])
    repository.call("build")
    repository.commit()
    return repository


def test_after_init_and_new_only_what_they_made_is_new(repository: Repository) -> None:
    (repository.root / "fusionpipe.toml").unlink()
    repository.call("init")
    repository.call("new", "load")
    expected = ["?? .gitignore", "?? fusionpipe.toml", "?? load/code/main.py", "?? load/node.toml"]
    assert expected == repository.status()


def test_a_build_shows_nothing_of_its_own_and_all_of_the_users(repository: Repository) -> None:
    repository.call("init")
    repository.node("load", "echo 1 > ../data/x; echo plot > ../reports/p.svg")
    repository.write("load/notes.md", "mine").write("load/code/deep/data/table.csv", "1")
    before = repository.status()
    repository.call("build")
    assert before == repository.status()
    assert "?? load/notes.md" in before
    assert "?? load/code/deep/data/table.csv" in before


def test_a_failure_and_a_run_by_hand_show_nothing_either(repository: Repository) -> None:
    chain(repository).node("clean", "exit 1", parents=["load"])
    repository.git("commit", "-q", "-a", "-m", "broken")
    assert 1 == repository.call("build").code
    repository.fp("run", "load")
    assert [] == repository.status()


def test_a_sources_data_is_the_users_and_can_be_committed(repository: Repository) -> None:
    repository.write("raw/node.toml", "source = true\n").write("raw/data/table.csv", "1\n")
    repository.node("clean", "cp ../parents/raw/table.csv ../data", parents=["raw"])
    repository.call("build")
    assert "?? raw/data/table.csv" in repository.status()
    repository.commit()
    assert "raw/data/table.csv" in repository.git("ls-files").splitlines()
    assert [] == repository.status()


def test_git_clean_of_everything_ignored_costs_a_run_and_nothing_else(
    repository: Repository,
) -> None:
    chain(repository).git("clean", "-q", "-fdx")
    assert not (repository.root / ".fusionpipe").exists()
    assert {"load": "ran", "clean": "ran"} == repository.outcomes()
    assert {"y": "1\n"} == repository.data("clean")
    assert [] == repository.status()


def test_git_clean_spares_a_store_elsewhere_and_all_is_restored(repository: Repository) -> None:
    repository.write("fusionpipe.toml", 'store = "../store"\n')
    chain(repository).git("clean", "-q", "-fdx")
    assert {"load": "restored", "clean": "restored"} == repository.outcomes()
    assert {"y": "1\n"} == repository.data("clean")


def test_a_branch_without_some_nodes_and_back(repository: Repository) -> None:
    chain(repository).git("switch", "-q", "-c", "small")
    repository.git("rm", "-q", "-r", "clean")
    repository.git("commit", "-q", "-m", "without clean")
    assert {"load": "kept"} == repository.outcomes()
    assert [] == repository.status()
    repository.git("switch", "-q", "main")
    assert {"load", "clean"} == set(repository.outcomes())
    assert {"y": "1\n"} == repository.data("clean")
    assert "nothing to do" in repository.call("build").out


def test_stash_and_pop_bring_each_result_back_without_a_run(repository: Repository) -> None:
    chain(repository).node("load", "echo 2 > ../data/x")
    assert {"load": "ran", "clean": "ran"} == repository.outcomes()
    repository.git("stash", "-q")
    assert {"load": "restored", "clean": "restored"} == repository.outcomes()
    assert {"y": "1\n"} == repository.data("clean")
    repository.git("stash", "pop", "-q")
    assert {"load": "restored", "clean": "restored"} == repository.outcomes()
    assert {"y": "2\n"} == repository.data("clean")


def test_a_moved_project_is_up_to_date_where_it_is_now(repository: Repository) -> None:
    chain(repository)
    repository.root = repository.root.rename(repository.root.with_name("moved ü"))
    assert {"load": "kept", "clean": "kept"} == repository.outcomes()
    assert {"y": "1\n"} == repository.data("clean")
    assert [] == repository.status()


def test_removing_a_project_leaves_its_neighbour_on_the_same_store_as_it_was(
    tmp_path: Path,
) -> None:
    one, two = (Repository(tmp_path / name) for name in ("one", "two"))
    for repository in (one, two):
        repository.write("fusionpipe.toml", 'store = "../store"\n')
    chain(one)
    two.node("load", "echo 1 > ../data/x; echo plot > ../reports/p.svg")
    assert {"load": "restored"} == two.outcomes()
    shutil.rmtree(one.root)
    assert "nothing to do" in two.call("build").out
    assert {"x": "1\n"} == two.data("load")
    two.node("load", "echo 3 > ../data/x")
    assert {"load": "ran"} == two.outcomes()


def test_destroy_takes_its_lines_out_of_gits_private_file(repository: Repository) -> None:
    repository.node("load").write("load/.gitignore", "*.tmp\n")
    repository.call("build")
    exclude = repository.root / ".git" / "info" / "exclude"
    assert "/load/data" in exclude.read_text()
    repository.call("destroy", "--yes")
    assert "fusionpipe" not in exclude.read_text()
    assert "*.tmp\n" == (repository.root / "load" / ".gitignore").read_text()
