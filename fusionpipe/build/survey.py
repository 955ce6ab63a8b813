"""How every node stands, without running, linking or storing: what `status`, `-n` and `why` tell."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from fusionpipe.build.lookup import Asked, Hit, Miss, NoKey
from fusionpipe.build.session import Session
from fusionpipe.build.sources import Read, read_source
from fusionpipe.freeze import CannotFreeze
from fusionpipe.model import Node, NodeName
from fusionstore.digest import Digest


class Standing(StrEnum):
    """What a build would do with a node."""

    KEPT = "kept"
    RESTORED = "restored"
    WILL_RUN = "will run"
    MAY_RUN = "may run"
    FAILS = "fails"


class Stand(NamedTuple):
    """One node's standing, why, and what was asked to find out (None below what will run)."""

    node: NodeName
    standing: Standing
    reason: str
    asked: Asked | None = None
    hit: Hit | None = None
    miss: Miss | None = None
    is_source: bool = False
    is_failed: bool = False  # its last run failed on this very key
    overridden: tuple[str, ...] = ()  # the linked result came from -p
    has_own_data: bool = False  # data/ is a real directory of the user's


def survey(session: Session, nodes: Sequence[NodeName]) -> dict[NodeName, Stand]:
    """Every node's standing; `nodes` are in topological order, ancestors included."""
    stands: dict[NodeName, Stand] = {}
    digests: dict[NodeName, Digest] = {}
    for name in nodes:
        node = session.graph.nodes[name]
        stand = _stand(session, node, stands, digests)
        stands[name] = stand
        if stand.hit is not None:
            digests[name] = stand.hit.record.slots["data"]
    return stands


def _stand(
    session: Session, node: Node, stands: dict[NodeName, Stand], digests: dict[NodeName, Digest]
) -> Stand:
    if node.source is not None:
        return _source_stand(session, node, digests)
    unknown = [parent for parent in node.parent_nodes() if parent not in digests]
    if unknown:
        return _below_unknown(node, unknown[0], stands[unknown[0]])
    asked = session.lookup.ask(node, digests.__getitem__)
    if isinstance(asked, NoKey):
        return Stand(node.name, Standing.FAILS, asked.why)
    row = session.state.row(node.name)
    own = session.links.data_state(node.name) == "real"
    is_failed = row.failed_key == asked.key
    hit = session.lookup.find(asked) if node.is_cached else None
    if hit is None:
        miss = (
            session.lookup.why_missed(asked)
            if node.is_cached
            else Miss("cache = false: runs at every build")
        )
        reason = f"failed last time: {row.failed_why}" if is_failed else miss.reason
        return Stand(
            node.name,
            Standing.WILL_RUN,
            reason,
            asked,
            miss=miss,
            is_failed=is_failed,
            overridden=row.overridden,
            has_own_data=own,
        )
    standing = Standing.KEPT if hit.is_linked else Standing.RESTORED
    reason = "unchanged" if hit.is_linked else "its result is in the store"
    return Stand(
        node.name, standing, reason, asked, hit, overridden=row.overridden, has_own_data=own
    )


def _below_unknown(node: Node, parent: NodeName, above: Stand) -> Stand:
    if above.standing is Standing.FAILS:
        return Stand(node.name, Standing.MAY_RUN, f"cannot be told: {parent} cannot be built")
    return Stand(node.name, Standing.MAY_RUN, f"depends on what {parent} produces")


def _source_stand(session: Session, node: Node, digests: dict[NodeName, Digest]) -> Stand:
    found = _read(session, node)
    if isinstance(found, CannotFreeze):
        return Stand(node.name, Standing.FAILS, str(found), is_source=True)
    digests[node.name] = found.tree.root
    row = session.state.row(node.name)
    if row.source == found.tree.root:
        reason = "unchanged"
    else:
        reason = "changed since the last build" if row.source else "not read by a build yet"
    return Stand(node.name, Standing.KEPT, reason, is_source=True)


def _read(session: Session, node: Node) -> Read | CannotFreeze:
    try:
        return read_source(node, session.disk, lambda done, total: None)
    except CannotFreeze as error:
        return error
