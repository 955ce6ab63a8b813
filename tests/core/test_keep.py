"""What a user has in a generated place is theirs: it is stored and rooted before a link replaces it (L9)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionpipe.build.keep import MOST_KEPT, UserDataInTheWay, keep_user_data, refuse_if_large
from fusionpipe.testing import Project
from fusionstore.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "node" / "data"
    (made / "deep").mkdir(parents=True)
    (made / "mine").write_text("mine")
    (made / "deep" / "run.sh").write_text("#!/bin/sh\n")
    (made / "deep" / "run.sh").chmod(0o755)
    (made / "link").symlink_to("mine")
    return made


def test_the_users_bytes_are_stored_rooted_and_told_where(store: Store, data: Path) -> None:
    place = keep_user_data(store, data)
    assert place is not None
    assert not data.exists()
    kept = Path(place)
    assert ("mine", "mine") == ((kept / "mine").read_text(), (kept / "link").read_text())
    assert os.access(kept / "deep" / "run.sh", os.X_OK)
    assert [(kept.name,)] == [tuple(root.trees) for root in store.roots()]


def test_they_can_be_brought_back_from_the_root_alone(
    store: Store, data: Path, tmp_path: Path
) -> None:
    place = keep_user_data(store, data)
    store.close()
    reopened = Store.open(tmp_path / "store")
    reopened.reindex()
    (root,) = reopened.roots()
    (tree,) = root.trees
    assert place == str(reopened.check(tree))
    assert str(data) == root.body["path"]
    reopened.close()


def test_bytes_that_are_kept_already_are_rooted_once(store: Store, data: Path) -> None:
    first = keep_user_data(store, data)
    data.mkdir()
    (data / "deep").mkdir()
    (data / "mine").write_text("mine")
    (data / "deep" / "run.sh").write_text("#!/bin/sh\n")
    (data / "deep" / "run.sh").chmod(0o755)
    (data / "link").symlink_to("mine")
    assert first == keep_user_data(store, data)
    assert 1 == len(store.roots())


def test_an_empty_directory_just_goes(store: Store, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert keep_user_data(store, tmp_path / "data") is None
    assert not (tmp_path / "data").exists()
    assert [] == list(store.roots())


def test_more_than_a_gigabyte_is_refused_and_stays_where_it_is(store: Store, data: Path) -> None:
    with open(data / "big", "wb") as file:
        file.truncate(MOST_KEPT + 1)
    with pytest.raises(UserDataInTheWay) as refused:
        keep_user_data(store, data)
    assert "1.1 GB of your own" in str(refused.value)
    assert "source = true" in str(refused.value)
    assert {"big", "mine", "deep", "link"} == set(os.listdir(data))


def test_a_gigabyte_in_all_is_not_too_much(tmp_path: Path) -> None:
    for name, size in (("a", MOST_KEPT - 1), ("b", 1)):
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    refuse_if_large(tmp_path)
    (tmp_path / "c").write_text("x")
    with pytest.raises(UserDataInTheWay):
        refuse_if_large(tmp_path)


# -- in a build -------------------------------------------------------------------------------
def test_a_build_keeps_a_users_data_and_says_where(tmp_path: Path) -> None:
    project = Project(tmp_path).node("n")
    project.write("n/data/mine.txt", "mine\n")
    built = project.build()
    assert {"n": "ran"} == built.outcomes
    assert {"it.txt": "n\n"} == project.data("n")
    (kept,) = (tmp_path / ".fusionpipe/store/trees").glob("*/mine.txt")
    assert "mine\n" == kept.read_text()
    assert (
        str(kept.parent) in built.notices or str(kept.parent.relative_to(tmp_path)) in built.notices
    )


def test_a_build_does_not_run_a_node_whose_data_holds_too_much_of_the_users(tmp_path: Path) -> None:
    project = Project(tmp_path).node("n").node("below", parents=["n"])
    (tmp_path / "n/data").mkdir()
    with open(tmp_path / "n/data/big", "wb") as file:
        file.truncate(MOST_KEPT + 1)
    built = project.build()
    assert ({"n": "failed", "below": "skipped"}, []) == (built.outcomes, built.started)
    assert "source = true" in built.nodes["n"].reason
    assert ["big"] == os.listdir(tmp_path / "n/data")


def test_a_users_logs_txt_is_not_lost_in_a_build(tmp_path: Path) -> None:
    project = Project(tmp_path).node("n").write("n/logs.txt", "my notes\n")
    project.build()
    assert "my notes\n" == (tmp_path / "n/logs.txt.yours").read_text()


@pytest.mark.parametrize("mode", ["hardlink", "reflink", "copy"])
def test_a_users_files_are_not_lost_where_results_are_plain_files(
    tmp_path: Path, mode: str
) -> None:
    project = Project(tmp_path).node("n").write("fusionpipe.toml", f'link = "{mode}"\n')
    project.write("n/logs.txt", "my notes\n").write("n/data/mine.txt", "mine\n")
    project.build()
    assert "my notes\n" == (tmp_path / "n/logs.txt.yours").read_text()
    (kept,) = (tmp_path / ".fusionpipe/store/trees").glob("*/mine.txt")
    assert "mine\n" == kept.read_text()
    project.write("n/code/main.sh", "echo two > ../data/it.txt\n")
    project.build()
    assert {"it.txt": "two\n"} == project.data("n")
    assert not (tmp_path / "n/logs.txt.yours2").exists()
