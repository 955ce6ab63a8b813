"""Fingerprints are forty bytes, whatever `stat` says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusionpipe import hot
from fusionpipe.prints import BYTES, fingerprint_of, packed, print_of
from fusionpipe.testing import Project
from fusionstore.statcache import fingerprint

BEFORE_1970 = -1_500_000_001


@pytest.mark.parametrize("mtime_ns", [BEFORE_1970, 0, 1_700_000_000_123_456_789])
def test_a_fingerprint_says_what_stat_said(tmp_path: Path, mtime_ns: int) -> None:
    file = tmp_path / "file"
    file.write_text("text")
    os.utime(file, ns=(0, mtime_ns))
    status = os.stat(file)
    assert mtime_ns == status.st_mtime_ns
    assert fingerprint(status) == fingerprint_of(print_of(status))


def test_fingerprints_that_differ_in_anything_are_others() -> None:
    words = [(1 << 64) - 1, 2, 3, 4, 5]
    prints = {packed(*words)}
    for at in range(len(words)):
        prints.add(packed(*words[:at], words[at] - 1, *words[at + 1 :]))
    assert 6 == len(prints)
    assert {BYTES} == {len(one) for one in prints}


def test_a_file_from_before_1970_does_not_disturb_a_no_op_and_its_edit_is_noticed(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path).node("a", "echo 1 > ../data/it")
    script = tmp_path / "a" / "code" / "main.sh"
    os.utime(script, ns=(0, BEFORE_1970))
    project.build()
    assert hot.check(str(tmp_path), project.environment) is not None
    os.utime(script, ns=(0, BEFORE_1970 + 1_000_000_000))
    assert hot.check(str(tmp_path), project.environment) is None
