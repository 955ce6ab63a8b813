"""What a build is about: a session, the nodes to bring up to date, and those to run in any case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fusionpipe.build.session import Session
from fusionpipe.model import NodeName
from fusionstore.store import no_step

if TYPE_CHECKING:
    from fusionpipe.hot import Difference
    from fusionpipe.project import Override


class Goal(NamedTuple):
    """A session that is to be closed, and its nodes in topological order."""

    session: Session
    nodes: tuple[NodeName, ...]
    forced: frozenset[NodeName] = frozenset()


def go_on(
    difference: Difference,
    ambient: Mapping[str, str],
    *,
    step: Callable[[str], None] = no_step,
) -> Goal | None:
    """Everything, going on from the last build; None if the project has to be read for that.

    Raises StoreError, UsageError.
    """
    root = Path(difference.snapshot.root)
    session = Session.resume(root, ambient, difference, step=step)
    if session is None or session.baseline is None:
        return None
    return Goal(session, session.baseline.affected())


def begin(
    root: Path,
    ambient: Mapping[str, str],
    targets: Sequence[str] = (),
    overrides: Sequence[Override] = (),
    *,
    here: str = "",
    is_forced: bool = False,
    step: Callable[[str], None] = no_step,
) -> Goal:
    """What the targets stand for in a project as it is read now.

    Raises ProjectInvalid, StoreError, UsageError.
    """
    session = Session.open(root, ambient, overrides, step=step)
    try:
        return goal_of(session, targets, here=here, is_forced=is_forced)
    except BaseException:
        session.close()
        raise


def goal_of(
    session: Session, targets: Sequence[str], *, here: str = "", is_forced: bool = False
) -> Goal:
    """What the targets stand for in a session. Raises UsageError."""
    # slow to import, and a build that goes on from the last one reads nothing
    from fusionpipe.project import select, targets_of

    nodes = select(session.graph, targets, here=here)
    if not is_forced:
        return Goal(session, nodes)
    named = targets_of(session.graph, targets, here=here)
    sources = {name for name, node in session.graph.nodes.items() if node.source}
    return Goal(session, nodes, frozenset(named or nodes) - sources)
