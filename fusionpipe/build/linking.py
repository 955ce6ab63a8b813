"""Points a node's directory at a result and remembers it, unless a later build has done so (L10)."""

from __future__ import annotations

from fusionpipe.build.given import given_names, link_given
from fusionpipe.build.keep import UserDataInTheWay
from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.build.lookup import Asked
from fusionpipe.build.session import Session
from fusionpipe.model import Node
from fusionpipe.params import canonical_json
from fusionstore.contract import Record
from fusionstore.errors import StoreError


def link_hit(
    session: Session,
    order: LinkOrder,
    asked: Asked,
    record: Record,
    stamp: int,
    seconds: float | None = None,
) -> str | None:
    """Links a record's result; None, or a sentence on why its link could not be made.

    `stamp` is when the build started, in ns; `seconds` what its run took, when it just ran.
    """
    node = asked.node
    with order.turn(node.name, stamp) as is_ours:
        if not is_ours:
            is_the_same = session.links.linked_root(node.name, record.slots["data"]) is not None
            return None if is_the_same else "a later build has linked it anew: its link stays"
        try:
            for tree in record.slots.values():
                session.store.materialise(tree)
            session.links.link_result(node.name, record)
            link_what_it_reads(session, node)
        except (UserDataInTheWay, OSError, StoreError) as error:
            return f"its result is stored but could not be linked: {error}"
    data = record.slots["data"]
    row = session.state.row(node.name)._replace(
        record=record.id,
        key=record.key,
        tree=data,
        reports=record.slots.get("reports", ""),
        log=record.log or "",
        root=session.links.linked_root(node.name, data) or (0, 0),
        overridden=node.overridden,
        seconds=record.seconds if seconds is None else seconds,
    )
    session.state.put(node.name, row.linked())
    return None


def link_what_it_reads(session: Session, node: Node, *, with_params: bool = False) -> None:
    """Makes what the node's code reads by hand, and remembers what of it is ours. Raises OSError."""
    row = session.state.row(node.name)
    params = canonical_json(node.params)
    made = link_given(str(session.root), node, params, row.made, with_params=with_params)
    session.state.put(node.name, row._replace(made=made, given=given_names(node)))
