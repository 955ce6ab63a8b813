"""How two builds differ: for each node, the result it had after one and after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from enum import StrEnum
from typing import NamedTuple

from fusionpipe import history
from fusionpipe.build.archive import Archive
from fusionpipe.build.difference import ResultDifference, Scope, compare_results, unknown_paths
from fusionpipe.build.refs import Found, is_known, resolve
from fusionpipe.errors import UsageError
from fusionpipe.events import Outcome
from fusionpipe.history import BuildLine, NodeLine, build_named
from fusionpipe.model import NodeName
from fusionstore.digest import RecordId
from fusionstore.errors import Corrupt


class Became(StrEnum):
    """What became of a node between two builds."""

    CHANGED = "changed"  # another result
    NEW = "new"  # no result before
    FAILED = "failed"  # it failed in the later
    RECOVERED = "recovered"  # it failed in the earlier
    UNKNOWN = "unknown"  # another result, one of which cannot be read any more
    GONE = "gone"  # no result in the second: the builds were given latest first


class NodeDifference(NamedTuple):
    """One node that is not in the second build as in the first. `old`, `new` are records, "" for none."""

    node: NodeName
    became: Became
    old: str
    new: str
    result: ResultDifference | None = None  # where there are two to compare


class BuildDifference(NamedTuple):
    """Two builds, and the nodes in which they differ, by name."""

    old: BuildLine
    new: BuildLine
    nodes: tuple[NodeDifference, ...]

    @property
    def is_equal(self) -> bool:
        """True if every node had the same result."""
        return not self.nodes


def compare_builds(
    archive: Archive, old: BuildLine, new: BuildLine, scope: Scope
) -> BuildDifference:
    """The nodes whose results differ between two builds; only which files, not what in them."""
    before, after = _states(archive, old, new)
    scope = scope._replace(data=None, code=None)
    nodes = []
    for node in sorted(before.keys() | after.keys()):
        difference = _node_difference(node, before.get(node), after.get(node))
        if difference is None:
            continue
        if difference.became is Became.CHANGED:
            compared = _compared(archive, difference, scope)
            if compared.result is not None and compared.result.is_equal:
                continue  # equal within the scope
            difference = compared
        nodes.append(difference)
    return BuildDifference(old, new, tuple(nodes))


def _compared(archive: Archive, difference: NodeDifference, scope: Scope) -> NodeDifference:
    old = _found(archive, difference.node, difference.old)
    new = _found(archive, difference.node, difference.new)
    if old is None or new is None:
        return difference._replace(became=Became.UNKNOWN)
    return difference._replace(result=compare_results(archive, old, new, scope))


def _found(archive: Archive, node: NodeName, record: str) -> Found | None:
    try:
        return Found(record, archive.store.read_record(RecordId(record)), node)
    except (KeyError, Corrupt):
        return None


def _node_difference(
    node: NodeName, before: NodeLine | None, after: NodeLine | None
) -> NodeDifference | None:
    """What became of a node, by the lines about it; None if it is as it was."""
    old = before.record if before is not None else ""
    new = after.record if after is not None else ""
    if _failed(before) != _failed(after):
        return NodeDifference(node, Became.FAILED if _failed(after) else Became.RECOVERED, old, new)
    if old == new:
        return None
    if old and new:
        return NodeDifference(node, Became.CHANGED, old, new)
    return NodeDifference(node, Became.NEW if new else Became.GONE, old, new)


def _failed(line: NodeLine | None) -> bool:
    return line is not None and line.outcome == Outcome.FAILED


_States = dict[NodeName, NodeLine]


def _states(archive: Archive, old: BuildLine, new: BuildLine) -> tuple[_States, _States]:
    """How the nodes that may differ stood after both: what a build says of them, or the latest before.

    A build notes only what it did not merely keep. So only nodes noted after the earlier of the two, or
    failed in it, can differ; what they were before is looked for backwards, no further than needed.
    """
    lines = list(history.builds(archive.root))
    place = {line.build: at for at, line in enumerate(lines)}  # the latest is 0
    later, earlier = sorted((place[new.build], place[old.build]))
    nodes = {told.node for line in lines[later:earlier] for told in _told(archive, line)}
    nodes |= {told.node for told in _told(archive, lines[earlier]) if _failed(told)}
    top = _latest(archive, lines[later:], nodes)
    bottom = _latest(archive, lines[earlier:], nodes)
    return (bottom, top) if place[new.build] == later else (top, bottom)


def _latest(archive: Archive, lines: Sequence[BuildLine], nodes: Set[NodeName]) -> _States:
    """The latest line of each of these nodes; the builds come latest first.

    A failure counts in the first of them alone: afterwards the earlier result may have been kept.
    """
    found: _States = {}
    for line in lines:
        if nodes <= found.keys():
            break
        for told in _told(archive, line):
            if told.node in nodes and (told.record or line is lines[0]):
                found.setdefault(told.node, told)
    return found


def _told(archive: Archive, line: BuildLine) -> Iterator[NodeLine]:
    """The nodes that a build gave a result, or that failed, the last first: a skipped one stays as it was."""
    for told in reversed(list(history.nodes_of(archive.root, line.build))):
        if told.record or told.outcome == Outcome.FAILED:
            yield told


def compare_refs(
    archive: Archive, refs: tuple[str, str], here: str, scope: Scope
) -> ResultDifference | BuildDifference:
    """How two results or two builds differ, each named by a ref seen from `here`. Raises UsageError."""
    root = archive.root
    builds = [None if is_known(archive, ref, here) else build_named(root, ref) for ref in refs]
    old, new = builds
    if old is not None and new is not None:
        return compare_builds(archive, old, new, scope)
    for ref, other, build in zip(refs, reversed(refs), builds, strict=True):
        if build is not None:
            raise UsageError(
                f"{ref} is a build, {other} is not: only two builds or two results can be compared",
                f"fp history tells the results of {ref}",
            )
    first, second = (resolve(archive, ref, here) for ref in refs)
    for path in unknown_paths(first.full, second.full, scope.paths):
        raise UsageError(
            f"{path} is in neither result",
            "paths are as fp diff --name-only tells them: code/main.py, data/x.csv",
        )
    return compare_results(archive, first, second, scope)
