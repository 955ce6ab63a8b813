"""One `fp build` from beginning to end: signals, the loop, and what is remembered of it afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from fusionpipe.build.fresh import keep_fresh
from fusionpipe.build.journal import EventLog
from fusionpipe.build.loop import Build
from fusionpipe.build.roots import is_rooted, write_project_root
from fusionpipe.build.session import Session
from fusionpipe.build.work import Wishes, Work
from fusionpipe.events import BuildFinished, BuildStarted, Event, NodesKept, Outcome, Report
from fusionpipe.gitignore import ignore_generated
from fusionpipe.journal import new_id
from fusionpipe.model import Node, NodeName
from fusionpipe.runner.family import kill_marked
from fusionstore.digest import Digest
from fusionstore.errors import StoreError


def run_build(
    session: Session, wishes: Wishes, report: Report, command: Sequence[str]
) -> BuildFinished:
    """Brings nodes up to date. Node failures are in the result, not raised. Raises StoreError."""
    started_ns = time.time_ns()
    began = time.monotonic()
    id = new_id(started_ns)
    log = EventLog(session.root, id, started_ns, command, session.ambient)
    _clear_up_after_the_dead(session)
    stored_before = session.store.usage().stored
    left_alone = _left_alone(session, wishes)
    count = len(wishes.nodes) + len(left_alone.nodes)
    report(BuildStarted(id, count, wishes.jobs, started_ns / 1e9))
    if left_alone.nodes:
        report(left_alone)

    def tell(event: Event) -> None:
        log.add(event)
        report(event)

    build = Build(session, wishes, tell, id=id, started_ns=started_ns)
    build.work.saved += left_alone.seconds
    with log.abandoned_on_error():
        with interruptible(build.interrupt):
            build.run()
        _remember(build)
        if session.graph.settings.quota and build.work.plan.counts()[Outcome.RAN]:
            _keep_quota(build)
    finished = _finished(build, id, time.monotonic() - began, stored_before)
    log.close(finished)
    report(finished)
    return finished


def _left_alone(session: Session, wishes: Wishes) -> NodesKept:
    """The nodes that are not even in the plan, for nothing of theirs and nothing above them changed."""
    if session.baseline is None:
        return NodesKept((), 0.0)
    inside = set(wishes.nodes)
    seconds = session.baseline.seconds - sum(map(session.state.seconds, wishes.nodes))
    rest = tuple(name for name in session.graph.nodes if name not in inside)
    return NodesKept(rest, max(0.0, seconds))


def _clear_up_after_the_dead(session: Session) -> None:
    """Sweeps what builds that were killed left here, and stops what they left running."""
    session.leaves_trash = True
    for scratch in session.store.sweep_tmp():
        kill_marked(scratch)


@contextmanager
def interruptible(interrupt: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and TERM are told to `interrupt`, from a signal handler, each time."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        interrupt()

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
    if work.has_linked or not is_rooted(session):
        write_project_root(session)
    if work.has_linked:
        _ignore_links(work)
    is_fresh = not {Outcome.FAILED, Outcome.SKIPPED}.intersection(work.plan.outcomes.values())
    if is_fresh and is_sound and _is_whole(work):
        keep_fresh(work)
    else:
        session.state.save(nodes)


def _keep_quota(build: Build) -> None:
    from fusionpipe.build.collect import keep_quota  # seldom wanted

    work = build.work
    try:
        keep_quota(work.session.store, work.session.graph.settings.quota, work.notice)
    except StoreError as error:
        work.notice(f"the store's quota could not be kept: {error}")


def _is_whole(work: Work) -> bool:
    """Whether a build of this kind can leave nothing to do: of everything, and nothing runs every time."""
    session = work.session
    if session.baseline is not None:
        return True
    nodes = session.graph.nodes
    is_all = len(work.wishes.nodes) == len(nodes) and not session.overrides
    return is_all and all(node.is_cached for node in nodes.values())


def _prove_linked(work: Work) -> bool:
    """After a run wrote into stored files: looks at all that is linked, since equal files are one inode.

    True if all of it is as it was published. What is lost is made again by the next build.
    """
    session = work.session
    is_sound = True
    for name in session.state.names:
        row = session.state.row(name)
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


def _ignore_links(work: Work) -> None:
    """Keeps `git status` clean of what a build makes, and of nothing else."""
    session = work.session
    nodes = session.graph.nodes
    names: Iterable[NodeName] = nodes
    if session.baseline is not None:  # what is as it was has its links, and they are ignored
        names = [name for name in work.plan.outcomes if name not in work.left_alone]
    ignore_generated(session.root, [(name, generated_names(nodes[name])) for name in names])


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
    session = build.work.session
    if session.baseline is not None:
        counts[Outcome.KEPT] += len(session.graph.nodes) - len(build.work.plan)
    usage = session.store.usage() if counts[Outcome.RAN] else None
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
