"""`fp verify` finds what was done to a real store, says whose it is, and mends it; the next build is right."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fusionpipe.build.state import State
from fusionpipe.report.verify import progress_line
from fusionpipe.testing import Project
from fusionstore.findings import Progress


@pytest.fixture
def built(project: Project) -> Project:
    """raw writes two files, clean copies one of them, so that they share its bytes."""
    project.node("raw", "echo one > ../data/a.txt; echo two > ../data/b.txt")
    project.node("clean", "cat ../parents/raw/a.txt > ../data/c.txt", parents=["raw"])
    assert project.call("build").code == 0
    return project


def store(project: Project) -> Path:
    return project.root / ".fusionpipe" / "store"


def edit(path: Path, text: str = "EDITED") -> None:
    path.chmod(0o644)
    path.write_text(text)


def flip(path: Path) -> None:
    """Other bytes, and all that a stat tells as before."""
    status = path.stat()
    edit(path, "ONE\n")
    path.chmod(0o444)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def told(project: Project, *words: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(project.call("verify", "--json", *words).out)
    return found


def record_of(project: Project, node: str) -> Path:
    key = State.load(project.root).row(node).key  # type: ignore[arg-type]  # a name
    return store(project) / "actions" / key[:2] / key


def test_a_sound_store_is_told_in_one_line(built: Project) -> None:
    result = built.fp("verify")
    assert result.code == 0
    assert result.out.startswith("the store is sound: 2 results, ")
    assert result.out.count("\n") == 1
    assert built.call("verify", "--deep").code == 0


def test_an_edit_in_place_is_told_for_every_result_that_shares_the_file(built: Project) -> None:
    edit(built.root / "clean" / "data" / "c.txt")
    result = built.call("verify")
    assert result.code == 4
    assert "was altered after it was stored" in result.out
    assert "results that need it: clean, raw" in result.out
    assert "fp verify --repair" in result.out


def test_what_was_edited_is_named_as_the_user_knows_it(built: Project) -> None:
    edit(built.root / "raw" / "data" / "b.txt")
    assert "raw/data/b.txt was altered" in built.call("verify").out


def test_repair_names_what_is_lost_and_the_next_build_brings_it_back(built: Project) -> None:
    before = built.data("raw") | built.data("clean")
    edit(built.root / "clean" / "data" / "c.txt")
    result = built.call("verify", "--repair")
    assert result.code == 0
    for node in ("raw", "clean"):
        assert f"lost     {node} (" in result.out
    assert built.outcomes() == {"raw": "ran", "clean": "ran"}
    assert built.data("raw") | built.data("clean") == before
    assert built.call("verify", "--deep").code == 0


def test_a_flipped_bit_is_found_by_deep_alone(built: Project) -> None:
    before = built.data("raw")
    flip(built.root / "raw" / "data" / "a.txt")
    assert built.call("verify").code == 0
    assert built.call("verify", "--deep").code == 4
    assert built.call("verify", "--deep", "--repair").code == 0
    assert built.call("build").code == 0
    assert built.data("raw") == before


def remove_object(project: Project) -> None:
    for path in store(project).glob("objects/*/*"):
        if path.read_text() == "two\n":
            path.unlink()


def remove_tree(project: Project) -> None:
    shutil.rmtree(os.path.realpath(project.root / "raw" / "data"))


def tear_record(project: Project) -> None:
    path = record_of(project, "raw")
    edit(path, path.read_bytes().decode("latin1")[:-40])


def dangle_root(project: Project) -> None:
    record_of(project, "clean").unlink()


def tear_root(project: Project) -> None:
    (path,) = (store(project) / "roots").glob("project-*")
    path.write_bytes(path.read_bytes()[:-20])


HARMS: dict[str, Callable[[Project], object]] = {
    "a removed object": remove_object,
    "a removed tree": remove_tree,
    "a torn record": tear_record,
    "a removed record": dangle_root,
    "a torn root": tear_root,
    "an added file": lambda project: (project.root / "raw/data/mine.txt").write_text("mine"),
    "an edited file": lambda project: edit(project.root / "raw/data/b.txt"),
    "a writable file": lambda project: (project.root / "raw/data/b.txt").chmod(0o666),
}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("deep", [[], pytest.param(["--deep"], marks=pytest.mark.slow)])
def test_what_was_harmed_is_mended_and_the_next_build_is_right(
    built: Project, harm: str, deep: list[str]
) -> None:
    before = built.data("raw") | built.data("clean")
    HARMS[harm](built)
    found = built.call("verify", *deep)
    assert (found.code, "damaged" in found.out) == (4, True)
    repaired = built.call("verify", "--repair", *deep)
    assert (repaired.code, "mended" in repaired.out) == (0, True)
    assert built.call("build").code == 0
    assert built.data("raw") | built.data("clean") == before
    assert built.call("verify", "--deep").out.startswith("the store is sound")
    assert built.call("status", "--check").code == 0


def test_without_an_index_all_is_unread_until_a_deep_look(built: Project) -> None:
    shutil.rmtree(store(built) / "index")
    assert "nobody has read" in built.call("verify").out
    assert built.call("verify", "--deep").code == 0
    assert "nobody has read" not in built.call("verify").out


def test_nodes_that_cannot_be_read_do_not_matter(built: Project) -> None:
    built.write("clean/node.toml", "parents = [")
    edit(built.root / "raw" / "data" / "b.txt")
    assert built.call("build").code == 3
    assert "raw/data/b.txt" in built.call("verify").out


def test_links_that_lead_nowhere_or_elsewhere_are_told(built: Project, tmp_path: Path) -> None:
    link, other = built.root / "raw" / "data", built.root / "clean" / "data"
    link.unlink()
    link.symlink_to("../nowhere")
    other.unlink()
    other.symlink_to(tmp_path)
    result = built.call("verify")
    assert "raw/data leads to nothing: fp build raw" in result.out
    assert "clean/data leads elsewhere than to its result" in result.out


def test_a_torn_record_is_told_by_its_node(built: Project) -> None:
    tear_record(built)
    assert "raw has a damaged record" in built.call("verify").out
    assert told(built)["sound"] is False


def test_json_tells_each_finding(built: Project) -> None:
    edit(built.root / "raw" / "data" / "b.txt")
    (finding,) = _findings(told(built))
    assert (finding["fault"], finding["nodes"]) == ("object altered", ["raw"])
    assert (finding["shown"], finding["is_mended"]) == ("raw/data/b.txt", False)
    repaired = told(built, "--repair")
    assert repaired["sound"] is True
    assert list(_dict(repaired["lost"]).values()) == ["raw"]


def test_the_line_of_progress_tells_how_far_how_fast_and_how_long() -> None:
    line = progress_line(Progress("hashing", 3_000_000_000, 12_000_000_000), 3.0)
    assert line == "hashing  3.0 GB of 12 GB  25 %  1.0 GB/s  9.0 s left"


def _findings(found: dict[str, object]) -> Iterator[dict[str, object]]:
    findings = found["findings"]
    assert isinstance(findings, list)
    return iter([finding for finding in findings if finding["is_damage"]])


def _dict(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
