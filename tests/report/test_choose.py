"""Which report a build gets."""

from __future__ import annotations

from io import StringIO

import pytest

from fusionpipe.events import Interrupting, NodeFinished, NodeStarted, Outcome
from fusionpipe.model import NodeName
from fusionpipe.report.choose import choose_report

FAILED = NodeFinished(NodeName("fit"), Outcome.FAILED, "exit status 1", seconds=3.0)
RAN = NodeFinished(NodeName("fit"), Outcome.RAN, "new", seconds=3.0)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_json_is_json_wherever_it_goes(is_terminal: bool) -> None:
    out = StringIO()
    with choose_report(
        out, is_terminal=is_terminal, json=True, quiet=True, verbose=False, colour=True
    ) as report:
        report(Interrupting(1))
    assert '{"event": "interrupting", "running": 1}\n' == out.getvalue()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_quiet_says_failures_only(is_terminal: bool) -> None:
    out = StringIO()
    with choose_report(
        out, is_terminal=is_terminal, json=False, quiet=True, verbose=False, colour=False
    ) as report:
        report(RAN)
        report(FAILED)
    assert "failed    fit  3.0 s  exit status 1\n" == out.getvalue()


def test_leaving_after_an_error_still_says_what_had_happened() -> None:
    out = StringIO()
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(out)
    assert "failed    fit  3.0 s  exit status 1\n" == out.getvalue()


def fail_in_the_middle(out: StringIO) -> None:
    with choose_report(
        out, is_terminal=True, json=False, quiet=False, verbose=False, colour=False
    ) as report:
        report(NodeStarted(NodeName("fit"), "new", 100.0))
        report(FAILED)
        raise ZeroDivisionError
