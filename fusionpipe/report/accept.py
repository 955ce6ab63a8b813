"""Assertions in words: what `fp accept` did, and the one line by which they are known for ever."""

from __future__ import annotations

import json
import time
from typing import TextIO

from fusionpipe.build.accept import Accepted, Assertion
from fusionpipe.report.output import Output, shown


def assertion_line(assertion: Assertion) -> str:
    """`asserted by ada on lab1, 2026-11-21 14:00: the comment changed only`."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(assertion.made))
    by = f"{assertion.user} on {assertion.host}"
    return shown(" ".join(f"asserted by {by}, {when}: {assertion.reason}".split()))


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
