"""Writes what was found as Markdown and a picture. Reads results only; measures nothing.

python -m benchmarks.report      makes RESULTS.md again from .work/results.json, also while a run is under way
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.chart import charts
from benchmarks.data import SHAPES
from benchmarks.peers.all import all_peers
from benchmarks.places import HERE, WORK
from benchmarks.plan import Wanted, fitted, graphs, is_done, left_out
from benchmarks.results import Cell, Results, Scenario
from benchmarks.verdict import shown, tally, verdicts
from benchmarks.work import Kind

RESULTS = HERE / "RESULTS.md"
PICTURE = HERE / "RESULTS.svg"
KEPT = WORK / "results.json"
SCENARIOS = tuple(scenario for scenario in Scenario if scenario is not Scenario.VERSION)


def write_report(results: Results) -> None:
    """RESULTS.md and RESULTS.svg."""
    PICTURE.write_text(picture(results))
    RESULTS.write_text(markdown(results))


def markdown(results: Results) -> str:
    """The whole report."""
    found = verdicts(results)
    parts = [
        "# Benchmarks",
        "Written by `make bench`; do not edit. Whole processes, medians of runs in turn; how is told in"
        " [README.md](README.md). In brackets: the ratio to `fp` (2.0 is twice as slow as `fp`).",
        _table(["", ""], [[name, text] for name, text in results.machine.items()]),
        f"## Targets: {tally(found)}",
        "```\n" + "\n".join(map(str, found)) + "\n```",
        "`floor` (bare spawns) and `leanest` (what a Python engine could reach if it checked nothing: `leanest.py`) are"
        " no build tools: they say what cannot be undercut.",
        "![no-op and cold build against the number of nodes](RESULTS.svg)",
        *_graphs(results),
        *_versions(results),
        *_data(results),
        *_slopes(results),
        *_notes(results),
        *_missing(results),
    ]
    return "\n\n".join(parts) + "\n"


def picture(results: Results) -> str:
    """No-op and cold build of `sh` nodes, each peer a line."""
    sizes = results.sizes(Kind.SH)
    panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for scenario in (Scenario.NO_OP, Scenario.COLD):
        series = {}
        for peer in results.peers():
            walls = [(float(n), results.wall(peer, scenario, n)) for n in sizes]
            points = [(n, wall) for n, wall in walls if wall is not None]
            if points:
                series[peer] = points
        panels[f"{scenario}, sh nodes, wall"] = series
    return charts(panels)


def _graphs(results: Results) -> Iterator[str]:
    for kind in Kind:
        for nodes in results.sizes(kind):
            yield f"## {nodes:,} `{kind}` nodes"
            cells = [c for c in results.cells if c.kind is kind and c.nodes == nodes]
            peers = results.peers(cells)
            head = ["wall", *map(str, SCENARIOS)]
            rows = [[p, *(_wall(results, p, s, nodes, kind) for s in SCENARIOS)] for p in peers]
            yield _table(head, rows)
            head = ["", "CPU, cold", "CPU, no-op", "peak memory, cold", "peak memory, no-op"]
            yield _table(head, [_costs(results, peer, nodes, kind) for peer in peers])


def _wall(results: Results, peer: str, scenario: Scenario, nodes: int, kind: Kind) -> str:
    found = results.get(peer, scenario, nodes, kind)
    if found is None:
        return "–"
    ours = results.wall("fp", scenario, nodes, kind)
    once = "" if found.runs > 1 else ", once"
    return _beside(found.wall, None if peer == "fp" else ours, once)


def _costs(results: Results, peer: str, nodes: int, kind: Kind) -> list[str]:
    found = [results.get(peer, s, nodes, kind) for s in (Scenario.COLD, Scenario.NO_OP)]
    cpu = [shown(each.cpu) if each else "–" for each in found]
    peak = [f"{each.peak / 1e6:,.0f} MB" if each else "–" for each in found]
    return [peer, *cpu, *peak]


def _versions(results: Results) -> Iterator[str]:
    if not results.versions:
        return
    yield "## Versions, and what it costs to say them"
    yield (
        "`python` is the interpreter of `fp` doing nothing: `python -I -c pass`. `engine` is the same with everything"
        " imported that a build which runs a node imports: the part of such a build that is Python's."
    )
    rows = []
    ours = results.machine.get("python of fp", "")
    for peer, version in {**results.versions, "python": ours, "engine": ours}.items():
        found = results.get(peer, Scenario.VERSION, 0)
        cost = ["–", "–"] if found is None else [shown(found.wall), shown(found.cpu)]
        rows.append([peer, version, *cost])
    yield _table(["", "version", "wall", "CPU"], rows)


def _data(results: Results) -> Iterator[str]:
    shapes = list(dict.fromkeys(cell.shape for cell in results.data if cell.subject == "fp"))
    if not shapes:
        return
    yield "## Large data"
    yield (
        "`plain` and `store` are timed inside one process: the same files written without a store (`blake3` on one"
        " thread, `barrier` a bare `fdatasync` or `syncfs`), and through fusionpipe's (`publish` is all but writing and"
        " barrier). The rest are whole commands; `fp verify` is the check of a tree before a node reads it."
    )
    lines = list(dict.fromkeys((cell.subject, cell.action) for cell in results.data))
    rows = []
    for subject, action in lines:
        seconds = [results.seconds(shape, subject, action) for shape in shapes]
        if any(each is not None for each in seconds):
            rows.append(
                [f"{subject}: {action}", *("–" if s is None else shown(s) for s in seconds)]
            )
    yield _table(["", *shapes], rows)


def _slopes(results: Results) -> Iterator[str]:
    if not results.slopes:
        return
    yield "## How cost grows"
    yield "Seconds = start + each × amount, the line with the smallest relative errors; r² says how well it fits."
    rows = []
    for each in results.slopes:
        amounts = ", ".join(f"{x:,.0f}" for x, _ in each.points)
        figures = [shown(each.start), shown(each.each), f"{each.fit:.3f}", amounts]
        rows.append([f"{each.subject}, {each.action}", each.against, *figures])
    yield _table(["", "amount of", "start", "each", "r²", "measured at"], rows)


def _missing(results: Results) -> Iterator[str]:
    """What a whole run would have measured and this one did not, then what none measures."""
    peers = all_peers()
    reasons: dict[str, list[Cell]] = {}
    for planned in graphs(peers, Wanted()):
        for turn in fitted(planned, results).turns:
            if not is_done(turn, results):
                reasons.setdefault(_why_missing(turn.cell, results), []).append(turn.cell)
    for part in ("start-up", "slopes", *(f"data: {shape.name}" for shape in SHAPES)):
        if part not in results.done:
            reasons[f"{part}: not run"] = []
    if reasons:
        yield "## Missing from this run"
        yield _by_reason(reasons)
    yield "## Never measured"
    yield _by_reason(left_out(peers, Wanted()))


def _why_missing(cell: Cell, results: Results) -> str:
    if cell in results.missing:
        return results.missing[cell]
    if cell in results.cells:
        return "fewer rounds than planned"
    is_known = not results.versions or cell.peer in results.versions
    return "not run" if is_known else "not installed, or it did something wrong"


def _by_reason(reasons: Mapping[str, Sequence[Cell]]) -> str:
    return "\n".join(
        f"* {why}{': ' if cells else ''}{'; '.join(_grouped(cells))}"
        for why, cells in reasons.items()
    )


def _grouped(cells: Sequence[Cell]) -> Iterator[str]:
    """Cells that differ in their peer only, together."""
    peers: dict[tuple[int, Kind, tuple[Scenario, ...]], list[str]] = {}
    each: dict[tuple[str, int, Kind], list[Scenario]] = {}
    for cell in cells:
        each.setdefault((cell.peer, cell.nodes, cell.kind), []).append(cell.scenario)
    for (peer, nodes, kind), scenarios in each.items():
        peers.setdefault((nodes, kind, tuple(scenarios)), []).append(peer)
    for (nodes, kind, same), names in peers.items():
        yield f"{nodes:,} {kind} ({', '.join(same)}): {', '.join(names)}"


def _notes(results: Results) -> Iterator[str]:
    for title, sentences in (("Notes", results.notes), ("Went wrong", results.faults)):
        if sentences:
            yield f"## {title}"
            yield "\n".join(f"* {sentence}" for sentence in sentences)


def _beside(seconds: float, ours: float | None, more: str = "") -> str:
    ratio = "" if ours is None else f" ({seconds / ours:.2g})"
    return f"{shown(seconds)}{ratio}{more}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    write_report(Results.load(KEPT))
