"""A source of 20 GiB: read in place, never copied, its edit noticed."""

from __future__ import annotations

import os
import time

import pytest

from fusionpipe.testing import Project

SIZE = 20 << 30


@pytest.mark.slow
def test_a_source_of_20_gib_is_never_copied_and_its_edit_is_noticed(project: Project) -> None:
    project.write("raw/node.toml", "source = true\n").write("raw/data/small.txt", "1")
    big = project.root / "raw" / "data" / "big.bin"
    with big.open("wb") as file:
        file.truncate(SIZE)
    project.node("size", "wc -c < ../parents/raw/big.bin > ../data/size", parents=["raw"])
    first = project.fp("build", "--json")
    assert {"size": f"{SIZE}\n"} == project.data("size")
    hashing = [event for event in first.events if event["event"] == "source_hashing"]
    assert (SIZE + 1, SIZE + 1) == (hashing[-1]["done"], hashing[-1]["total"])
    assert len(hashing) > 2, "its progress is told"
    assert _stored(project) < 1 << 20

    began = time.monotonic()
    assert "nothing to do" in project.fp("build").out
    assert time.monotonic() - began < 3, "it is not read again"

    with big.open("r+b") as file:
        file.seek(SIZE // 2)
        file.write(b"x")
    assert {"raw": "kept", "size": "ran"} == project.outcomes()
    assert "code" not in project.call("why", "size").out.splitlines()[0]
    assert _stored(project) < 1 << 20


def _stored(project: Project) -> int:
    """Bytes that the project's private directory takes up on disk."""
    total = 0
    for place, _, names in os.walk(project.root / ".fusionpipe"):
        for name in names:
            status = os.lstat(os.path.join(place, name))
            total += 0 if name in ("data.mdb", "links") else status.st_size
    return total
