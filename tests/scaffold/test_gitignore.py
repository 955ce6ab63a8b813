"""What git itself says of a project after a build: nothing, and nothing of the user's is hidden."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fusionpipe.gitignore import GENERATED, ignore_generated

ALL = frozenset(GENERATED)


def git(directory: Path, *words: str) -> str:
    """What a git command prints; no configuration of this machine's counts."""
    ran = subprocess.run(
        ["git", "-c", "user.name=N", "-c", "user.email=n@example.org", *words],
        cwd=directory,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "protocol.file.allow",
            "GIT_CONFIG_VALUE_0": "always",
        },
        check=True,
        capture_output=True,
        text=True,
    )
    return ran.stdout


def status(directory: Path) -> list[str]:
    return git(directory, "status", "--porcelain", "--untracked-files=all").splitlines()


def commit_all(directory: Path) -> None:
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "-m", "all")


def make_node(root: Path, name: str) -> None:
    (root / name / "code").mkdir(parents=True)
    (root / name / "code" / "main.py").write_text("print(1)\n")


def make_project(root: Path, *names: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "fusionpipe.toml").write_text("")
    for name in names:
        make_node(root, name)
    return root


def pretend_build(root: Path, *names: str) -> None:
    """Leaves behind what a build does: links, logs and directories of links."""
    store = root / ".fusionpipe" / "store" / "trees" / "ab"
    store.mkdir(parents=True, exist_ok=True)
    (store / "x.csv").write_text("1\n")
    for name in names:
        node = root / name
        for link in ("data", "reports"):
            if not (node / link).is_symlink():
                (node / link).symlink_to(os.path.relpath(store, node))
        for file in ("logs.txt", "params.json"):
            (node / file).write_text("{}\n")
        for directory in ("parents", "inputs", "libs"):
            (node / directory).mkdir(exist_ok=True)
            if not (node / directory / "a").is_symlink():
                (node / directory / "a").symlink_to("../data")
    ignore_generated(root, [(name, ALL) for name in names])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = tmp_path / "repository"
    make_project(top, "load", "prep/clean")
    git(top, "init", "-q", "-b", "main")
    commit_all(top)
    return top


def test_git_status_is_clean_after_a_build(repository: Path) -> None:
    pretend_build(repository, "load", "prep/clean")
    assert status(repository) == []


def test_the_private_directory_hides_itself_without_a_line_in_the_roots_gitignore(
    repository: Path,
) -> None:
    pretend_build(repository, "load")
    assert not (repository / ".gitignore").exists()
    assert status(repository) == []


def test_what_the_user_adds_beside_generated_names_is_seen(repository: Path) -> None:
    pretend_build(repository, "load")
    (repository / "load" / "notes.md").write_text("mine")
    (repository / "load" / "code" / "data").mkdir()
    (repository / "load" / "code" / "data" / "table.csv").write_text("mine")
    assert status(repository) == ["?? load/code/data/table.csv", "?? load/notes.md"]


def test_a_name_that_is_left_out_is_not_hidden(repository: Path) -> None:
    make_node(repository, "raw")
    commit_all(repository)
    (repository / "raw" / "data").mkdir()
    (repository / "raw" / "data" / "raw.csv").write_text("1\n")
    ignore_generated(repository, [("raw", ALL - {"data"})])
    assert status(repository) == ["?? raw/data/raw.csv"]


def test_the_generated_files_are_links_to_one_read_only_template(repository: Path) -> None:
    pretend_build(repository, "load", "prep/clean")
    first = (repository / "load" / ".gitignore").stat()
    second = (repository / "prep" / "clean" / ".gitignore").stat()
    assert first.st_ino == second.st_ino
    assert first.st_mode & 0o777 == 0o444


def test_a_second_call_changes_nothing(repository: Path) -> None:
    pretend_build(repository, "load")
    before = (repository / "load").stat().st_mtime_ns
    inode = (repository / "load" / ".gitignore").stat().st_ino
    pretend_build(repository, "load")
    assert (repository / "load").stat().st_mtime_ns == before
    assert (repository / "load" / ".gitignore").stat().st_ino == inode


def test_a_node_whose_shape_changes_gets_the_other_file(repository: Path) -> None:
    pretend_build(repository, "load")
    ignore_generated(repository, [("load", ALL - {"data"})])
    assert "?? load/data" in status(repository)


def test_git_clean_removes_what_was_generated_and_the_next_build_is_clean_again(
    repository: Path,
) -> None:
    pretend_build(repository, "load", "prep/clean")
    git(repository, "clean", "-fdxq")
    assert sorted(os.listdir(repository / "load")) == ["code"]
    assert not (repository / ".fusionpipe").exists()
    pretend_build(repository, "load", "prep/clean")
    assert status(repository) == []


def test_a_lost_private_directory_is_made_again_and_relinked(repository: Path) -> None:
    pretend_build(repository, "load")
    subprocess.run(["rm", "-rf", ".fusionpipe"], cwd=repository, check=True)
    pretend_build(repository, "load")
    template = repository / ".fusionpipe" / "gitignore" / "+".join(GENERATED)
    assert (repository / "load" / ".gitignore").samefile(template)


def test_a_copied_project_is_clean_too(repository: Path, tmp_path: Path) -> None:
    pretend_build(repository, "load")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-R", repository, copy], check=True)
    pretend_build(copy, "load")
    assert status(copy) == []


def test_the_users_own_gitignore_is_left_and_git_excludes_the_rest(repository: Path) -> None:
    own = repository / "prep" / "clean" / ".gitignore"
    own.write_text("*.tmp\n")
    commit_all(repository)
    pretend_build(repository, "load", "prep/clean")
    assert own.read_text() == "*.tmp\n"
    assert status(repository) == []
    (repository / "prep" / "clean" / "notes.md").write_text("mine")
    assert status(repository) == ["?? prep/clean/notes.md"]


def test_the_users_own_gitignore_is_not_hidden_itself(repository: Path) -> None:
    (repository / "load" / ".gitignore").write_text("*.tmp\n")
    ignore_generated(repository, [("load", ALL | {".gitignore"})])
    assert status(repository) == ["?? load/.gitignore"]


def test_lines_somebody_added_to_a_generated_file_are_kept(repository: Path) -> None:
    pretend_build(repository, "load")
    path = repository / "load" / ".gitignore"
    edited = path.read_text() + "*.tmp\n"
    path.unlink()
    path.write_text(edited)
    pretend_build(repository, "load")
    assert path.read_text() == edited
    assert status(repository) == []


def test_an_edit_through_a_link_does_not_spread_to_new_nodes(repository: Path) -> None:
    pretend_build(repository, "load")
    path = repository / "load" / ".gitignore"
    path.chmod(0o644)
    with path.open("a") as file:
        file.write("notes.md\n")
    pretend_build(repository, "load", "prep/clean")
    assert "notes.md" not in (repository / "prep" / "clean" / ".gitignore").read_text()
    (repository / "prep" / "clean" / "notes.md").write_text("mine")
    assert status(repository) == ["?? prep/clean/notes.md"]


def test_lines_of_others_in_gits_exclude_file_stay(repository: Path) -> None:
    exclude = repository / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_bytes(b"*.swp\nlast line without an end")
    (repository / "load" / ".gitignore").write_text("*.tmp\n")
    commit_all(repository)
    pretend_build(repository, "load")
    assert exclude.read_bytes().startswith(b"*.swp\nlast line without an end\n# fusionpipe")
    (repository / "load" / ".gitignore").unlink()
    pretend_build(repository, "load")
    assert exclude.read_bytes() == b"*.swp\nlast line without an end\n"


def test_a_build_of_some_nodes_does_not_uncover_the_others(repository: Path) -> None:
    for name in ("load", "prep/clean"):
        (repository / name / ".gitignore").write_text("*.tmp\n")
    commit_all(repository)
    pretend_build(repository, "load", "prep/clean")
    ignore_generated(repository, [("load", ALL)])
    assert status(repository) == []


def test_an_unchanged_exclude_file_is_not_written_again(repository: Path) -> None:
    (repository / "load" / ".gitignore").write_text("*.tmp\n")
    pretend_build(repository, "load")
    before = (repository / ".git" / "info" / "exclude").stat().st_ino
    pretend_build(repository, "load")
    assert (repository / ".git" / "info" / "exclude").stat().st_ino == before


def test_names_with_signs_that_mean_something_to_git_are_matched_exactly(tmp_path: Path) -> None:
    top = tmp_path / "repository"
    root = make_project(top / "a [b] * ü ", "#load", "!prep/clean it ")
    git(top.absolute(), "init", "-q", "-b", "main")
    for name in ("#load", "!prep/clean it "):
        (root / name / ".gitignore").write_text("*.tmp\n")
    commit_all(top)
    pretend_build(root, "#load", "!prep/clean it ")
    assert status(top) == []


def test_a_project_in_a_subdirectory_of_a_repository_is_clean(tmp_path: Path) -> None:
    top = tmp_path / "repository"
    root = make_project(top / "analysis" / "weather", "load", "prep/clean")
    (root / "load" / ".gitignore").write_text("*.tmp\n")
    git(top, "init", "-q", "-b", "main")
    commit_all(top)
    pretend_build(root, "load", "prep/clean")
    assert status(top) == []


def test_two_projects_in_one_repository_keep_apart(tmp_path: Path) -> None:
    top = tmp_path / "repository"
    roots = [make_project(top / name, "load") for name in ("one", "two")]
    git(top, "init", "-q", "-b", "main")
    for root in roots:
        (root / "load" / ".gitignore").write_text("*.tmp\n")
    commit_all(top)
    for root in roots:
        pretend_build(root, "load")
    assert status(top) == []


def test_the_lines_of_a_project_that_is_gone_go_too(tmp_path: Path) -> None:
    top = tmp_path / "repository"
    roots = [make_project(top / name, "load") for name in ("one", "two")]
    git(top, "init", "-q", "-b", "main")
    for root in roots:
        (root / "load" / ".gitignore").write_text("*.tmp\n")
        pretend_build(root, "load")
    subprocess.run(["rm", "-rf", roots[0]], check=True)
    pretend_build(roots[1], "load")
    text = (top / ".git" / "info" / "exclude").read_text()
    assert "/one/load" not in text
    assert "/two/load/data" in text


def test_a_linked_work_tree_is_clean(repository: Path, tmp_path: Path) -> None:
    (repository / "load" / ".gitignore").write_text("*.tmp\n")
    commit_all(repository)
    other = tmp_path / "other tree"
    git(repository, "worktree", "add", "-q", "-b", "side", str(other))
    pretend_build(other, "load", "prep/clean")
    pretend_build(repository, "load", "prep/clean")
    assert status(other) == []
    assert status(repository) == []


def test_a_submodule_is_clean(repository: Path, tmp_path: Path) -> None:
    (repository / "load" / ".gitignore").write_text("*.tmp\n")
    commit_all(repository)
    top = tmp_path / "outer"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    git(top, "submodule", "--quiet", "add", str(repository), "inner")
    commit_all(top)
    pretend_build(top / "inner", "load", "prep/clean")
    assert status(top / "inner") == []
    assert status(top) == []


def test_a_branch_without_a_node_leaves_nothing_to_see(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "more")
    make_node(repository, "stats")
    commit_all(repository)
    pretend_build(repository, "load", "stats")
    git(repository, "checkout", "-q", "main")
    assert status(repository) == []


def test_nothing_is_done_outside_a_work_tree(tmp_path: Path) -> None:
    root = make_project(tmp_path / "plain", "load")
    ignore_generated(root, [("load", ALL)])
    assert sorted(os.listdir(root)) == ["fusionpipe.toml", "load"]
    assert sorted(os.listdir(root / "load")) == ["code"]


def test_a_node_that_is_gone_is_passed_over(repository: Path) -> None:
    ignore_generated(repository, [("never", ALL), ("load", ALL)])
    assert (repository / "load" / ".gitignore").exists()


def test_a_gitignore_that_is_a_link_is_the_users_own(repository: Path) -> None:
    (repository / "common.ignore").write_text("*.tmp\n")
    (repository / "load" / ".gitignore").symlink_to("../common.ignore")
    commit_all(repository)
    pretend_build(repository, "load")
    assert (repository / "load" / ".gitignore").is_symlink()
    assert status(repository) == []
