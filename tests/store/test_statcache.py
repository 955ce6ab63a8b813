"""A fingerprint stands for a file's bytes only once it is old enough."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusionstore.statcache import Fingerprint, ProbeClock, fingerprint, is_older

MS = 1_000_000
LATE = 50_000 * MS


def of(*, mtime: int, ctime: int) -> Fingerprint:
    return Fingerprint(1, mtime, ctime, 2, 3)


@pytest.mark.parametrize(
    ("mtime", "ctime", "precise", "expected"),
    [
        (LATE - 11 * MS, LATE - 11 * MS, True, True),
        (LATE - 9 * MS, LATE - 9 * MS, True, False),
        (LATE + 99 * MS, LATE - 11 * MS, True, True),  # a faked or future mtime
        (LATE - 11 * MS, LATE, True, False),  # an old mtime put back just now
        (LATE - 11 * MS, LATE - 11 * MS, False, False),
        (LATE - 2001 * MS, LATE - 2001 * MS, False, True),
        (LATE + 99 * MS, LATE - 2001 * MS, False, False),
    ],
)
def test_only_what_is_older_than_the_probe_by_a_margin_is_trusted(
    mtime: int, ctime: int, precise: bool, expected: bool
) -> None:
    assert is_older(of(mtime=mtime, ctime=ctime), LATE, precise=precise) is expected


def test_a_file_written_now_is_racy_and_settles(tmp_path: Path) -> None:
    clock = ProbeClock(tmp_path, precise=True)
    (tmp_path / "f").write_text("1")
    now = fingerprint((tmp_path / "f").stat())
    assert not clock.is_settled(now)
    assert clock.settle(now)
    assert clock.is_settled(now)
    clock.close()
    assert os.listdir(tmp_path) == ["f"]


def test_waiting_for_the_future_is_bounded(tmp_path: Path) -> None:
    clock = ProbeClock(tmp_path, precise=True)
    future = of(mtime=0, ctime=1 << 62)
    assert not clock.settle(future, at_most=0.01)


def test_an_old_fingerprint_costs_one_probe_for_all(tmp_path: Path) -> None:
    ticks: list[int] = []

    def now() -> int:
        ticks.append(1)
        return LATE

    clock = ProbeClock(tmp_path, precise=True, now_ns=now)
    old = of(mtime=1, ctime=1)
    assert all(clock.is_settled(old) for _ in range(5))
    assert len(ticks) == 2  # asked once, before and after the one probe


def test_the_kind_of_file_system_is_found_out(tmp_path: Path) -> None:
    clock = ProbeClock(tmp_path)
    assert clock.is_settled(of(mtime=1, ctime=1))


def test_without_room_for_the_probe_nothing_is_settled_and_nothing_fails(tmp_path: Path) -> None:
    clock = ProbeClock(tmp_path / "gone")
    of = fingerprint(os.stat(tmp_path))
    assert not clock.is_settled(of)
    assert not clock.settle(of, at_most=60.0)
