"""One `fp build` from beginning to end: signals, the loop, and what is remembered of it afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from fusionpipe.build import snapshot
from fusionpipe.build.journal import EventLog
from fusionpipe.build.loop import Build
from fusionpipe.build.roots import write_project_root
from fusionpipe.build.session import Session, fingerprint_of
from fusionpipe.build.work import Wishes, Work
from fusionpipe.disk import FileKind
from fusionpipe.events import BuildFinished, BuildStarted, Event, Outcome, Report
from fusionpipe.gitignore import ignore_generated
from fusionpipe.journal import new_id
from fusionpipe.model import Graph, Node, NodeName
from fusionpipe.runner.family import kill_marked
from fusionpipe.workspace import Workspace
from fusionstore.digest import Digest
from fusionstore.errors import StoreError


def run_build(
    session: Session, wishes: Wishes, report: Report, command: Sequence[str]
) -> BuildFinished:
    """Brings nodes up to date. Node failures are in the result, not raised. Raises StoreError."""
    started_ns = time.time_ns()
    began = time.monotonic()
    id = new_id(started_ns)
    log = EventLog(session.root, id, started_ns, command)
    _clear_up_after_the_dead(session)
    stored_before = session.store.usage().stored
    report(BuildStarted(id, len(wishes.nodes), wishes.jobs, started_ns / 1e9))

    def tell(event: Event) -> None:
        log.add(event)
        report(event)

    build = Build(session, wishes, tell, id=id, started_ns=started_ns)
    with _interruptible(build):
        build.run()
    _remember(build)
    finished = _finished(build, id, time.monotonic() - began, stored_before)
    log.close(finished)
    report(finished)
    return finished


def _clear_up_after_the_dead(session: Session) -> None:
    """Sweeps what builds that were killed left here, and stops what they left running."""
    session.leaves_trash = True
    for scratch in session.store.sweep_tmp():
        kill_marked(scratch)


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


def _remember(build: Build) -> None:
    """Writes roots, private state and the snapshot, in this order: each can be lost but for the first."""
    work = build.work
    session = work.session
    nodes = session.graph.nodes
    is_sound = not work.was_spoilt or _prove_linked(work)
    if work.has_linked:
        write_project_root(session)
        _ignore_links(session)
    is_whole = len(work.wishes.nodes) == len(nodes) and not session.overrides
    is_fresh = not {Outcome.FAILED, Outcome.SKIPPED}.intersection(work.plan.outcomes.values())
    is_cached = all(node.is_cached for node in nodes.values())
    if is_whole and is_fresh and is_cached and is_sound:
        _write_snapshot(work)
    else:
        session.state.save(nodes)


def _prove_linked(work: Work) -> bool:
    """After a run wrote into stored files: looks at all that is linked, since equal files are one inode.

    True if all of it is as it was published. What is lost is made again by the next build.
    """
    session = work.session
    is_sound = True
    for name, row in list(session.state.rows.items()):
        if name not in session.graph.nodes or not row.tree:
            continue
        try:
            session.store.check(Digest(row.tree))
        except (StoreError, KeyError):
            is_sound = False
            session.state.put(name, row._replace(record=""))
            work.notice("its stored result was altered by another node: build again", name)
    work.tell_findings()
    return is_sound


def _write_snapshot(work: Work) -> None:
    """Settles what was too young to be trusted, then keeps what was seen."""
    session = work.session
    disk = session.disk
    for name, node in session.graph.nodes.items():
        disk.scan(name)  # our own links changed it
        if session.graph.settings.link != "symlink" and node.source is None:
            _see_below(disk, f"{name}/data")
    young = [seen for path in disk.racy if isinstance(seen := disk.sightings.get(path), tuple)]
    if young:
        session.clock.settle(fingerprint_of(max(young, key=lambda seen: max(seen[:2]))))
    is_same = disk.settle()
    session.state.save(session.graph.nodes)
    data = {name: root for name in session.graph.nodes if (root := _data_root(work, name))}
    if is_same and len(data) == len(session.graph.nodes):
        saved = sum(record.seconds for record in work.records.values())
        snapshot.write(session.root, disk, session.variables(), data, saved)


def _see_below(disk: Workspace, directory: str) -> None:
    """Notes every file of a result that was laid out as plain files: the user may edit them in place."""
    for row in disk.scan(directory) or ():
        path = f"{directory}/{row.name}"
        if row.kind is FileKind.DIRECTORY:
            _see_below(disk, path)
        elif row.kind is FileKind.FILE:
            disk.fingerprint(path)


def _data_root(work: Work, name: NodeName) -> tuple[int, int] | None:
    """What the next no-op finds at a node's data; None if that is not this build's result for it.

    Somebody may have put another in its place meanwhile: a later build, or the user a directory.
    """
    session = work.session
    if session.graph.nodes[name].source is None:
        record = work.records.get(name)
        return None if record is None else session.links.linked_root(name, record.slots["data"])
    try:
        status = os.stat(session.root / name / "data")
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _ignore_links(session: Session) -> None:
    """Keeps `git status` clean of what a build makes, and of nothing else."""
    ignore_generated(
        session.root,
        [(node.name, generated_names(node)) for node in session.graph.nodes.values()],
    )


def generated_names(node: Node) -> frozenset[str]:
    """The names that builds make in a node's directory."""
    if node.source is not None:
        is_own = node.source.path == f"{node.name}/data"
        return frozenset() if is_own else frozenset({"data"})
    names = {"data", "reports", "logs.txt", "params.json", ".gitignore"}
    names |= {"parents"} if node.parents else set()
    names |= {"inputs"} if node.inputs else set()
    names |= {"libs"} if node.libs else set()
    return frozenset(names)


def _finished(build: Build, id: str, seconds: float, stored_before: int) -> BuildFinished:
    counts = build.work.plan.counts()
    usage = build.work.session.store.usage() if counts[Outcome.RAN] else None
    return BuildFinished(
        id,
        counts[Outcome.RAN],
        counts[Outcome.KEPT],
        counts[Outcome.RESTORED],
        counts[Outcome.FAILED],
        counts[Outcome.SKIPPED],
        seconds,
        build.work.saved,
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


def forced_nodes(
    graph: Graph, selected: Sequence[NodeName], named: Sequence[NodeName]
) -> frozenset[NodeName]:
    """What -f runs again: the targets that were named, or everything."""
    return frozenset(named or selected) - {n for n, node in graph.nodes.items() if node.source}
