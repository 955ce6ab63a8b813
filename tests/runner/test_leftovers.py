"""When a look into a directory may be spared, and when not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionpipe.runner.leftovers import DIRECTORIES, FILES, Before, find_leftovers

EXPECTED = {*DIRECTORIES, *FILES}
SECOND = 10**9


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in DIRECTORIES:
        (tmp_path / name).mkdir()
    return tmp_path


def before(root: Path, *, laid_after: int) -> Before:
    """All directories were empty, and the run was laid out some time after the last change in them."""
    changed = {name: (root / name).stat().st_ctime_ns for name in DIRECTORIES}
    return Before(root.joinpath("code").stat().st_mode, max(changed.values()) + laid_after, changed)


def test_what_did_not_change_since_long_before_the_run_is_untouched(root: Path) -> None:
    found = find_leftovers(str(root), EXPECTED, (), before(root, laid_after=SECOND))
    assert found.untouched == frozenset(DIRECTORIES)


def test_a_change_just_before_the_run_is_looked_into(root: Path) -> None:
    known = before(root, laid_after=SECOND // 1000)
    (root / "libs/stray").touch()
    # As if the file system's clock had not moved on between the two changes.
    raced = known._replace(empty={**known.empty, "libs": (root / "libs").stat().st_ctime_ns})
    found = find_leftovers(str(root), EXPECTED, (), raced)
    assert found.unexpected == ["libs/stray"]


def test_a_changed_directory_is_looked_into(root: Path) -> None:
    known = before(root, laid_after=SECOND)
    stale = known._replace(empty={name: at - 1 for name, at in known.empty.items()})
    (root / "inputs/new").mkdir()
    found = find_leftovers(str(root), EXPECTED, (), stale)
    assert found.untouched == frozenset()
    assert found.unexpected == ["inputs/new/"]


def test_a_directory_with_another_mode_is_not_sound(root: Path) -> None:
    known = before(root, laid_after=SECOND)
    (root / "tmp").chmod(0o500)
    found = find_leftovers(str(root), EXPECTED, (), known)
    assert set(DIRECTORIES) - {"tmp"} == set(found.sound)
