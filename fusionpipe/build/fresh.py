"""The end of a build that left everything fresh: what it saw is settled, and kept for the next one."""

from __future__ import annotations

import os
from collections.abc import Iterable

from fusionpipe.build import snapshot
from fusionpipe.build.baseline import Baseline
from fusionpipe.build.remembered import Remembered
from fusionpipe.build.session import Session, fingerprint_of
from fusionpipe.build.work import Work
from fusionpipe.disk import FileKind
from fusionpipe.events import Outcome
from fusionpipe.model import NodeName
from fusionpipe.workspace import Workspace
from fusionstore.contract import Record
from fusionstore.digest import Digest
from fusionstore.errors import StoreError

_Root = tuple[int, int]


def keep_fresh(work: Work) -> None:
    """Settles what was too young to be trusted, then keeps what was seen. Raises OSError."""
    session = work.session
    baseline = session.baseline
    names = tuple(session.graph.nodes) if baseline is None else _looked_at(work, baseline)
    for name in names:
        _see_links(session, name)
    is_same = _settle(session)
    roots = {name: root for name in names if (root := _data_root(work, name))}
    is_settled = is_same and len(roots) == len(names)
    session.state.save(session.graph.nodes, is_settled=is_settled)
    if not is_settled:
        return
    digests = {name: work.plan.digest(name) for name in names}
    if baseline is None:
        _keep_all(work, roots, digests)
    else:
        _keep_onto(work, baseline, roots, digests)


def _looked_at(work: Work, baseline: Baseline) -> tuple[NodeName, ...]:
    """The nodes that were asked for their key, or read: all others are as the snapshot has them."""
    known = (*work.records, *work.sources)
    return tuple(name for name in known if name in baseline.remembered.graph.nodes)


def _see_links(session: Session, name: NodeName) -> None:
    disk = session.disk
    disk.scan(name)  # our own links changed it
    is_plain = session.graph.settings.link != "symlink"
    if is_plain and session.graph.nodes[name].source is None:
        _see_below(disk, f"{name}/data")


def _see_below(disk: Workspace, directory: str) -> None:
    """Notes every file of a result that was laid out as plain files: the user may edit them in place."""
    for row in disk.scan(directory) or ():
        path = f"{directory}/{row.name}"
        if row.kind is FileKind.DIRECTORY:
            _see_below(disk, path)
        elif row.kind is FileKind.FILE:
            disk.fingerprint(path)


def _settle(session: Session) -> bool:
    disk = session.disk
    young = [seen for path in disk.racy if isinstance(seen := disk.sightings.get(path), tuple)]
    if young:
        session.clock.settle(fingerprint_of(max(young, key=lambda seen: max(seen[:2]))))
    return disk.settle()


def _data_root(work: Work, name: NodeName) -> _Root | None:
    """What the next no-op finds at a node's data; None if that is not this build's result for it.

    Somebody may have put another in its place meanwhile: a later build, or the user a directory.
    """
    session = work.session
    if session.graph.nodes[name].source is None:
        record = work.records.get(name)
        return None if record is None else _linked_root(work, name, record)
    try:
        status = os.stat(session.root / name / "data")
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _linked_root(work: Work, name: NodeName, record: Record) -> _Root | None:
    """The root of a node's linked tree, proven where it is no longer what it was when it was linked.

    It was mended since, for a node that reads it, or somebody added to it while the build went on.
    """
    session = work.session
    tree = record.slots["data"]
    root = session.links.linked_root(name, tree)
    row = session.state.row(name)
    if root in (None, row.root):
        return root
    if session.links.shares_files:
        return None
    try:
        session.store.check(tree)
    except (StoreError, KeyError):
        return None
    finally:
        work.tell_findings()
    root = session.links.linked_root(name, tree)
    is_ours = row.record == record.id  # else a later build linked it, and the row is its own
    if root is not None and is_ours:
        session.state.put(name, row._replace(root=root))
    return root


def _keep_all(work: Work, roots: dict[NodeName, _Root], digests: dict[NodeName, Digest]) -> None:
    """After a build that read the project: its graph is kept too."""
    session = work.session
    remembered = Remembered.of(session.graph, session.structure)
    remembered.save(session.root)
    seconds = sum(record.seconds for record in work.records.values())
    fresh = snapshot.Fresh(roots, digests, seconds)
    seen = snapshot.seen_by(session.disk)
    snapshot.write(session.root, remembered.token, session.variables(), seen, fresh)


def _keep_onto(
    work: Work, baseline: Baseline, roots: dict[NodeName, _Root], digests: dict[NodeName, Digest]
) -> None:
    """After a build that went on from the last: what it looked at takes the place of what was known."""
    session = work.session
    before = baseline.snapshot
    forgotten = _below_sources(before[4], baseline, work.sources)
    seen = snapshot.seen_since(before, session.disk, forgotten)
    outcomes = work.plan.outcomes
    ran = (name for name in work.records if outcomes[name] is Outcome.RAN)
    seconds = work.saved + sum(work.records[name].seconds for name in ran)
    fresh = snapshot.Fresh(
        {**before[8], **roots},
        {name: digests.get(name) or baseline.digest(name) for name in before[8]},
        seconds,
    )
    snapshot.write(session.root, before[2], before[3], seen, fresh)


def _below_sources(
    paths: Iterable[str], baseline: Baseline, sources: Iterable[NodeName]
) -> list[str]:
    """What the snapshot knew of sources that were read again: some of it may be gone."""
    places = tuple(f"{baseline.remembered.sources[name]}/" for name in sources)
    return [path for path in paths if path.startswith(places)]
