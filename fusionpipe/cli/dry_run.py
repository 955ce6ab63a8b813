"""`fp build -n`: what a build would do, node by node, and no more certain than it is."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence

from fusionpipe.build.session import Session
from fusionpipe.build.survey import Stand, Standing, survey
from fusionpipe.model import NodeName
from fusionpipe.report.output import Output
from fusionpipe.report.words import counted


def tell_dry_run(
    session: Session, nodes: Sequence[NodeName], forced: frozenset[NodeName], *, as_json: bool
) -> int:
    """Prints it; exit code 0, or 1 if a node cannot be built at all."""
    stands = [_as_forced(stand, forced) for stand in survey(session, nodes).values()]
    out = Output(sys.stdout, colour=False)
    for stand in stands:
        if as_json:
            told = {"node": stand.node, "would": stand.standing.value, "reason": stand.reason}
            out.line(json.dumps(told))
        elif stand.standing is not Standing.KEPT:
            out.line(f"{stand.standing.value:<9} {stand.node}  {stand.reason}")
    if not as_json:
        out.line(_summary(stands))
    return 1 if any(stand.standing is Standing.FAILS for stand in stands) else 0


def _as_forced(stand: Stand, forced: frozenset[NodeName]) -> Stand:
    if stand.node not in forced or stand.standing is Standing.FAILS:
        return stand
    return Stand(stand.node, Standing.WILL_RUN, "forced with -f", stand.asked)


def _summary(stands: Sequence[Stand]) -> str:
    counts = Counter(stand.standing for stand in stands)
    if set(counts) <= {Standing.KEPT}:
        return f"nothing to do: {counted(len(stands), 'node')} up to date"
    order = (Standing.WILL_RUN, Standing.MAY_RUN, Standing.RESTORED, Standing.KEPT, Standing.FAILS)
    return ", ".join(
        f"{counts[standing]} {standing.value}" for standing in order if counts[standing]
    )
