"""How cost grows: with the number of nodes, with the files of a node, with its parents. Lines, not single figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.graph import fan_in, layered
from benchmarks.measure import Cost, interleave, run_once
from benchmarks.peers.fp import Fp
from benchmarks.results import Results, Scenario, Slope
from benchmarks.sites import Site
from benchmarks.work import Kind, Peer, Work

Points = Sequence[tuple[float, float]]
Say = Callable[[str], None]

READERS = 100
AMOUNTS = (1, 4, 16, 64)


@dataclass(frozen=True, slots=True)
class Line:
    """y = start + each × x, and how much of the differences in y it explains (r², 1 is all)."""

    start: float
    each: float
    fit: float


def fit(points: Points) -> Line:
    """The line with the smallest relative errors: a point counts by 1/y², so that small ones count too.

    Needs two different x; all y > 0.
    """
    weights = [1 / y**2 for _, y in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    spread = sum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points, strict=True))
    if spread == 0:
        raise ValueError("a line needs two different x")
    both = zip(weights, points, strict=True)
    each = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in both) / spread
    start = mean_y - each * mean_x
    both = zip(weights, points, strict=True)
    missed = sum(w * (y - start - each * x) ** 2 for w, (x, y) in both)
    varies = sum(w * (y - mean_y) ** 2 for w, (_, y) in zip(weights, points, strict=True))
    return Line(start, each, 1 - missed / varies if varies > 0 else 1.0)


def slope(subject: str, action: str, against: str, points: Points) -> Slope:
    """The fitted line with what it is of."""
    line = fit(points)
    return Slope(subject, action, against, line.start, line.each, line.fit, tuple(points))


def slopes_of_size(results: Results) -> list[Slope]:
    """Each peer's cost against N, for `sh` nodes, where two sizes at least were measured."""
    found = []
    sizes = results.sizes(Kind.SH)
    for scenario in (Scenario.COLD, Scenario.NO_OP, Scenario.COMMENT, Scenario.RESTORE):
        for peer in results.peers():
            walls = ((float(n), results.wall(peer, scenario, n)) for n in sizes)
            points = [(n, wall) for n, wall in walls if wall is not None]
            if len(points) >= 2:
                found.append(slope(peer, str(scenario), "nodes", points))
    return found


def measure_slopes(
    peers: Sequence[Peer], rounds: int, place: Path, results: Results, say: Say
) -> None:
    """Adds the slopes against parents (every fast peer) and against files of a node (fusionpipe)."""
    results.slopes += slopes_of_size(results)
    for peer in peers:
        sites = {p: _parents_site(peer, p, place) for p in AMOUNTS}
        _grow(peer.name, "reads of a parent", READERS, sites, rounds, results)
    fp = Fp()
    if fp.is_available():
        sites = {n: _files_site(fp, n, place) for n in AMOUNTS}
        _grow(fp.name, "code files", READERS, sites, rounds, results)
        sites = {n: _outputs_site(fp, n, place) for n in AMOUNTS}
        _grow(fp.name, "output files", READERS, sites, rounds, results)
    for each in results.slopes:
        say(f"  {each.subject} {each.action}: {each.each * 1e6:.1f} µs for each of {each.against}")


def _grow(
    subject: str,
    against: str,
    nodes: int,
    sites: Mapping[int, Site],
    rounds: int,
    results: Results,
) -> None:
    """Builds each site once, then compares no-ops; x is the whole project's amount."""
    for action, times in ((Scenario.COLD, 1), (Scenario.NO_OP, rounds)):
        if action is Scenario.NO_OP:
            _each_once(sites)  # settles what was too young to be trusted
        runs = {amount: partial(_run, site) for amount, site in sites.items()}
        found = interleave(runs, rounds=times)
        points = [(float(amount * nodes), figure.wall) for amount, figure in found.items()]
        results.slopes.append(slope(subject, str(action), against, points))


def _each_once(sites: Mapping[int, Site]) -> None:
    for site in sites.values():
        _run(site, 0)


def _run(site: Site, _: int) -> Cost:
    return run_once(site.peer.command(site.work), site.directory, site.environment())


def _parents_site(peer: Peer, parents: int, place: Path) -> Site:
    work = Work(fan_in(AMOUNTS[-1], READERS, parents), Kind.SH)
    return _made(Site.make(peer, work, place / f"parents-{peer.name}-{parents}"))


def _files_site(peer: Fp, files: int, place: Path) -> Site:
    site = Site.make(peer, Work(layered(READERS), Kind.SH), place / f"files-{files}")
    for node in site.work.graph:
        for number in range(1, files):
            (site.directory / node.name / f"code/more{number}.txt").write_text(f"{number}\n")
    return _made(site)


def _outputs_site(peer: Fp, files: int, place: Path) -> Site:
    site = Site.make(peer, Work(layered(READERS), Kind.SH), place / f"outputs-{files}")
    more = f"n=1; while [ $n -lt {files} ]; do echo $n > ../data/more$n; n=$((n + 1)); done\n"
    for node in site.work.graph:
        with open(site.directory / peer.script(node.name, Kind.SH), "a") as script:
            script.write(more)
    return _made(site)


def _made(site: Site) -> Site:
    os.sync()  # what was just written is nobody's to pay
    return site
