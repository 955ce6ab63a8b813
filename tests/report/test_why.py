"""`fp why` on the screen and as JSON."""

from __future__ import annotations

import json
from io import StringIO

from fusionpipe.model import NodeName
from fusionpipe.report.why import Section, render_sections, render_sections_json

DIFF = Section(
    "main.py edited",
    diff=(
        "--- main.py (2 days ago)",
        "+++ main.py (now)",
        "@@ -1,2 +1,2 @@",
        " import csv",
        "-alpha = 1",
        "+alpha = 2\x1b[2J",
    ),
)
PACKAGE = Section("packages", ("pandas 2.2.0 → 2.2.1", "numpy 1.26 → 2.0"))


def told(*sections: Section, colour: bool = False) -> str:
    out = StringIO()
    render_sections("fit would run: 2 changes", sections, out=out, colour=colour)
    return out.getvalue()


def test_sections_follow_the_headline_with_their_lines_and_diffs() -> None:
    expected = """\
fit would run: 2 changes
  main.py edited
    --- main.py (2 days ago)
    +++ main.py (now)
    @@ -1,2 +1,2 @@
     import csv
    -alpha = 1
    +alpha = 2
  packages
    pandas 2.2.0 → 2.2.1
    numpy 1.26 → 2.0
"""
    assert expected == told(DIFF, PACKAGE)


def test_diffs_are_painted_line_by_line() -> None:
    expected = [
        "\x1b[1mfit would run: 2 changes\x1b[0m",
        "  main.py edited",
        "    \x1b[1m--- main.py (2 days ago)\x1b[0m",
        "    \x1b[1m+++ main.py (now)\x1b[0m",
        "    \x1b[36m@@ -1,2 +1,2 @@\x1b[0m",
        "     import csv",
        "    \x1b[31m-alpha = 1\x1b[0m",
        "    \x1b[32m+alpha = 2\x1b[0m",
    ]
    assert expected == told(DIFF, colour=True).splitlines()


def test_a_very_long_diff_is_cut_and_says_so() -> None:
    lines = told(Section("data.csv edited", diff=("+x",) * 1201)).splitlines()
    assert 2 + 200 + 1 == len(lines)
    assert "    … 1,001 more lines of this diff" == lines[-1]


def test_json_has_the_same_whole() -> None:
    out = StringIO()
    render_sections_json(NodeName("fit"), "2 changes", [PACKAGE], out=out)
    expected = {
        "node": "fit",
        "headline": "2 changes",
        "sections": [
            {
                "title": "packages",
                "lines": ["pandas 2.2.0 → 2.2.1", "numpy 1.26 → 2.0"],
                "diff": [],
            }
        ],
    }
    assert expected == json.loads(out.getvalue())
