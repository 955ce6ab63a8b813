"""What `fp accept` did, in words. Takes what is already decided."""

from __future__ import annotations

import json
from typing import TextIO

from fusionpipe.build.accept import Accepted
from fusionpipe.report.output import Output
from fusionpipe.report.verdicts import assertion_line


def render_accepted(done: Accepted, *, out: TextIO) -> None:
    """What was done, in a line or two."""
    output = Output(out, colour=False)
    if done.assertion is None:
        output.line(f"{done.node}: a run gave these very bytes ({done.record.id[:12]}): linked")
        return
    output.line(f"{done.node}: {assertion_line(done.assertion)}")
    where = "data/ is a link to its stored bytes now; " if done.is_by_hand else ""
    output.line(f"  {where}fp build -f {done.node} takes it back")


def accepted_json(done: Accepted) -> str:
    """One JSON object."""
    reason = "" if done.assertion is None else done.assertion.reason
    told = {
        "node": done.node,
        "record": done.record.id,
        "key": done.record.key,
        "reason": reason,
        "was_run": done.was_run,
        "by_hand": done.is_by_hand,
    }
    return json.dumps(told)
