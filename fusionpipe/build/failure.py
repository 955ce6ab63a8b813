"""What is told and kept of a run that failed: why, the end of its log in the user's own paths, its directory."""

from __future__ import annotations

import os
import signal
from typing import NamedTuple

from fusionpipe.build.session import Session
from fusionpipe.model import NodeName
from fusionpipe.runner import kept, log
from fusionpipe.runner.environment import withheld
from fusionpipe.runner.hint import hint as hint_for
from fusionpipe.runner.run import Exited

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
        reasons.append(f"{changed} {what}")
    if reasons:
        return "; ".join(reasons)
    strays = exited.rundir.strays()
    if strays and not exited.rundir.has_output():
        named = ", ".join(strays[:5])
        return f"wrote nothing into data/ or reports/, but into {named}: write to ../data/ instead"
    return None


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
    return Told(tail, hint)


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
