"""What it costs to start: each tool's `--version`, a bare Python, and all that a build imports, doing nothing.

The last is a floor: an edit that makes fusionpipe run one node cannot take less than its engine takes to be
imported. The modules are not listed here; a real build is asked which it has.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.graph import layered
from benchmarks.measure import Cost, interleave, run_once
from benchmarks.peers.floor import Floor
from benchmarks.peers.fp import Fp
from benchmarks.places import environment
from benchmarks.results import Cell, DataCell, Results, Scenario
from benchmarks.scripts import node_command
from benchmarks.sites import Site
from benchmarks.work import Kind, Peer, Work

PYTHON = "python"  # the interpreter of fusionpipe, doing nothing
ENGINE = "engine"  # the same with everything imported that a build which runs a node imports

_ASK = """\
import sys
before = set(sys.modules)
from fusionpipe.cli.main import run_words
code = run_words(["build"])
open(sys.argv[1], "w").write("\\n".join(name for name in sys.modules if name not in before))
sys.exit(code)
"""


def measure_start_up(
    peers: Sequence[Peer],
    rounds: Callable[[str], int],
    results: Results,
    place: Path,
) -> None:
    """The least each can do, and the two floors beside it; `rounds` by name."""
    commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {
        peer.name: (peer.version_command(), peer.environment()) for peer in peers
    }
    commands[PYTHON] = ([sys.executable, "-I", "-c", "pass"], {})
    commands[ENGINE] = ([sys.executable, "-c", f"import {', '.join(engine_modules(place))}"], {})
    for peer in peers:
        results.versions[peer.name] = peer.version()  # also the warm-up

    def once(name: str, _: int) -> Cost:
        command, extra = commands[name]
        return run_once(command, place, environment(extra))

    found = interleave(
        {name: partial(once, name) for name in commands},
        rounds={name: rounds(name) for name in commands},
    )
    for name, figure in found.items():
        results.cells[Cell(name, Kind.SH, 0, Scenario.VERSION)] = figure


def engine_modules(place: Path) -> list[str]:
    """Everything that `fp build` has imported once it has run a node, in the order in which it did."""
    site = Site.make(Fp(), Work(layered(1), Kind.SH), place / "engine")
    listed = place / "engine-modules"
    subprocess.run(
        [sys.executable, "-c", _ASK, str(listed)],
        cwd=site.directory,
        env=site.environment(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    names = listed.read_text().split()
    return [name for name in names if not name.startswith("__") and name != "sitecustomize"]


def measure_one_run(rounds: int, results: Results, place: Path) -> None:
    """What one `sh` node takes, started by nobody but us."""
    site = Site.make(Floor(), Work(layered(1), Kind.SH), place / "one-node")
    command = node_command(site.work.graph[0].name, Kind.SH)
    found = interleave(
        {"sh": lambda _: run_once(command, site.directory, site.environment())}, rounds=rounds
    )
    results.data[DataCell("one node", "sh", "run")] = found["sh"].wall
