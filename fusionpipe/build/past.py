"""The results that a node showed over time, as this checkout saw it: its journal, then its memory.

`node@{2}` counts in this list, `node@{yesterday}` looks into it, `fp history NODE` prints it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from heapq import merge
from itertools import chain, pairwise
from typing import NamedTuple

from fusionpipe.build.archive import Archive, read, shows
from fusionpipe.explain import Change, Field, compare
from fusionpipe.history import lines_of
from fusionpipe.model import NodeName
from fusionstore.contract import FullRecord, JsonObject
from fusionstore.digest import Digest
from fusionstore.tree import Tree

_SHOWING = ("ran", "restored")


class Showing(NamedTuple):
    """A result that a node showed from `since` on (seconds since the epoch).

    `build` did it, with that outcome and for that reason; they are "" where the journal does not tell.
    """

    record: str
    since: float
    build: str = ""
    outcome: str = ""
    reason: str = ""
    seconds: float = 0.0


def showings(archive: Archive, node: NodeName) -> Iterator[Showing]:
    """What a node showed, latest first: the first is what it shows now, if it shows anything."""
    row = archive.state.row(node)
    seen: set[str] = set()
    last: Showing | None = None
    for one in chain(_present(archive, row.record), _told(archive, node)):
        if last is not None and last.record != one.record:
            # one that the journal lacks came after what the journal tells
            yield last._replace(since=max(last.since, one.since))
        last = one  # of one result linked again and again, the first time counts
        seen.add(one.record)
    if last is not None:
        yield last
    since = math.inf if last is None else last.since
    for record in row.recent:
        if record not in seen:  # older than the journal
            since = min(since, _made(archive, record))
            yield Showing(record, since)


def _present(archive: Archive, record: str) -> Iterator[Showing]:
    """What is linked now: the journal lacks it after a build that was killed, or once it is deleted."""
    if record:
        yield Showing(record, _made(archive, record))


def _told(archive: Archive, node: NodeName) -> Iterator[Showing]:
    for build, line in lines_of(archive.root, node):
        if line.outcome in _SHOWING and line.record:
            ended = build.started + build.seconds
            yield Showing(line.record, ended, build.build, line.outcome, line.reason, line.seconds)


def _made(archive: Archive, record: str) -> float:
    full = read(archive, record)
    return 0.0 if full is None else full.record.made


class Happening(NamedTuple):
    """One line of a node's history: a result it showed, or a run that failed.

    `number` is N of node@{N}, None for a failure; `full` is None where the record cannot be read any more.
    `changes` are against the result before; None where there is none to compare with.
    """

    number: int | None
    at: float
    build: str
    outcome: str
    reason: str
    seconds: float
    record: str
    full: FullRecord | None
    changes: tuple[Change, ...] | None
    is_linked: bool


def happenings(archive: Archive, node: NodeName) -> Iterator[Happening]:
    """A node's history, latest first; each line costs the reading of a record."""
    shown = pairwise(chain(enumerate(showings(archive, node)), [(-1, None)]))
    results = (_result(archive, node, number, now, before) for (number, now), (_, before) in shown)
    return merge(results, _failures(archive, node), key=lambda one: -one.at)


def _result(
    archive: Archive, node: NodeName, number: int, now: Showing | None, before: Showing | None
) -> Happening:
    assert now is not None
    full = read(archive, now.record)
    earlier = None if before is None else read(archive, before.record)
    return Happening(
        number,
        now.since,
        now.build,
        now.outcome,
        now.reason,
        now.seconds if full is None else full.record.seconds,
        now.record,
        full,
        None if full is None or earlier is None else changes_between(archive, earlier, full),
        is_linked=number == 0 and shows(archive, node, now.record),
    )


def _failures(archive: Archive, node: NodeName) -> Iterator[Happening]:
    for build, line in lines_of(archive.root, node):
        if line.outcome == "failed":
            at = build.started + build.seconds
            yield Happening(
                None,
                at,
                build.build,
                line.outcome,
                line.reason,
                line.seconds,
                "",
                None,
                None,
                False,
            )


def changes_between(archive: Archive, old: FullRecord, new: FullRecord) -> tuple[Change, ...]:
    """What differs in what two results were made of: declared, then the packages that both were seen to use."""

    def tree(digest: Digest) -> Tree | None:
        try:
            return archive.store.read_tree(digest)
        except KeyError:
            return None

    declared = compare(manifest_of(old), manifest_of(new), tree)
    before, after = packages_of(old), packages_of(new)
    return (
        *declared,
        *(
            Change(Field.PACKAGE, name, before[name], after[name])
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        ),
    )


def manifest_of(full: FullRecord) -> JsonObject:
    """The pre-image of a result's key."""
    manifest = full.body.get("manifest")
    return manifest if isinstance(manifest, dict) else {}


def packages_of(full: FullRecord) -> dict[str, str]:
    """The packages that the run was seen to use, with their versions."""
    observed = full.record.observed
    seen = observed.get("python") if isinstance(observed, dict) else None
    told = (seen.get("uses") or seen.get("everything")) if isinstance(seen, dict) else None
    return {name: str(version) for name, version in told.items()} if isinstance(told, dict) else {}
