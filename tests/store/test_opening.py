"""A store that cannot be used here says so in a sentence and touches nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionstore.contract import Draft, NotPublished
from fusionstore.errors import DiskFull, StoreUnusable
from fusionstore.filesystem import NETWORK, kind_of, network_kind
from fusionstore.opening import prepare
from fusionstore.store import Store
from fusionstore.testing import anything, key_of, publish, read_back, result_of, write_tree

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs the superuser")


def rewrite_about(store: Path, **fields: int) -> None:
    path = store / "store.json"
    about = json.loads(path.read_text()) | fields
    path.write_text(json.dumps(about))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    Store.open(tmp_path / "store").close()
    return tmp_path / "store"


def test_a_missing_store_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="not there"):
        Store.open(tmp_path / "store", create=False)
    assert not (tmp_path / "store").exists()


def test_a_store_of_somebody_else_is_refused_even_to_root(made: Path) -> None:
    rewrite_about(made, owner=os.geteuid() + 1)
    with pytest.raises(StoreUnusable, match=r"belongs to user(?s:.*)remote"):
        Store.open(made)


def test_a_store_of_a_newer_format_is_refused(made: Path) -> None:
    rewrite_about(made, min_writer=9)
    with pytest.raises(StoreUnusable, match=r"format 9(?s:.*)upgrade"):
        Store.open(made)


def test_a_damaged_store_json_is_told(made: Path) -> None:
    (made / "store.json").write_text("{")
    with pytest.raises(StoreUnusable, match="damaged"):
        Store.open(made)


def test_a_directory_of_other_things_does_not_become_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreUnusable, match=r"thesis\.tex"):
        Store.open(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    with pytest.raises(StoreUnusable, match="not a directory"):
        Store.open(tmp_path / "store")


@pytest.mark.parametrize("magic", NETWORK)
def test_network_file_systems_are_refused_by_their_magic_number(tmp_path: Path, magic: int) -> None:
    with pytest.raises(StoreUnusable, match=r"network file system(?s:.*)local\.toml"):
        prepare(tmp_path / "store", create=True, network=lambda path: kind_of(magic, path))


def test_this_machines_disk_is_no_network_file_system(tmp_path: Path) -> None:
    assert network_kind(str(tmp_path)) is None


def test_two_stores_at_different_paths_are_open_at_once(tmp_path: Path) -> None:
    one, two = Store.open(tmp_path / "one"), Store.open(tmp_path / "two")
    publish(one, result_of(one, tmp_path, key_of("k"), {"a": "1"}))
    assert two.lookup(key_of("k"), anything) is None
    one.close()
    two.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no tmpfs to be had: {error}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.root
@as_root
def test_a_full_disk_is_told_and_what_was_published_stays(small_disk: Path) -> None:
    store = Store.open(small_disk / "store")
    record = publish(store, result_of(store, small_disk, key_of("k"), {"a": "1"})).record
    ballast = small_disk / "ballast"
    draft = result_of(store, small_disk, key_of("full"), {"a": "2"})
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    mine = small_disk.parent / "mine"
    mine.write_bytes(b"y" * 100_000)
    with pytest.raises(DiskFull):
        store.store_file(mine)
    outcomes = store.commit([draft])
    assert isinstance(outcomes[0], NotPublished)
    assert isinstance(outcomes[0].error, DiskFull)
    assert store.lookup(key_of("full"), anything) is None
    assert read_back(store.check(record.slots["data"])) == {"a": "1"}
    ballast.unlink()
    assert publish(store, draft).is_new
    store.close()


@pytest.mark.root
@as_root
def test_a_read_only_file_system_is_refused(small_disk: Path) -> None:
    Store.open(small_disk / "store").close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreUnusable, match="read-only"):
        Store.open(small_disk / "store")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_is_refused(made: Path) -> None:
    made.chmod(0o555)
    with pytest.raises(StoreUnusable, match="permission"):
        Store.open(made)
    made.chmod(0o755)


def test_a_moved_store_still_answers(made: Path, tmp_path: Path) -> None:
    store = Store.open(made)
    tree = store.ingest(write_tree(tmp_path / "out", {"a": "1"}))
    record = publish(store, Draft(key_of("k"), {"data": tree})).record
    store.close()
    shutil.move(made, tmp_path / "elsewhere")
    moved = Store.open(tmp_path / "elsewhere")
    assert moved.lookup(key_of("k"), anything) == record
    assert read_back(moved.check(tree.root)) == {"a": "1"}
    moved.close()
