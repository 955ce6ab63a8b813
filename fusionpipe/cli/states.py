"""Standings as the states that people see: in `fp status` and `fp graph`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fusionpipe.build.assertion import assertion_of
from fusionpipe.build.pins import pinned_as
from fusionpipe.build.session import Session
from fusionpipe.build.survey import Stand, Standing, survey
from fusionpipe.model import NodeName
from fusionpipe.report.status import State, StatusRow
from fusionpipe.report.verdicts import assertion_line
from fusionstore import contract


def status_rows(session: Session, nodes: Sequence[NodeName]) -> list[StatusRow]:
    """A row per node."""
    pinned = pinned_as(session.store)
    rows = [_row(session, stand) for stand in survey(session, nodes).values()]
    return [_with_pins(row, pinned.get(session.state.record(row.node), "")) for row in rows]


def _with_pins(row: StatusRow, names: str) -> StatusRow:
    """The row, and what the result that the node shows is pinned as."""
    if not names:
        return row
    told = f"pinned as {names}"
    return replace(row, detail=f"{row.detail}; {told}" if row.detail else told)


def _row(session: Session, stand: Stand) -> StatusRow:
    state = _state(session, stand)
    detail = "" if state is State.FRESH else stand.reason
    if stand.is_failed:
        detail = session.state.row(stand.node).failed_why
    if state is State.MODIFIED:
        detail = (
            "data/ is a directory of your own; the next build keeps its bytes and links the result"
        )
    elif stand.hit is not None and stand.hit.record.standing is contract.Standing.ASSERTED:
        assertion = assertion_of(session.lookup.full(stand.hit.record.id))
        detail = detail if assertion is None else assertion_line(assertion)
    return StatusRow(stand.node, state, detail, params_override=bool(stand.overridden))


def _state(session: Session, stand: Stand) -> State:
    if stand.is_source and stand.standing is not Standing.FAILS:
        return State.SOURCE
    if stand.is_failed or stand.standing is Standing.FAILS:
        return State.FAILED
    if stand.has_own_data:
        return State.MODIFIED
    if stand.standing is Standing.KEPT:
        return State.FRESH
    if stand.standing is Standing.RESTORED:
        return State.RESTORABLE
    return State.STALE if session.state.row(stand.node).recent else State.NEVER_RUN
