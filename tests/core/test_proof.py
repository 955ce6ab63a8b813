"""What a run read of the store is looked at again: everything that changed is seen, and little is looked at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionpipe.build.proof import Proof
from fusionpipe.counting import counted_calls

SECOND = 10**9


def later() -> int:
    """A clock by which everything was made long ago."""
    return time.time_ns() + SECOND


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    place = tmp_path / "tree"
    place.mkdir()
    (place / "a.txt").write_text("a")
    (place / "b.txt").write_text("b")
    (place / "link").symlink_to("a.txt")
    return place


def proven(tree: Path) -> Proof:
    return Proof.of_tree("n/data", tree, now_ns=later)


def write_in_place(tree: Path) -> None:
    (tree / "a.txt").write_text("x")
    os.utime(tree / "a.txt", ns=(0, 0))


def replace_by_an_equal(tree: Path) -> None:
    times = (tree / "a.txt").stat()
    (tree / "new").write_text("x")
    os.utime(tree / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    directory = tree.stat()
    os.replace(tree / "new", tree / "a.txt")
    os.utime(tree, ns=(directory.st_atime_ns, directory.st_mtime_ns))


def lead_elsewhere(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("b.txt")


CHANGES: list[Callable[[Path], object]] = [
    write_in_place,
    replace_by_an_equal,
    lead_elsewhere,
    lambda tree: (tree / "more").touch(),
    lambda tree: (tree / "more").mkdir(),
    lambda tree: (tree / "b.txt").unlink(),
    lambda tree: (tree / "a.txt").chmod(0o777),
    lambda tree: tree.rename(tree.with_name("gone")),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("clock", [later, lambda: 0], ids=["old", "young"])
def test_every_change_is_seen(
    change: Callable[[Path], object], clock: Callable[[], int], tree: Path
) -> None:
    proof = Proof.of_tree("n/data", tree, now_ns=clock)
    assert proof.first_change() is None
    change(tree)
    assert proof.first_change() == "n/data"


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_deep_tree_is_seen(change: Callable[[Path], object], tree: Path) -> None:
    (tree / "below").mkdir()
    (tree / "below" / "c.txt").write_text("c")
    proof = proven(tree)
    assert proof.first_change() is None
    change(tree)
    assert proof.first_change() == "n/data"


def test_a_tree_that_was_mended_stays_spoilt(tree: Path) -> None:
    proof = proven(tree)
    (tree / "more").touch()
    assert proof.first_change() == "n/data"
    (tree / "more").unlink()
    assert proof.first_change() == "n/data"


def test_a_change_of_the_directory_alone_is_none_of_the_tree(tree: Path) -> None:
    proof = proven(tree)
    tree.chmod(0o700)
    assert proof.first_change() is None


def test_a_small_tree_of_some_age_is_listed_once(tree: Path) -> None:
    with counted_calls() as calls:
        proof = proven(tree)
        for _ in range(5):
            proof.first_change()
    assert calls["scandir"] == 1


def test_a_directory_that_may_still_change_in_the_same_tick_is_listed(tree: Path) -> None:
    proof = Proof.of_tree("n/data", tree, now_ns=lambda: tree.stat().st_ctime_ns)
    with counted_calls() as calls:
        proof.first_change()
    assert calls["scandir"] == 1
