"""What is the user's stays the user's: nothing of it is deleted, overwritten or taken into the store (L9)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from fusionpipe.events import Outcome
from fusionpipe.testing import Project


def test_a_node_that_makes_its_data_a_link_leaves_what_it_leads_to_alone(
    project: Project, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    (theirs / "file").write_text("mine")
    (theirs / "file").chmod(0o600)
    project.node("a", f"rmdir ../data && ln -s '{theirs}' ../data")
    project.node("b", f"rmdir ../reports && ln -s '{theirs}' ../reports")
    assert {Outcome.FAILED} == set(project.build(keeps_going=True).outcomes.values())
    status = (theirs / "file").stat()
    assert (0o100600, 1) == (status.st_mode, status.st_nlink)
    assert 0o40700 == theirs.stat().st_mode


def test_a_params_file_of_ones_own_is_left_alone_or_moved_aside(project: Project) -> None:
    project.node("a").write("a/params.json", "mine")
    project.node("b", toml="[params]\nk = 1\n").write("b/params.json", "mine")
    project.build()
    assert "mine" == (project.root / "a/params.json").read_text()
    assert "mine" == (project.root / "b/params.json.yours").read_text()
    assert "1" in (project.root / "b/params.json").read_text()


def test_links_and_directories_of_ones_own_stay_among_generated_ones(
    project: Project, tmp_path: Path
) -> None:
    project.write("config.yaml", "").node("a", toml='[inputs]\nconfig = "../config.yaml"\n')
    (project.root / "a/inputs/empty").mkdir(parents=True)
    (project.root / "a/inputs/big").symlink_to(tmp_path)
    project.build()
    project.write("a/node.toml", "").build()
    assert ["big", "empty"] == sorted(os.listdir(project.root / "a/inputs"))


def test_destroy_leaves_sources_and_settings_as_they_are(project: Project, tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    project.write("raw/node.toml", "source = true\n").write("raw/params.json", "mine")
    (project.root / "raw/data").symlink_to(tmp_path / "big")
    project.write(".fusionpipe/local.toml", "jobs = 1\n").node("a", parents=["raw"]).build()
    assert 0 == project.call("destroy", "--yes").code
    assert (project.root / "raw/data").is_symlink()
    assert "mine" == (project.root / "raw/params.json").read_text()
    assert ["local.toml"] == os.listdir(project.root / ".fusionpipe")


def test_destroy_empties_a_private_directory_that_is_a_link(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (project.root / ".fusionpipe").symlink_to(tmp_path / "elsewhere")
    project.node("a").build()
    result = project.call("destroy", "--yes")
    assert (0, []) == (result.code, os.listdir(tmp_path / "elsewhere")), result.err


@pytest.fixture
def other_file_system(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    place = Path(mkdtemp(dir=memory))
    yield place
    shutil.rmtree(place)


def test_own_data_makes_room_also_for_a_store_on_another_file_system(
    project: Project, other_file_system: Path
) -> None:
    project.environment["FUSIONPIPE_STORE"] = str(other_file_system / "store")
    project.node("a").write("a/data/mine.txt", "mine")
    built = project.build()
    assert "they are kept in" in built.notices
    assert {"it.txt": "a\n"} == project.data("a")
    kept = Path(built.notices.partition("kept in ")[2])
    assert "mine" == (kept / "mine.txt").read_text()


def test_a_file_called_data_is_moved_aside_by_a_run_by_hand(project: Project) -> None:
    project.node("a").write("a/data", "mine")
    result = project.fp("run", "a")
    assert 0 == result.code, result.err
    assert "mine" == (project.root / "a/data.yours").read_text()
