"""What a word for a past result stands for: a node, one of its earlier results, a pin, a hash.

A node's name wins over a pin's, a pin's over a hash. What is unknown or ambiguous is told with candidates.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from fusionpipe.build.archive import Archive, maker, read, shows
from fusionpipe.build.naming import (
    group_named,
    imported_results,
    node_of_today,
    node_with_past,
    nothing_called,
)
from fusionpipe.build.past import Showing, showings
from fusionpipe.build.pins import is_pin_name, pin_named
from fusionpipe.errors import UsageError
from fusionpipe.history import BuildLine, build_named, builds, nodes_of
from fusionpipe.model import NodeName
from fusionpipe.moments import FORMS, span_of
from fusionstore.contract import FullRecord, Named, NamedAs
from fusionstore.digest import ActionKey, Digest, RecordId

_HASH = re.compile(r"[0-9a-f]{4,64}")
_EARLIER = re.compile(r"(.*)@\{(.*)\}", re.DOTALL)
_SHOWN = 12
_LISTED = 5
_FEW = 3


class Found(NamedTuple):
    """The result that a ref names. `node` is how this project calls it, else who made it."""

    ref: str
    full: FullRecord
    node: NodeName
    note: str = ""  # what else the ref could mean

    @property
    def id(self) -> RecordId:
        """Its record."""
        return self.full.record.id


def resolve(
    archive: Archive, ref: str, here: str = "", *, now: Callable[[], float] = time.time
) -> Found:
    """The result that a ref names, seen from `here` (below the root). Raises UsageError, StoreError."""
    earlier = _EARLIER.fullmatch(ref)
    if earlier is not None:
        node = node_with_past(archive, earlier[1], here)
        if node is None:
            raise nothing_called(archive, earlier[1], here)
        return _of_past(archive, ref, node, earlier[2].strip(), now())
    node = node_with_past(archive, ref, here)
    if node is not None:
        return _of_node(archive, ref, node)
    pin = pin_named(archive, ref) if is_pin_name(ref) else None
    if pin is not None:
        return Found(ref, pin.full, _called(archive, pin.full), _hidden_hash(archive, ref, "pin"))
    found = _of_hash(archive, ref) if is_hash(ref) else None
    if found is not None:
        return found
    build = build_named(archive.root, ref)
    if build is not None:
        raise _is_a_build(archive, build)
    imported = imported_results(archive, ref, here)
    if imported and node_of_today(archive, ref, here) is None:
        return _of_imports(archive, ref, imported)
    raise nothing_called(archive, ref, here)


def is_known(archive: Archive, ref: str, here: str = "") -> bool:
    """Whether a ref names a node, a group, a pin or a stored hash; a file of that name is not meant then.

    A node that has no result yet counts: its directory is not asked for as bytes.
    """
    return bool(
        _EARLIER.fullmatch(ref)
        or node_with_past(archive, ref, here)
        or (is_pin_name(ref) and archive.store.read_root(f"pin-{ref}"))
        or (is_hash(ref) and archive.store.named(ref, 1))
        or node_of_today(archive, ref, here)
        or group_named(archive, ref, here)
    )


def is_hash(text: str) -> bool:
    """Whether a hash may begin so."""
    return _HASH.fullmatch(text) is not None


def resolve_build(archive: Archive, ref: str) -> BuildLine:
    """The build that an id, or the beginning of one, names. Raises UsageError."""
    found = build_named(archive.root, ref)
    if found is None:
        latest = [build.build for build, _ in zip(builds(archive.root), range(_FEW), strict=False)]
        mend = f"the latest: {', '.join(latest)}" if latest else "nothing was built here yet"
        raise UsageError(f"no build is called {ref}", mend)
    return found


# -- nodes and their earlier results ------------------------------------------------------------
def _of_node(archive: Archive, ref: str, node: NodeName) -> Found:
    row = archive.state.row(node)
    full = read(archive, row.record) if row.record else None
    if full is None:
        raise _no_result(archive, node)
    return Found(ref, full, node, _hidden_pin(archive, ref) or _hidden_hash(archive, ref, "node"))


def _no_result(archive: Archive, node: NodeName) -> UsageError:
    row = archive.state.row(node)
    if row.source:
        return _is_a_source(node)
    last = next(showings(archive, node), None)
    what = "it failed before it had one" if row.failed_key else "none is linked"
    mend = f"fp build {node}"
    if last is not None:
        what = "none is linked now"
        mend += f"; {node}@{{0}} is the last it had, of {_local(last.since)}"
    return UsageError(f"{node} has no result: {what}", mend)


def _is_a_source(node: NodeName) -> UsageError:
    return UsageError(f"{node} is a source: its data are its own, nothing made them")


def _of_past(archive: Archive, ref: str, node: NodeName, which: str, now: float) -> Found:
    """What the node showed so many results ago, at a time, or after a build."""
    if archive.state.row(node).source and next(showings(archive, node), None) is None:
        raise _is_a_source(node)
    if which.isdigit():
        showing = _so_many_ago(archive, node, int(which))
    else:
        showing = _at_time(archive, node, _end_of(archive, node, which, now))
    full = read(archive, showing.record)
    if full is None:
        raise UsageError(
            f"{ref} was the record {showing.record[:_SHOWN]}, which is not in the store"
        )
    return Found(ref, full, node)


def _so_many_ago(archive: Archive, node: NodeName, count: int) -> Showing:
    known = 0
    for known, showing in enumerate(showings(archive, node)):
        if known == count:
            return showing
        known += 1
    what = f"{node} has no result {count} before its present one: {known} known"
    raise UsageError(what, f"fp history {node} lists them" if known else f"fp build {node}")


def _end_of(archive: Archive, node: NodeName, which: str, now: float) -> float:
    """The last moment that the words in the braces mean."""
    span = span_of(which, now)
    if span is not None:
        return span.end
    build = build_named(archive.root, which)
    if build is None:
        raise UsageError(
            f"{node}@{{{which}}}: that is no number, time or build",
            f"as in {node}@{{2}}, or a time: {FORMS}",
        )
    return build.started + build.seconds


def _at_time(archive: Archive, node: NodeName, at: float) -> Showing:
    first: Showing | None = None
    for showing in showings(archive, node):
        if showing.since <= at:
            return showing
        first = showing
    if first is None:
        raise UsageError(f"{node} never had a result here", f"fp build {node}")
    raise UsageError(f"{node} had no result yet then: its first is of {_local(first.since)}")


def _of_imports(archive: Archive, ref: str, imported: Sequence[FullRecord]) -> Found:
    """What is no node here, but was one where a bundle was made."""
    if len(imported) > 1:
        raise UsageError(
            f"{ref} is no node here, and of several results imported:"
            f"{_candidates(archive, {full.record.id[:_SHOWN]: full for full in imported})}",
            "name one by its hash",
        )
    (full,) = imported
    note = f"{ref} is no node here: the imported result of that name is meant"
    return Found(ref, full, maker(full), note)


# -- hashes -----------------------------------------------------------------------------------
def _of_hash(archive: Archive, ref: str) -> Found | None:
    fitting = {
        one: fulls
        for one in archive.store.named(ref)
        if (fulls := [full for id in _records_of(archive, one) if (full := read(archive, id))])
    }
    results = {full.record.id: full for fulls in fitting.values() for full in fulls}
    if not results:
        return _of_lost_key(archive, ref)
    if len(results) > 1 and len(fitting) > 1:
        raise _is_ambiguous(archive, ref, {one: fulls[0] for one, fulls in fitting.items()})
    best = next(iter(results.values()))
    note = f"{len(results)} results fit {ref}: this is the first" if len(results) > 1 else ""
    return Found(ref, best, _called(archive, best), note)


def _of_lost_key(archive: Archive, ref: str) -> Found | None:
    """By a key of which all results were given up: the store knows them by record only, the journal by both."""
    lines = (line for build in builds(archive.root) for line in nodes_of(archive.root, build.build))
    ids = dict.fromkeys(one.record for one in lines if one.record and one.key.startswith(ref))
    fulls = {id: full for id in ids if (full := read(archive, id)) is not None}
    keys = {full.record.key for full in fulls.values()}
    if len(keys) > 1:
        told = {f"{full.record.key[:_SHOWN]}  a key": full for full in fulls.values()}
        raise UsageError(
            f"{ref} is ambiguous:{_candidates(archive, told)}", "write more of the hash"
        )
    full = next(iter(fulls.values()), None)
    return None if full is None else Found(ref, full, _called(archive, full))


def _is_ambiguous(archive: Archive, ref: str, fitting: Mapping[Named, FullRecord]) -> UsageError:
    told = {f"{one.hash[:_SHOWN]}  a {one.kind}": full for one, full in fitting.items()}
    return UsageError(f"{ref} is ambiguous:{_candidates(archive, told)}", "write more of the hash")


def _candidates(archive: Archive, told: Mapping[str, FullRecord]) -> str:
    """A line for each of the first, by what it is called."""
    listed = "".join(
        f"\n    {what} of {_called(archive, full) or 'nobody known'}, {_local(full.record.made)}"
        for what, full in islice(told.items(), _LISTED)
    )
    more = f"\n    and {len(told) - _LISTED} more" if len(told) > _LISTED else ""
    return listed + more


def _records_of(archive: Archive, one: Named) -> Sequence[RecordId]:
    """The records behind a hash: of a key the realisation first, of a tree those whose output it is."""
    match one.kind:
        case NamedAs.RECORD:
            return [RecordId(one.hash)]
        case NamedAs.KEY:
            return [record.id for record in archive.store.records(ActionKey(one.hash))]
        case NamedAs.TREE:
            holders = archive.store.holders(Digest(one.hash))
            fulls = [full for id in holders if (full := read(archive, id)) is not None]
            makers = [f for f in fulls if one.hash in f.record.slots.values()]
            return [full.record.id for full in sorted(makers or fulls, key=_made)]


def _made(full: FullRecord) -> float:
    return full.record.made


def _called(archive: Archive, full: FullRecord) -> NodeName:
    """How this project calls the node that shows a result now; else who made it."""
    for name in archive.state.names:
        if shows(archive, name, full.record.id):
            return name
    return maker(full)


# -- what is not there, or is two things ------------------------------------------------------
def _hidden_pin(archive: Archive, ref: str) -> str:
    is_pin = is_pin_name(ref) and pin_named(archive, ref) is not None
    return f"{ref} is a pin too: the node is meant" if is_pin else ""


def _hidden_hash(archive: Archive, ref: str, kind: str) -> str:
    if not is_hash(ref) or not archive.store.named(ref, 1):
        return ""
    return f"{ref} begins a hash too: the {kind} is meant"


def _is_a_build(archive: Archive, build: BuildLine) -> UsageError:
    lines = [line for line in nodes_of(archive.root, build.build) if line.record]
    if not lines:
        return UsageError(f"{build.build} is a build, and it made no result", "name a node")
    names = ", ".join(line.node for line in lines[:_LISTED])
    more = f" and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return UsageError(
        f"{build.build} is a build, not a result: it ran or restored {names}{more}",
        f"name a node as it left it: {lines[0].node}@{{{build.build}}}",
    )


def _local(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
