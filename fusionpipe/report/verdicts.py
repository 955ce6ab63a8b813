"""What people said and found of a result, a line each: assertions and verdicts. Takes what is already decided."""

from __future__ import annotations

import time

from fusionpipe.build.assertion import Assertion
from fusionpipe.build.verdicts import Verdict
from fusionpipe.report.output import shown
from fusionpipe.report.words import ago


def assertion_line(assertion: Assertion) -> str:
    """`asserted by ada on lab1, 2026-11-21 14:00: the comment changed only`."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(assertion.made))
    by = f"{assertion.user} on {assertion.host}"
    return shown(" ".join(f"asserted by {by}, {when}: {assertion.reason}".split()))


def verdict_line(verdict: Verdict, now: float) -> str:
    """`reproduced identically by ada on lab1, 2 days ago`."""
    word = "reproduced identically" if verdict.is_identical else "NOT reproduced: other bytes"
    where = f"by {verdict.user} on {verdict.host}, {ago(verdict.made, now)}"
    changed = f" (with {', '.join(verdict.surroundings)})" if verdict.surroundings else ""
    return f"{word} {where}{changed}"
