"""Large data: one big file, many small ones; published, restored, verified, beside `dvc` and `cp`.

Every round starts from new directories; nothing is deleted until the whole run is over.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import run_once
from benchmarks.peers.dvc import Dvc
from benchmarks.peers.fp import Fp, write_root
from benchmarks.places import HERE, environment, system_tool
from benchmarks.results import DataCell, Results

Say = Callable[[str], None]
Timed = Iterator[tuple[str, str, float]]  # subject, action, seconds


@dataclass(frozen=True, slots=True)
class Shape:
    """An output: so many files of so many bytes."""

    name: str
    files: int
    size: int

    @property
    def bytes(self) -> int:
        return self.files * self.size


TINY = Shape("1 × 1 KiB", 1, 1 << 10)
"""What everything else is compared with: the price of the command itself."""
BIG = Shape("1 × 2 GiB", 1, 2 << 30)
SMALL = Shape("20,000 × 10 KiB", 20_000, 10 << 10)
TINIES = Shape("100,000 × 1 KiB", 100_000, 1 << 10)
SHAPES = (TINY, BIG, SMALL, TINIES)
COPIES = 10  # of a shape's bytes that one round leaves on the disk, at most


def measure_data(
    shapes: Sequence[Shape], rounds: int, place: Path, results: Results, say: Say
) -> None:
    """Adds the medians to `results`; a shape for which there is no room is noted instead."""
    place.mkdir(parents=True)
    for shape in shapes:
        need, free = shape.bytes * COPIES * rounds, shutil.disk_usage(place).free
        if need > free:
            results.notes.append(f"{shape.name}: skipped, it needs {need >> 30} GiB of disk")
            continue
        found: dict[DataCell, list[float]] = {}
        for number in range(rounds):
            corner = place / f"{shape.files}-{shape.size}-{number}"
            corner.mkdir()
            for subject, action, seconds in _round(shape, corner):
                found.setdefault(DataCell(shape.name, subject, action), []).append(seconds)
        for cell, each in found.items():
            results.data[cell] = statistics.median(each)
            say(f"  {shape.name}: {cell.subject} {cell.action} {results.data[cell]:.4f} s")


def _round(shape: Shape, place: Path) -> Timed:
    plain = place / "plain"
    for action, seconds in _probe("plain", plain, shape).items():
        yield "plain", action, seconds
    for action, seconds in _probe("publish", place / "store", shape).items():
        yield "store", action, seconds
    for options, action in (("-a", "copy"), ("-al", "link")):
        command = [str(system_tool("cp")), options, str(plain), str(place / action)]
        yield f"cp {options}", "restore", _wall(command, place)
    yield from _fusionpipe(shape, place / "fp")
    dvc = Dvc()
    if dvc.is_available():
        for links in ("", "hardlink"):
            yield from _dvc(dvc, links, plain, place / f"dvc{links}")


def _fusionpipe(shape: Shape, place: Path) -> Timed:
    node = place / "big"
    (node / "code").mkdir(parents=True)
    write_root(place, jobs=1)
    text = (HERE / "writer.py").read_text().partition("if __name__")[0]
    (node / "code/main.py").write_text(f'{text}write("../data", {shape.files}, {shape.size})\n')
    fp = Fp().called()
    yield "fp", "build", _wall([fp, "build"], place)
    _wall([fp, "build"], place)  # settles what was too young to be trusted
    yield "fp", "no-op", _wall([fp, "build"], place)
    yield "fp", "status", _wall([fp, "status"], place)
    tree = os.path.basename(os.readlink(node / "data"))
    assert _count(node / "data") == shape.files
    os.rename(node / "data", place.parent / "wiped-link")
    os.sync()  # what was written before is not to be waited for now
    yield "fp", "restore", _wall([fp, "build"], place)
    assert _count(node / "data") == shape.files
    for action, seconds in _probe("check", place / ".fusionpipe/store", tree).items():
        yield "fp", action, seconds


def _dvc(dvc: Dvc, links: str, plain: Path, place: Path) -> Timed:
    place.mkdir()
    dvc.initialise(place, links=links)
    shutil.copytree(plain, place / "out")
    name, extra = f"dvc {links}".strip(), dict(dvc.environment())
    yield name, "publish", _wall([dvc.called(), "add", "--quiet", "out"], place, extra)
    yield name, "status", _wall([dvc.called(), "status", "--quiet"], place, extra)
    os.rename(place / "out", place.parent / f"wiped-{place.name}")
    yield name, "restore", _wall([dvc.called(), "checkout", "--quiet"], place, extra)
    assert _count(place / "out") == _count(plain)


def _wall(command: Sequence[str], place: Path, extra: dict[str, str] | None = None) -> float:
    os.sync()  # what was written before is not this command's to pay
    return run_once(command, place, environment(extra)).wall


def _probe(action: str, place: Path, what: Shape | str) -> dict[str, float]:
    os.sync()
    words = [what] if isinstance(what, str) else [str(what.files), str(what.size)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.probe", action, str(place), *words],
        cwd=HERE.parent,
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return {name: float(seconds) for name, seconds in json.loads(done.stdout).items()}


def _count(directory: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(directory))
