"""One line for each speed target: met or not, our figure, and the peer's figure of the same run.

Pure: it reads results and measures nothing. What was not measured is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.results import Results, Scenario
from benchmarks.work import Kind

MILLI = 1e-3


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, whether it is met (None: not measured), and the figures that say so.

    `floor` is what cannot be undercut, told where the target is not met.
    """

    target: str
    met: bool | None
    figures: str
    floor: str = ""

    def __str__(self) -> str:
        word = {True: "met    ", False: "NOT MET", None: "not run"}[self.met]
        floor = f"; floor: {self.floor}" if self.floor and self.met is False else ""
        return f"{word}  {self.target}: {self.figures}{floor}"


def verdicts(results: Results) -> list[Verdict]:
    """All targets, in their order."""
    return [
        *_no_op(results),
        *_slow_peers(results),
        *_cold(results),
        *_edits(results),
        *_restore(results),
        *_publish(results),
        *_memory(results),
        *_start_up(results),
    ]


def _no_op(results: Results) -> Iterator[Verdict]:
    ours = results.wall("fp", Scenario.NO_OP, 1_000)
    doit = results.wall("doit", Scenario.NO_OP, 1_000)
    floor = _leanest(results, Scenario.NO_OP, 1_000)
    # 45 ms were asked of a machine on which doit takes 117: the ratio carries over, the milliseconds may not
    yield _ratio("no-op at 1,000 ≤ 45/117 of doit's", ours, doit, 45 / 117, "doit", floor)
    ours = results.wall("fp", Scenario.NO_OP, 10_000)
    floor = _leanest(results, Scenario.NO_OP, 10_000)
    for peer, most in (("ninja", 3.0), ("ninja", 1.0), ("doit", 1 / 4), ("joblib", 1 / 10)):
        theirs = results.wall(peer, Scenario.NO_OP, 10_000)
        target = f"no-op at 10,000 ≤ {_times(most)} {peer}'s"
        yield _ratio(target, ours, theirs, most, peer, floor)
    nodes = max([100_000 // 10, *results.sizes(Kind.SH)])
    nodes = nodes if nodes > 10_000 else 100_000  # fewer where 100,000 could not be built in time
    larger = results.wall("fp", Scenario.NO_OP, nodes)
    times = nodes / 10_000
    as_many = None if ours is None else times * ours
    target = f"no-op at {nodes:,} linear: ≤ 1.2 × {times:g} times that at 10,000"
    yield _ratio(target, larger, as_many, 1.2, f"{times:g} times 10,000")


def _slow_peers(results: Results) -> Iterator[Verdict]:
    for peer in ("snakemake", "dvc", "redun", "nx"):
        # some cannot build 1,000 in minutes, and are the nearer the fewer there are
        many = [nodes for nodes in (1_000, 100) if results.wall(peer, Scenario.NO_OP, nodes)]
        nodes = many[0] if many else 1_000
        ours = results.wall("fp", Scenario.NO_OP, nodes)
        theirs = results.wall(peer, Scenario.NO_OP, nodes)
        floor = _leanest(results, Scenario.NO_OP, nodes)
        yield _ratio(f"no-op at {nodes:,} ≤ 1/25 of {peer}'s", ours, theirs, 1 / 25, peer, floor)


def _cold(results: Results) -> Iterator[Verdict]:
    ours = results.get("fp", Scenario.COLD, 10_000)
    leanest = results.get("leanest", Scenario.COLD, 10_000)
    wall = None if ours is None else ours.wall
    floor = _leanest(results, Scenario.COLD, 10_000)
    for peer, most in (("floor", 1.5), ("ninja", 1.0)):
        theirs = results.wall(peer, Scenario.COLD, 10_000)
        target = f"cold build of 10,000 sh nodes ≤ {_times(most)} {peer}'s"
        yield _ratio(target, wall, theirs, most, peer, floor)
    wall = results.wall("fp", Scenario.COLD, 1_000, Kind.PYTHON)
    theirs = results.wall("floor", Scenario.COLD, 1_000, Kind.PYTHON)
    floor = _leanest(results, Scenario.COLD, 1_000, Kind.PYTHON)
    target = "cold build of 1,000 python nodes ≤ 1.1 × floor's"
    yield _ratio(target, wall, theirs, 1.1, "floor", floor)
    own = None if ours is None or ours.own < 0 else ours.own / 10_000
    target = "runner CPU of the cold build of 10,000 sh nodes ≤ 0.5 ms a node"
    floor = "" if leanest is None else f"leanest {shown(leanest.own / 10_000)}"
    yield _at_most(target, own, 0.5 * MILLI, floor=floor)


def _edits(results: Results) -> Iterator[Verdict]:
    one_run = results.seconds("one node", "sh", "run")
    floor = _engine(results)
    for nodes in (1_000, 10_000):
        no_op = results.wall("fp", Scenario.NO_OP, nodes)
        for scenario in (Scenario.COMMENT, Scenario.LEAF):
            ours = results.wall("fp", scenario, nodes)
            target = f"{scenario} at {nodes:,} ≤ no-op + the one run + 20 ms"
            limit = None if no_op is None or one_run is None else no_op + one_run + 20 * MILLI
            beside = ", ".join(
                f"{peer} {shown(wall)}"
                for peer in ("tup", "doit", "joblib", "ninja")
                if (wall := results.wall(peer, scenario, nodes)) is not None
            )
            yield _at_most(target, ours, limit, beside, floor)


def _restore(results: Results) -> Iterator[Verdict]:
    ours = results.wall("fp", Scenario.RESTORE, 10_000)
    theirs = results.wall("joblib", Scenario.RESTORE, 10_000)
    leanest = results.wall("leanest", Scenario.RESTORE, 10_000)
    each = None if ours is None else ours / 10_000
    beside = "" if theirs is None else f"joblib {shown(theirs / 10_000)}"
    floor = "" if leanest is None else f"leanest {shown(leanest / 10_000)}"
    yield _at_most("restore of 10,000 nodes ≤ 0.1 ms a node", each, 0.1 * MILLI, beside, floor)
    tiny = results.seconds("1 × 1 KiB", "fp", "restore")
    for shape, name in (("100,000 × 1 KiB", "100,000 files"), ("1 × 2 GiB", "2 GiB")):
        whole = results.seconds(shape, "fp", "restore")
        more = None if whole is None or tiny is None else whole - tiny
        link = results.seconds(shape, "cp -al", "restore")
        check = results.seconds(shape, "fp", "verify")
        beside = f"whole command {shown(whole)}, cp -al {shown(link)}, L8's check {shown(check)}"
        target = f"restore of a result of {name} ≤ 5 ms more than of one tiny file"
        yield _at_most(target, more, 5 * MILLI, beside)


def _publish(results: Results) -> Iterator[Verdict]:
    big, small = "1 × 2 GiB", "20,000 × 10 KiB"
    for shape, base, most, target in (
        (big, ("plain", "blake3"), 1 / 0.6, "publish of 2 GiB at ≥ 60 % of BLAKE3's speed"),
        (
            small,
            ("store", "write"),
            1.0,
            "publish of 20,000 files ≤ the time it took to write them",
        ),
    ):
        ours = results.seconds(shape, "store", "publish")
        theirs = results.seconds(shape, *base)
        barrier = results.seconds(shape, "store", "barrier")
        bare = results.seconds(shape, "plain", "barrier")
        dvc = results.seconds(shape, "dvc", "publish")
        hashed = results.seconds(shape, "plain", "blake3")
        floor = "" if hashed is None else f"BLAKE3 of it alone {shown(hashed)}"
        target = f"{target}, without the barrier"
        found = _ratio(target, ours, theirs, most, " ".join(base), floor)
        more = f"; barrier {shown(barrier)}, bare {shown(bare)}; dvc add {shown(dvc)}"
        yield replace(found, figures=found.figures + more)


def _memory(results: Results) -> Iterator[Verdict]:
    for nodes, most in ((10_000, 150), (100_000, 1_000)):
        peaks = [
            found.peak
            for scenario in (Scenario.COLD, Scenario.NO_OP, Scenario.RESTORE)
            if (found := results.get("fp", scenario, nodes)) is not None
        ]
        target = f"peak memory of fp build at {nodes:,} ≤ {most:,} MB"
        if not peaks:
            yield Verdict(target, None, "not measured")
            continue
        peak = max(peaks) / 1e6
        engine = results.get("engine", Scenario.VERSION, 0)
        floor = "" if engine is None else f"the imported engine {engine.peak / 1e6:.0f} MB"
        figures = f"{peak:.0f} MB, {_times(peak / most)} the limit"
        yield Verdict(target, peak <= most, figures, floor)


def _start_up(results: Results) -> Iterator[Verdict]:
    python = results.get("python", Scenario.VERSION, 0)
    leanest = results.get("leanest", Scenario.NO_OP, 100)
    base = None if python is None else python.cpu
    looking = "" if leanest is None else f"leanest {shown(leanest.cpu)}"
    for name, scenario, nodes, floor in (
        ("fp --version", Scenario.VERSION, 0, ""),
        ("a bare no-op at 100 nodes", Scenario.NO_OP, 100, looking),
    ):
        ours = results.get("fp", scenario, nodes)
        cpu = None if ours is None else ours.cpu
        target = f"{name} ≤ 3 × the CPU of python -I -c pass"
        yield _ratio(target, cpu, base, 3.0, "python", floor)


def _leanest(results: Results, scenario: Scenario, nodes: int, kind: Kind = Kind.SH) -> str:
    """What the least that Python could do takes, with no checks at all."""
    wall = results.wall("leanest", scenario, nodes, kind)
    return "" if wall is None else f"leanest {shown(wall)}"


def _engine(results: Results) -> str:
    """What it takes to have everything imported that a build needs which runs a node."""
    engine = results.wall("engine", Scenario.VERSION, 0)
    python = results.wall("python", Scenario.VERSION, 0)
    if engine is None or python is None:
        return ""
    return f"importing the engine takes {shown(engine)}, of which a bare Python {shown(python)}"


def _ratio(
    target: str,
    ours: float | None,
    theirs: float | None,
    most: float,
    peer: str,
    floor: str = "",
) -> Verdict:
    """Ours held against `most` times theirs."""
    limit = None if theirs is None else most * theirs
    return _at_most(target, ours, limit, f"{peer} {shown(theirs)}", floor)


def _at_most(
    target: str, ours: float | None, most: float | None, beside: str = "", floor: str = ""
) -> Verdict:
    figures = f"fp {shown(ours)}, limit {shown(most)}"
    met = None
    if ours is not None and most is not None:
        met = ours <= most
        figures += f", {_times(ours / most)} the limit"
    return Verdict(target, met, f"{figures}; {beside}" if beside else figures, floor)


def shown(seconds: float | None) -> str:
    if seconds is None:
        return "not measured"
    if abs(seconds) < MILLI:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.1f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"


def _times(ratio: float) -> str:
    return f"{ratio:.3g} ×"


def tally(found: Sequence[Verdict]) -> str:
    """How many are met, in a sentence."""
    met = sum(each.met is True for each in found)
    unmet = sum(each.met is False for each in found)
    return f"{met} met, {unmet} not met, {len(found) - met - unmet} not measured"
