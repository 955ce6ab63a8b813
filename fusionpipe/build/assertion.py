"""Assertions: results that nobody ran, as their records tell them."""

from __future__ import annotations

from typing import NamedTuple

from fusionstore.contract import FullRecord, Standing


class Assertion(NamedTuple):
    """Who declared a result valid, when (seconds since the epoch), and why."""

    user: str
    host: str
    made: float
    reason: str


def assertion_of(full: FullRecord | None) -> Assertion | None:
    """The assertion that a record is; None for what was run."""
    if full is None or full.record.standing is not Standing.ASSERTED:
        return None
    told = full.body.get("asserted")
    reason = told.get("reason") if isinstance(told, dict) else ""
    user, host = full.body.get("user"), full.body.get("host")
    return Assertion(str(user or ""), str(host or ""), full.record.made, str(reason or ""))
