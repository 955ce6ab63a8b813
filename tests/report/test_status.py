"""`fp status` on the screen and as JSON."""

from __future__ import annotations

import json
from io import StringIO

from fusionpipe.model import NodeName
from fusionpipe.report.status import (
    State,
    StatusRow,
    all_fresh,
    render_status,
    render_status_json,
)

ROWS = (
    StatusRow(NodeName("raw"), State.SOURCE, "20 GB"),
    StatusRow(NodeName("prep/clean"), State.FRESH),
    StatusRow(NodeName("fit"), State.STALE, "main.py edited"),
    StatusRow(NodeName("größe"), State.MODIFIED, "data/ is a real directory"),
    StatusRow(NodeName("again"), State.STALE, "alpha: 1 → 2", params_override=True),
    StatusRow(NodeName("plot"), State.NEVER_RUN),
    StatusRow(NodeName("old"), State.RESTORABLE, "made 2 days ago"),
    StatusRow(NodeName("bad"), State.FAILED, "exit status 1, 5 minutes ago"),
)


def told(rows: tuple[StatusRow, ...], *, colour: bool = False, verbose: bool = False) -> str:
    out = StringIO()
    render_status(rows, out=out, colour=colour, verbose=verbose)
    return out.getvalue()


def test_what_needs_attention_comes_first() -> None:
    expected = """\
failed            bad         exit status 1, 5 minutes ago
modified by hand  größe       data/ is a real directory
stale             again       alpha: 1 → 2; made with -p
stale             fit         main.py edited
never run         plot
restorable        old         made 2 days ago
source            raw         20 GB
fresh             prep/clean

8 nodes: 1 failed, 1 modified by hand, 2 stale, 1 never run, 1 restorable, 1 source, 1 fresh
"""
    assert expected == told(ROWS)


def test_a_large_project_shows_what_is_not_fresh_and_counts_the_rest() -> None:
    fresh = tuple(StatusRow(NodeName(f"n{i}"), State.FRESH) for i in range(998))
    rows = (*fresh, StatusRow(NodeName("fit"), State.STALE, "main.py edited"))
    expected = "stale  fit  main.py edited\n\n999 nodes: 1 stale, 998 fresh\n"
    assert expected == told(rows)
    assert 999 + 2 == len(told(rows, verbose=True).splitlines())


def test_a_large_project_that_is_all_fresh_is_one_line() -> None:
    rows = tuple(StatusRow(NodeName(f"n{i}"), State.FRESH) for i in range(1000))
    assert "all up to date: 1,000 fresh, 2 sources\n" == told(
        (*rows, *(StatusRow(NodeName(f"raw{i}"), State.SOURCE) for i in range(2)))
    )


def test_no_nodes_is_said() -> None:
    assert "no nodes\n" == told(())


def test_one_very_long_name_does_not_push_the_others_details_away() -> None:
    rows = (
        StatusRow(NodeName("a" * 90), State.STALE, "edited"),
        StatusRow(NodeName("fit"), State.STALE, "edited"),
    )
    lines = told(rows).splitlines()
    assert [f"stale  {'a' * 90}  edited", f"stale  {'fit':<48}  edited"] == lines[:2]


def test_states_are_painted() -> None:
    assert told(ROWS, colour=True).startswith(
        "\x1b[31mfailed          \x1b[0m  bad         \x1b[2mexit"
    )


def test_a_result_made_with_p_is_not_fresh() -> None:
    assert all_fresh(ROWS[:2])
    assert not all_fresh(ROWS)
    assert not all_fresh([StatusRow(NodeName("fit"), State.FRESH, params_override=True)])


def test_json_has_every_node_the_counts_and_the_verdict() -> None:
    out = StringIO()
    render_status_json((ROWS[2], ROWS[1]), out=out)
    expected = {
        "nodes": [
            {"node": "fit", "state": "stale", "detail": "main.py edited", "params_override": False},
            {"node": "prep/clean", "state": "fresh", "detail": "", "params_override": False},
        ],
        "counts": {
            "failed": 0,
            "modified by hand": 0,
            "stale": 1,
            "never run": 0,
            "restorable": 0,
            "source": 0,
            "fresh": 1,
        },
        "fresh": False,
    }
    assert expected == json.loads(out.getvalue())
