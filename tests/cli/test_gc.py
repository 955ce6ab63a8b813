"""`fp gc`: what goes, what stays, what is said of it."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from fusionpipe.build.archive import open_archive, refuse_gone
from fusionpipe.build.checkout import Part, checkout
from fusionpipe.build.collect import PATIENCE
from fusionpipe.build.refs import resolve
from fusionpipe.build.state import State
from fusionpipe.model import NodeName
from fusionpipe.testing import Project, until
from fusionstore.contract import Root
from fusionstore.digest import RecordId
from fusionstore.store import Store

LARGE = 100_000


def without_lease(store: Path) -> None:
    """What nobody needs is old at once."""
    Store.open(store).close()
    about = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps(about | {"lease": 0}))


def age(store: Path) -> None:
    """Lets the clock of the file system go on: what is there is older than what begins now."""
    newest = max(os.lstat(path).st_ctime for path in store.rglob("*"))
    # gc grants 50 ms, and the clock ticks each 10
    until(lambda: time.time() >= newest + 0.08, "the clock")


def store_of(project: Project) -> Path:
    return project.root / ".fusionpipe" / "store"


def with_history(project: Project, count: int) -> Project:
    """A node "a" with so many results of growing size, the last linked, and a child."""
    without_lease(store_of(project))
    project.node("b", "cat ../parents/a/x > ../data/y", parents=["a"])
    for number in range(count):
        edit(project, number)
        assert project.call("build").code == 0
    age(store_of(project))
    return project


def edit(project: Project, number: int) -> None:
    code = f"echo {number} > ../data/x; head -c {LARGE + number} /dev/zero > ../data/big"
    project.node("a", code)


def gc(project: Project, *words: str) -> dict[str, Any]:
    result = project.call("gc", "--json", *words)
    assert result.code == 0, result.err
    (line,) = result.out.splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def test_a_dry_run_says_what_would_go_and_the_same_goes_then(project: Project) -> None:
    with_history(project, 6)
    told, again = gc(project, "-n"), gc(project, "-n")
    assert told == again
    done = gc(project)
    assert {**told, "dry_run": False} == done
    bytes_of_a = sum(LARGE + number for number in range(3))
    assert (done["results"], done["bytes"]) == (6, bytes_of_a + 3 * 2)
    assert [share["node"] for share in done["nodes"]] == ["a", "b"]
    assert (done["kept"], done["rooted"], done["unrepeatable"]) == (6, 2, 0)
    assert gc(project)["results"] == 0
    assert project.call("build").out.startswith("nothing to do")


def test_people_are_told_in_a_few_lines(project: Project) -> None:
    with_history(project, 4)
    lines = project.call("gc", "-n").out.splitlines()
    assert lines[0].startswith("would free 100 kB of 4")
    assert "2 results, " in lines[0]
    assert lines[0].endswith("of computing to get them back")
    assert [line.split()[-1] for line in lines[1:3]] == ["a", "b"]
    assert lines[3] == "kept 6 results (2 linked, chosen or pinned)"
    assert max(map(len, lines)) <= 80
    assert project.call("gc").out.splitlines()[0].startswith("freed 100 kB of 4")
    assert project.call("gc").out.startswith("nothing to free: the store has 3")


def test_what_was_needed_in_the_last_hour_stays(project: Project) -> None:
    for number in range(5):
        edit(project, number)
        project.call("build")
    told = gc(project, "--keep", "0")
    assert (told["results"], told["kept"], told["young"]) == (0, 5, 4)


def test_what_went_runs_again_and_says_why(project: Project) -> None:
    with_history(project, 3)
    gc(project, "--keep", "0")
    edit(project, 0)
    why = project.call("why", "a").out
    assert "its stored result was cleaned up, or lost" in why
    built = project.call("build")
    assert "2 ran" in built.out
    assert project.data("a")["x"] == "0\n"


def test_all_that_is_kept_is_restored_without_a_run(project: Project) -> None:
    with_history(project, 5)
    gc(project)
    for number in (2, 3, 4):
        edit(project, number)
        assert "0 ran" in project.call("build").out
        assert project.data("b")["y"] == f"{number}\n"


def test_broken_node_files_are_no_hindrance(project: Project) -> None:
    with_history(project, 4)
    project.write("b/node.toml", "parents = [nonsense")
    assert project.call("build").code == 3
    assert gc(project, "--keep", "1")["results"] == 6


def test_a_size_is_reached_with_what_is_large_and_quickly_made(project: Project) -> None:
    with_history(project, 5)
    limit = 3 * LARGE
    done = gc(project, "--max-size", str(limit))
    stored = sum(
        p.stat().st_size for p in (store_of(project) / "objects").rglob("*") if p.is_file()
    )
    assert stored == done["before"] - done["bytes"] <= limit
    assert {share["node"] for share in done["nodes"]} == {"a"}
    assert done["unrepeatable"] == done["results"] == 3


def test_a_pin_keeps_a_result(project: Project) -> None:
    with_history(project, 3)
    store = Store.open(store_of(project))
    oldest = min(
        (full for full in map(store.read_record, recent(project))),
        key=lambda full: full.record.made,
    )
    store.write_root(Root("pin-paper", (oldest.record.id,)))
    store.close()
    age(store_of(project))
    assert gc(project, "--keep", "0")["results"] == 3
    edit(project, 0)
    assert "1 ran" in project.call("build").out  # b; a comes from the store


def recent(project: Project) -> list[RecordId]:
    return [RecordId(id) for id in State.load(project.root).row(NodeName("a")).recent]


# -- several projects -------------------------------------------------------------------------
@pytest.fixture
def two(tmp_path: Path) -> tuple[Project, Project]:
    """Two projects on one store, with other results each."""
    store = tmp_path / "store"
    without_lease(store)
    projects = (Project(tmp_path / "one"), Project(tmp_path / "two"))
    for number, project in enumerate(projects):
        project.write("fusionpipe.toml", f'store = "{store}"\n')
        for step in (0, 1):
            project.node("same", f"echo {number} {step} > ../data/it")
            assert project.call("build").code == 0
    age(store)
    return projects


def test_what_another_project_links_stays(two: tuple[Project, Project]) -> None:
    one, other = two
    assert gc(one, "--keep", "0")["results"] == 2
    assert other.call("build").out.startswith("nothing to do")
    assert other.data("same") == {"it": "1 1\n"}


def test_what_another_project_used_last_stays(two: tuple[Project, Project]) -> None:
    one, _ = two
    assert gc(one, "--keep", "2")["results"] == 0


def test_a_missing_project_keeps_its_results_until_it_is_forgotten(
    two: tuple[Project, Project],
) -> None:
    one, other = two
    shutil.rmtree(other.root)
    (missing,) = gc(one, "--keep", "0")["missing"]
    assert (missing["path"], missing["records"]) == (str(other.root), 1)
    said = one.call("gc").out
    assert "was not found" in said
    assert "--forget" not in said
    notes = one.root.parent / "store" / "gc.json"
    (name,) = json.loads(notes.read_text())["missed"]
    notes.write_text(json.dumps({"missed": {name: time.time() - PATIENCE - 1}}))
    assert f"fp gc --forget {missing['id']}" in one.call("gc").out
    age(notes.parent)
    assert gc(one, "--keep", "0")["results"] == 0
    assert gc(one, "--keep", "0", "--forget", missing["id"])["missing"] == []
    age(notes.parent)
    assert gc(one, "--keep", "0")["kept"] == 1


def test_a_project_that_comes_back_is_missed_no_more(two: tuple[Project, Project]) -> None:
    one, other = two
    away = other.root.with_name("away")
    other.root.rename(away)
    assert len(gc(one)["missing"]) == 1
    away.rename(other.root)
    assert gc(one)["missing"] == []
    assert json.loads((one.root.parent / "store" / "gc.json").read_text()) == {"missed": {}}
    assert other.call("build").out.startswith("nothing to do")


def test_a_project_that_was_moved_keeps_its_last_results(project: Project, tmp_path: Path) -> None:
    with_history(project, 3)
    assert gc(project)["results"] == 0
    project.root.rename(tmp_path / "moved")
    told = gc(Project(tmp_path / "moved"))
    assert (0, []) == (told["results"], told["missing"])


@pytest.mark.parametrize("is_copied", [False, True])
def test_a_project_that_was_moved_or_copied_is_known_after_a_build(
    two: tuple[Project, Project], is_copied: bool
) -> None:
    one, other = two
    away = other.root.with_name("away")
    if is_copied:
        shutil.copytree(other.root, away, symlinks=True)
    else:
        other.root.rename(away)
    there = Project(away, other.environment)
    there.write("fusionpipe.toml", (one.root / "fusionpipe.toml").read_text())
    assert there.call("build").out.startswith("nothing to do")
    assert gc(one)["missing"] == []
    if is_copied:
        shutil.rmtree(other.root)
        assert [str(other.root)] == [one["path"] for one in gc(one)["missing"]]
    id = (away / ".fusionpipe" / "id").read_text().strip()
    assert "is there" in one.call("gc", "--forget", id).err


def test_only_a_missing_project_can_be_forgotten(two: tuple[Project, Project]) -> None:
    one, other = two
    id = (other.root / ".fusionpipe" / "id").read_text().strip()
    refused = one.call("gc", "--forget", id)
    assert (refused.code, "is there" in refused.err) == (2, True)
    unknown = one.call("gc", "--forget", "nobody")
    assert (unknown.code, "no project nobody" in unknown.err) == (2, True)
    assert one.call("gc", "-n", "--forget", id).code == 2


# -- a quota ----------------------------------------------------------------------------------
def test_a_quota_is_kept_after_a_build(project: Project) -> None:
    with_history(project, 3)
    project.write("fusionpipe.toml", f'quota = "{3 * LARGE}"\n')
    edit(project, 9)
    built = project.call("build")
    assert "above its quota: " in built.out
    assert gc(project, "-n")["before"] <= 3 * LARGE
    assert project.call("build").out.startswith("nothing to do")
    assert project.data("b") == {"y": "9\n"}


def test_a_quota_that_cannot_be_kept_is_said_once_in_a_while(project: Project) -> None:
    project.write("fusionpipe.toml", 'quota = "10 kB"\n')
    edit(project, 0)
    assert "is linked, pinned or of the last hour" in project.call("build").out
    edit(project, 1)
    assert "quota" not in project.call("build").out


def test_a_bad_quota_is_told_with_its_line(project: Project) -> None:
    project.write("fusionpipe.toml", 'quota = "much"\n')
    result = project.call("build")
    assert (result.code, 'fusionpipe.toml:1: "much" is no size' in result.err) == (3, True)


# -- refusals ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words", [("--older-than", "soon"), ("--max-size", "big"), ("--keep", "-1")]
)
def test_words_that_do_not_fit_are_wrong_usage(project: Project, words: tuple[str, str]) -> None:
    assert project.call("gc", *words).code == 2


def test_a_list_of_results_that_cannot_be_read_stops_it(project: Project) -> None:
    with_history(project, 5)
    (root,) = (store_of(project) / "roots").iterdir()
    root.write_bytes(root.read_bytes()[:-9])
    before = sorted((store_of(project) / "objects").rglob("*"))
    result = project.call("gc", "--keep", "0")
    assert (result.code, "is damaged" in result.err) == (4, True)
    assert sorted((store_of(project) / "objects").rglob("*")) == before


def test_what_a_command_is_about_to_use_stays(project: Project, tmp_path: Path) -> None:
    with_history(project, 2)
    with open_archive(project.root, project.environment) as archive:
        found = resolve(archive, "a@{1}")
        refuse_gone(archive, found.full)
        done = project.fp("gc", "--keep", "0", "--json")  # another process
        assert (0, 1) == (done.code, json.loads(done.out)["results"])  # that of b went
        checkout(archive, found, tmp_path / "laid", Part.DATA)
    assert "0\n" == (tmp_path / "laid/x").read_text()


def test_what_was_needed_lately_is_said_to_stay_whatever_is_asked(project: Project) -> None:
    for word in ("one", "two"):
        project.node("a", f"echo {word} > ../data/x").call("build")
    told = project.call("gc", "-n", "--older-than", "0d", "--keep", "0")
    assert "kept 2 results (1 linked, chosen or pinned, 1 needed lately)\n" in told.out
    assert (
        "needed lately: in the last hour, or by a command that runs; such results always stay"
        in told.out
    )
    assert "always stay" not in with_history(project, 1).call("gc", "-n").out
