"""What is changed while a build runs must never be taken for fresh afterwards (L1, L3, L9)."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path

from fusionpipe import hot
from fusionpipe.events import Event, NodeStarted, Outcome
from fusionpipe.testing import PLENTY, Project

SHARED = 'libs = ["src/lib"]\n'
COPY_LIB = "cat ../libs/lib/x.txt > ../data/it.txt"


def once_started(node: str, act: Callable[[], object]) -> Callable[[Event], None]:
    """Acts when a node's process is about to start: what it is given is frozen by then."""
    todo = [act]

    def on_event(event: Event) -> None:
        if isinstance(event, NodeStarted) and event.node == node and todo:
            todo.pop()()

    return on_event


def rebuild_b(project: Project, act: Callable[[], object]) -> None:
    """Builds after an edit of b; acts while it runs, when all other nodes were found fresh."""
    project.build()
    project.write("b/code/main.sh", "echo edited > ../data/it.txt\n")
    project.build(on_event=once_started("b", act))


def test_a_lib_edited_between_two_of_its_readers_is_no_no_op(project: Project) -> None:
    project.write("src/lib/x.txt", "one")
    project.node("a", COPY_LIB, toml=SHARED).node("b", COPY_LIB, parents=["a"], toml=SHARED)
    project.build(on_event=once_started("a", lambda: project.write("src/lib/x.txt", "two")))
    assert 0 == project.call("build").code
    assert ["two", "two"] == [project.data(name)["it.txt"] for name in ("a", "b")]


def test_a_declaration_written_during_a_build_is_noticed(project: Project) -> None:
    project.node("a", "cat ../params.json > ../data/it.txt").node("b", parents=["a"])
    rebuild_b(project, lambda: project.write("a/node.toml", "[params]\nk = 7\n"))
    project.call("build")
    assert "7" in project.data("a")["it.txt"]


def test_a_file_added_during_a_build_to_a_node_that_is_its_own_code_is_noticed(
    project: Project,
) -> None:
    project.write("a/node.toml", 'code = "."\nmain = "main.sh"\n')
    project.write("a/main.sh", "ls > ../data/it.txt\n").node("b")
    rebuild_b(project, lambda: project.write("a/new.txt", ""))
    project.call("build")
    assert "new.txt" in project.data("a")["it.txt"]


def test_own_data_put_in_place_of_a_link_during_a_build_is_not_taken_for_the_result(
    project: Project,
) -> None:
    def put_own() -> None:
        (project.root / "a/data").unlink()
        project.write("a/data/mine.txt", "mine")

    project.node("a").node("b", parents=["a"])
    rebuild_b(project, put_own)
    assert "they are kept in" in project.call("build").out
    assert {"it.txt": "a\n"} == project.data("a")


def test_a_file_added_to_a_linked_tree_during_a_build_is_no_part_of_the_result(
    project: Project,
) -> None:
    project.node("a").node("b").build()
    project.node("a").node("b", "echo edited > ../data/it.txt")
    act = once_started("b", lambda: project.write("a/data/mine.txt", "mine"))
    built = project.build(on_event=act)
    assert "kept" == built.outcomes["a"]
    project.call("build")
    assert {"it.txt": "a\n"} == project.data("a")


def test_a_result_mended_for_its_reader_is_fresh_for_status_too(project: Project) -> None:
    """twin holds a's file and one more: what is altered in one is altered in both."""
    twin, read = (
        "echo a > ../data/it.txt; echo 1 > ../data/1",
        "cat ../parents/*/* > ../data/it.txt",
    )
    project.node("a").node("twin", twin).node("b", read, parents=["twin"]).build()
    (path := (project.root / "a/data/it.txt").resolve()).chmod(0o644)
    path.write_text("damaged")
    (project.root / "a/data").unlink()
    assert {"a"} == project.build().named(Outcome.RAN)
    project.node("twin", twin).node("b", f"{read} # edited", parents=["twin"])
    built = project.build()
    assert ("kept", "ran") == (built.outcomes["twin"], built.outcomes["b"])
    assert "was brought back from the store's objects" in built.notices
    assert "nothing to do" in project.call("build").out
    assert 0 == project.call("status", "--check").code


def test_a_result_of_other_params_linked_by_a_later_build_is_taken_back(project: Project) -> None:
    project.node("a", "cat ../params.json > ../data/it.txt", toml="[params]\nk = 1\n").node("b")
    rebuild_b(project, lambda: project.fp("build", "a", "-p", "a.k=2"))
    project.call("build")
    assert "1" in project.data("a")["it.txt"]


def test_a_source_edited_during_a_build_is_noticed_where_results_are_copies(
    project: Project,
) -> None:
    project.write("fusionpipe.toml", 'link = "copy"\n')
    project.write("raw/node.toml", "source = true\n").write("raw/data/x", "one")
    project.node("a", "cat ../parents/raw/x > ../data/it.txt", parents=["raw"]).node("b")
    rebuild_b(project, lambda: project.write("raw/data/x", "two"))
    project.call("build")
    assert {"it.txt": "two"} == project.data("a")


def test_own_data_that_cannot_be_kept_is_said_at_every_build(
    project: Project, tmp_path: Path
) -> None:
    project.node("a").write("a/data/mine.txt", "mine")
    (project.root / "a/data/away").symlink_to(tmp_path)
    for _ in range(2):
        assert "could not be linked" in project.call("build").out
    assert "mine" == (project.root / "a/data/mine.txt").read_text()


def test_a_file_that_changes_under_the_same_fingerprint_does_not_hold_a_build_up(
    project: Project,
) -> None:
    project.write("big.bin", "x" * 100)
    project.node("a", "cat ../inputs/big > ../data/it.txt", toml='[inputs]\nbig = "../big.bin"\n')
    with (project.root / "big.bin").open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:1] = b"y"
        project.build()
        memory[:1] = b"z"  # to a page that is dirty already: no time changes
        project.write("a/code/main.sh", "head -c 1 ../inputs/big > ../data/it.txt\n")
        for path in (project.root / ".fusionpipe/store/objects").rglob("*"):
            if path.is_file() and path.stat().st_size == 100:
                path.unlink()
        build = project.start("build")
        out, _ = build.communicate(timeout=PLENTY)
    assert 0 == build.returncode, out
    assert {"it.txt": "z"} == project.data("a")


def test_a_version_managers_variable_is_no_no_op(project: Project) -> None:
    project.node("a").build()
    assert hot.check(str(project.root), project.environment) is not None
    chosen = {**project.environment, "ASDF_PYTHON_VERSION": "3.99.1"}
    assert hot.check(str(project.root), chosen) is None


def test_a_file_added_to_a_large_input_voids_the_run(project: Project) -> None:
    large_input(project)
    project.node(
        "a", "ls ../inputs/config > ../data/it.txt", toml='[inputs]\nconfig = "../config"\n'
    )
    act = once_started("a", lambda: project.write("config/new.txt", ""))
    assert {"a": Outcome.FAILED} == project.build(on_event=act).outcomes


def test_a_large_input_gives_the_code_nothing_that_is_not_in_its_key(project: Project) -> None:
    large_input(project).write("config/.git/HEAD", "").write("config/notes.txt", "")
    toml = '[inputs]\nwhole = "../config"\nsome = "../config/*.bin"\n'
    project.node("a", "cd ../inputs && ls -A some/ whole/ > ../data/it.txt", toml=toml)
    project.build()
    assert "some/:\nbig.bin\n\nwhole/:\nbig.bin\nnotes.txt\n" == project.data("a")["it.txt"]


def large_input(project: Project) -> Project:
    project.write("config/big.bin", "")
    with (project.root / "config/big.bin").open("r+b") as file:
        file.truncate(65 << 20)
    return project
