"""Makes a node's generated names from what is stored, without running: for `fp link` and `fp run`."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fusionpipe.build.linking import link_hit, link_what_it_reads
from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.build.lookup import Asked
from fusionpipe.build.roots import write_project_root
from fusionpipe.build.run import generated_names
from fusionpipe.build.session import Session
from fusionpipe.build.state import DIRECTORY
from fusionpipe.build.survey import Standing, survey
from fusionpipe.gitignore import ignore_generated
from fusionpipe.model import NodeName
from fusionstore.contract import Record
from fusionstore.errors import StoreError


def relink(session: Session, nodes: Sequence[NodeName]) -> tuple[int, int]:
    """Links what is stored; (nodes with their data linked, nodes without a stored result).

    A real data/ of the user's is left alone here: they may be working in it.
    """
    order = LinkOrder(session.root / DIRECTORY / "state" / "links")
    linked = without = 0
    session.store.scratch()  # what is found from here on stays until it is linked and rooted
    for name, stand in survey(session, nodes).items():
        node = session.graph.nodes[name]
        if stand.is_source:
            link_source(session, name)
            linked += stand.standing is Standing.KEPT
            continue
        # params.json also where there are none: by hand fp.params() reads it
        link_what_it_reads(session, node, with_params=True)
        if stand.hit is None or stand.asked is None or stand.has_own_data:
            without += stand.hit is None
            continue
        if stand.hit.is_linked or _link(session, order, stand.asked, stand.hit.record):
            linked += 1
        else:
            without += 1
    order.close()
    nodes_now = session.graph.nodes
    ignore_generated(session.root, [(name, generated_names(nodes_now[name])) for name in nodes])
    write_project_root(session)
    session.state.save(session.graph.nodes)
    return linked, without


def _link(session: Session, order: LinkOrder, asked: Asked, record: Record) -> bool:
    """Links a stored result; false if it is damaged, or something is in its way."""
    try:
        for tree in record.slots.values():
            session.store.check(tree)
    except (StoreError, KeyError):
        return False
    return link_hit(session, order, asked, record, time.time_ns()) is None


def link_source(session: Session, name: NodeName) -> None:
    """Points a source's data/ at its bytes when they lie elsewhere."""
    source = session.graph.nodes[name].source
    assert source is not None
    if source.path != f"{name}/data":
        session.links.put_source(name, session.root / source.path)
