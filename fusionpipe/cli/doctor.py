"""`fp doctor`: does this machine suit this project."""

from __future__ import annotations

import sys

from fusionpipe.build.doctor import examine
from fusionpipe.build.machine import Check, Standing
from fusionpipe.cli.here import here_of
from fusionpipe.cli.options import Directory, Json
from fusionpipe.project import find_root
from fusionpipe.report.doctor import render_check, render_json, render_summary
from fusionpipe.settings import ambient, wants_colour


def doctor(json: Json = False, directory: Directory = None) -> int:
    """Look for all that could stand in the way here: file systems, limits, interpreters, store, clock, git.

    Each finding is ok, a warning (it works, but may surprise) or a problem, with what to do. Runs no node.

    Exit code 0; 1 if there is a problem.

    Example: fp doctor
    """
    environment = ambient()
    colour = wants_colour(environment, is_terminal=sys.stdout.isatty())
    checks: list[Check] = []
    for check in examine(find_root(here_of(directory)), environment):
        checks.append(check)
        if not json:
            render_check(check, out=sys.stdout, colour=colour)
    if json:
        render_json(checks, out=sys.stdout)
    else:
        render_summary(checks, out=sys.stdout, colour=colour)
    return 1 if any(check.standing is Standing.PROBLEM for check in checks) else 0
