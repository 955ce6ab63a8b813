"""One `fp build` from beginning to end: signals, the loop, and what is remembered of it afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from fusionpipe.build import snapshot
from fusionpipe.build.journal import EventLog, new_id
from fusionpipe.build.loop import Build, Wishes
from fusionpipe.build.roots import write_project_root
from fusionpipe.build.session import Session, fingerprint_of
from fusionpipe.events import BuildFinished, BuildStarted, Event, Outcome, Report
from fusionpipe.gitignore import ignore_generated
from fusionpipe.model import Graph, NodeName
from fusionpipe.workspace import GENERATED


def run_build(session: Session, wishes: Wishes, report: Report, command: Sequence[str]) -> BuildFinished:
    """Brings nodes up to date. Node failures are in the result, not raised. Raises StoreError."""
    started_ns = time.time_ns()
    began = time.monotonic()
    id = new_id(started_ns)
    log = EventLog(session.root, id)
    stored_before = session.store.usage().stored
    report(BuildStarted(id, len(wishes.nodes), wishes.jobs, started_ns / 1e9))

    def tell(event: Event) -> None:
        log.add(event)
        report(event)

    build = Build(session, wishes, tell, id=id, started_ns=started_ns)
    with _interruptible(build):
        build.run()
    _remember(session, wishes, build)
    finished = _finished(session, build, id, time.monotonic() - began, stored_before)
    log.close(command, started_ns / 1e9, finished)
    report(finished)
    return finished


@contextmanager
def _interruptible(build: Build) -> Iterator[None]:
    """Ctrl-C and TERM stop the build: first gracefully, then at once."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        build.interrupt()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remember(session: Session, wishes: Wishes, build: Build) -> None:
    """Writes roots, private state and the snapshot, in this order: each can be lost but for the first."""
    nodes = session.graph.nodes
    if build.has_linked:
        write_project_root(session)
        _ignore_links(session)
    is_whole = len(wishes.nodes) == len(nodes) and not session.overrides
    is_fresh = all(
        outcome in (Outcome.RAN, Outcome.KEPT, Outcome.RESTORED) for outcome in build.plan.outcomes.values()
    )
    is_cached = all(node.is_cached for node in nodes.values())
    if is_whole and is_fresh and is_cached and not build.is_interrupted:
        _write_snapshot(session, build)
    else:
        session.state.save(nodes)


def _write_snapshot(session: Session, build: Build) -> None:
    """Settles what was too young to be trusted, then keeps what was seen."""
    disk = session.disk
    for name in session.graph.nodes:
        disk.scan(name)  # our own links changed it
    young = [seen for path in disk.racy if isinstance(seen := disk.sightings.get(path), tuple)]
    if young:
        session.clock.settle(fingerprint_of(max(young, key=lambda seen: max(seen[:2]))))
    is_same = disk.settle()
    session.state.save(session.graph.nodes)
    data = {name: root for name in session.graph.nodes if (root := _data_root(session.root, name))}
    if is_same and len(data) == len(session.graph.nodes):
        snapshot.write(session.root, disk, session.variables(), data, build.saved_in_all())


def _data_root(root: Path, name: NodeName) -> tuple[int, int] | None:
    try:
        status = os.stat(root / name / "data")
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _ignore_links(session: Session) -> None:
    """Keeps `git status` clean of what a build makes, and of nothing else."""
    named = []
    for node in session.graph.nodes.values():
        own = {"data"} if node.source is not None and node.source.path == f"{node.name}/data" else set()
        named.append((node.name, GENERATED - own))
    ignore_generated(session.root, named)


def _finished(
    session: Session, build: Build, id: str, seconds: float, stored_before: int
) -> BuildFinished:
    counts = build.plan.counts()
    usage = session.store.usage() if counts[Outcome.RAN] else None
    return BuildFinished(
        id,
        counts[Outcome.RAN],
        counts[Outcome.KEPT],
        counts[Outcome.RESTORED],
        counts[Outcome.FAILED],
        counts[Outcome.SKIPPED],
        seconds,
        build.saved,
        build.is_interrupted,
        store_bytes=usage.stored if usage else None,
        store_grown=usage.stored - stored_before if usage else None,
        free_bytes=usage.free if usage else None,
        disk_bytes=usage.total if usage else None,
    )


def default_jobs() -> int:
    """As many as there are cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def forced_nodes(graph: Graph, selected: Sequence[NodeName], named: Sequence[NodeName]) -> frozenset[NodeName]:
    """What -f runs again: the targets that were named, or everything."""
    return frozenset(named or selected) - {n for n, node in graph.nodes.items() if node.source}
