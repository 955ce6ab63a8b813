"""The end of a build that left everything fresh: what it saw is settled, and kept for the next one."""

from __future__ import annotations

import os
from collections.abc import Iterable

from fusionpipe.build.baseline import Baseline
from fusionpipe.build.remembered import keep_graph
from fusionpipe.build.session import Session
from fusionpipe.build.snapshot import patched, root_words, seen_by, seen_since
from fusionpipe.build.work import Work
from fusionpipe.disk import FileKind
from fusionpipe.events import Outcome
from fusionpipe.hot import Snapshot
from fusionpipe.model import NodeName
from fusionpipe.prints import Print, fingerprint_of
from fusionpipe.workspace import Workspace
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
    found = ((name, _data_root(work, name)) for name in names)
    roots = {name: root_words(*root) for name, root in found if root}
    is_settled = is_same and len(roots) == len(names)
    session.state.save(session.graph.nodes, is_settled=is_settled)
    if not is_settled:
        return
    if baseline is None:
        _keep_all(work, roots)
    else:
        _keep_onto(work, baseline, roots)


def _looked_at(work: Work, baseline: Baseline) -> tuple[NodeName, ...]:
    """The nodes that were asked for their key, or read: all others are as the snapshot has them."""
    known = (*work.took, *work.sources)
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
    young = [seen for path in disk.racy if isinstance(seen := disk.sightings.get(path), bytes)]
    if young:
        session.clock.settle(fingerprint_of(max(young, key=_changed_ns)))
    return disk.settle()


def _changed_ns(seen: Print) -> int:
    known = fingerprint_of(seen)
    return max(known.mtime_ns, known.ctime_ns)


def _data_root(work: Work, name: NodeName) -> _Root | None:
    """What the next no-op finds at a node's data; None if that is not this build's result for it.

    Somebody may have put another in its place meanwhile: a later build, or the user a directory.
    """
    session = work.session
    if session.graph.nodes[name].source is None:
        if name not in work.took:
            return None
        return _linked_root(work, name, work.plan.digest(name))
    try:
        status = os.stat(session.root / name / "data")
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _linked_root(work: Work, name: NodeName, tree: Digest) -> _Root | None:
    """The root of a node's linked tree, proven where it is no longer what it was when it was linked.

    It was mended since, for a node that reads it, or somebody added to it while the build went on.
    """
    session = work.session
    root = session.links.linked_root(name, tree)
    row = session.state.row(name)
    if root is None or (row.tree == tree and row.root == root):
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
    if root is not None and row.tree == tree:  # else a later build linked it: the row is its own
        session.state.put(name, row._replace(root=root))
    return root


def _keep_all(work: Work, roots: dict[NodeName, bytes]) -> None:
    """After a build that read the project: its graph is kept too."""
    session = work.session
    token = keep_graph(session.root, session.graph, session.structure)
    seconds = sum(work.took.values())
    seen = seen_by(session.disk)
    Snapshot(
        root=str(session.root),
        token=token,
        variables=session.variables(),
        **seen._asdict(),
        data=(tuple(roots), b"".join(roots.values())),
        digests=bytes.fromhex("".join(map(work.plan.digest, roots))),
        seconds=seconds,
        trees=session.links.trees,
    ).save()


def _keep_onto(work: Work, baseline: Baseline, roots: dict[NodeName, bytes]) -> None:
    """After a build that went on from the last: what it looked at takes the place of what was known."""
    session = work.session
    before = baseline.snapshot
    forgotten = _below_sources(before.prints[0], baseline, work.sources)
    seen = seen_since(before, session.disk, forgotten)
    outcomes = work.plan.outcomes
    ran = (took for name, took in work.took.items() if outcomes[name] is Outcome.RAN)
    seconds = work.saved + sum(ran)
    Snapshot(
        root=before.root,
        token=before.token,
        variables=before.variables,
        **seen._asdict(),
        data=patched(before.data, roots),
        digests=baseline.digests({name: work.plan.digest(name) for name in roots}),
        seconds=seconds,
        trees=session.links.trees,
    ).save()


def _below_sources(
    paths: Iterable[str], baseline: Baseline, sources: Iterable[NodeName]
) -> list[str]:
    """What the snapshot knew of sources that were read again: some of it may be gone."""
    places = tuple(f"{baseline.remembered.sources[name]}/" for name in sources)
    return [path for path in paths if path.startswith(places)]
