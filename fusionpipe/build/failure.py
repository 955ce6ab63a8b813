"""What is told and kept of a run that failed: why, the end of its log in the user's own paths, its directory."""

from __future__ import annotations

import os
import re
import signal
from typing import NamedTuple

from fusionpipe.build.session import Session
from fusionpipe.model import NodeName
from fusionpipe.runner import kept, log
from fusionpipe.runner.environment import withheld
from fusionpipe.runner.hint import hint as hint_for
from fusionpipe.runner.leak import find_leak
from fusionpipe.runner.run import Exited
from fusionpipe.workspace import GENERATED

# Not compiled here: most builds have no failure to look at.
_NOT_FOUND = r"No such file or directory: '([^'\n]+)'|: '?([^\s':]+)'?: No such file or directory"

_LINES_READ = 500
"""Lines at the end of a failed run's log that are searched for variables it missed."""


class Told(NamedTuple):
    """The end of the log, and what to try."""

    tail: tuple[str, ...]
    hint: str


def reason_of(exited: Exited, changed: str | None) -> str | None:
    """Why a run that ended does not count, or None if it does (L3, L6).

    `changed` is something that it read and that was not left as it was.
    """
    reasons = []
    if exited.signal is not None:
        reasons.append(f"killed by signal {exited.signal} ({_signal_name(exited.signal)})")
    elif exited.code != 0:
        reasons.append(f"exited with {exited.code}")
    if changed is not None:
        what = "changed while it was being read: this run is void, build again"
        reasons.append(f"{changed} {what} (if the node itself wrote there: write to ../data/)")
    if reasons:
        return "; ".join(reasons)
    if exited.run.secrets and (leak := _leak(exited)) is not None:
        return leak
    strays = exited.rundir.strays()
    if strays and not exited.rundir.has_output():
        named = ", ".join(strays[:5])
        return f"wrote nothing into data/ or reports/, but into {named}: write to ../data/ instead"
    return None


def _leak(exited: Exited) -> str | None:
    """Why an output may not be stored that has a secret in it (L13)."""
    outputs = (exited.rundir.data, exited.rundir.reports)
    try:
        path = find_leak(outputs, exited.run.secrets.values())
    except OSError as error:
        return f"its output cannot be searched for secrets: {error}"
    if path is None:
        return None
    return (
        f"{path} holds the value of a secret, so nothing was stored: do not write it to an output"
    )


def tell(session: Session, exited: Exited) -> Told:
    """The last lines of a failed run's log, and a hint."""
    shown = log.user_paths(exited.rundir, exited.node)
    tail = log.tail(exited.rundir.log, shown=shown)
    hint = hint_for(tail, exited)
    more = log.tail(exited.rundir.log, _LINES_READ, shown={})
    missing = withheld(session.ambient, exited.run.environment, "\n".join(more))
    if missing:
        names = ", ".join(missing)
        plain = f"{names} did not reach the node: say pass = [...] or env = [...] in its node.toml"
        hint = f"{hint}\n{plain}" if hint else plain
    if not hint:
        hint = _undeclared(session, exited.node, "\n".join(tail))
    return Told(tail, hint)


def _undeclared(session: Session, node: NodeName, text: str) -> str:
    """What to declare, where a file that was not found is there for a script started by hand."""
    for match in re.finditer(_NOT_FOUND, text):
        path = match[1] or match[2]
        for base in (session.root / node / "code", session.root):
            there = os.path.normpath(base / path)
            if os.path.isabs(path) or not os.path.isfile(there):
                continue
            if mend := _declaration(session, node, os.path.relpath(there, session.root)):
                return f"{path} is not declared, so a build does not give it: {mend}"
    return ""


def _declaration(session: Session, node: NodeName, path: str) -> str:
    """How a node comes to read a file of the project; "" for what it cannot or need not declare."""
    for name in session.graph.nodes:
        if name != node and path.startswith(f"{name}/data/"):
            rest = path.removeprefix(f"{name}/data/")
            return f'say parents = ["/{name}"] and read ../parents/{os.path.basename(name)}/{rest}'
    given = os.path.relpath(path, node)
    if path.startswith("../") or given.split("/")[0] in GENERATED:
        return ""
    return f'say [inputs] NAME = "{given}" in node.toml and read ../inputs/NAME'


def keep(session: Session, exited: Exited, place: str) -> None:
    """Moves a failed run's directory to `place` (from the root), replacing an earlier one."""
    to = session.root / place
    # what a failed run wrote may hold what it was told in secret
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept.keep(exited.rundir, to, exited.run)


def flat(name: NodeName) -> str:
    """A node's name as one file name (`+` cannot be in a name)."""
    return name.replace(os.sep, "+")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
