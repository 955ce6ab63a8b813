"""What a word for a past result stands for: a node, one of its earlier results, a pin, a hash.

A node's name wins over a pin's, a pin's over a hash. What is unknown or ambiguous is told with candidates.
"""

from __future__ import annotations

import posixpath
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fusionpipe.build.archive import Archive, maker, read, shows
from fusionpipe.build.past import Showing, showings
from fusionpipe.build.pins import is_pin_name, pin_named, pins
from fusionpipe.errors import UsageError
from fusionpipe.history import BuildLine, build_named, builds, nodes_of
from fusionpipe.model import NodeName
from fusionpipe.moments import FORMS, span_of
from fusionpipe.project import names_in
from fusionpipe.project.suggest import did_you_mean
from fusionpipe.workspace import Workspace
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
        node = _node(archive, earlier[1], here)
        if node is None:
            raise _unknown(archive, earlier[1], here)
        return _of_past(archive, ref, node, earlier[2].strip(), now())
    node = _node(archive, ref, here)
    if node is not None:
        return _of_node(archive, ref, node)
    pin = pin_named(archive, ref) if is_pin_name(ref) else None
    if pin is not None:
        return Found(ref, pin.full, _called(archive, pin.full), _hidden_hash(archive, ref, "pin"))
    found = _of_hash(archive, ref) if _HASH.fullmatch(ref) else None
    if found is not None:
        return found
    build = build_named(archive.root, ref)
    if build is not None:
        raise _is_a_build(archive, build)
    raise _unknown(archive, ref, here)


def is_known(archive: Archive, ref: str, here: str = "") -> bool:
    """Whether a ref names a node, a pin or a stored hash; a file of that name is not meant then.

    A node that has no result yet counts: its directory is not asked for as bytes.
    """
    return bool(
        _EARLIER.fullmatch(ref)
        or _node(archive, ref, here)
        or (is_pin_name(ref) and archive.store.read_root(f"pin-{ref}"))
        or (_HASH.fullmatch(ref) and archive.store.named(ref, 1))
        or _unbuilt(archive, ref, here)
    )


def node_named(archive: Archive, ref: str, here: str = "") -> NodeName:
    """The node of that name, whether or not it has a result. Raises UsageError."""
    node = _node(archive, ref, here)
    if node is not None:
        return node
    unbuilt = _unbuilt(archive, ref, here)
    if unbuilt is not None:
        return unbuilt
    nodes, _ = names_in(Workspace(archive.root, archive.state.memory, lambda _: False))
    known = [*nodes, *archive.state.names]
    raise UsageError(f"no node is called {ref}", did_you_mean(ref, known, "fp status lists them"))


def resolve_build(archive: Archive, ref: str) -> BuildLine:
    """The build that an id, or the beginning of one, names. Raises UsageError."""
    found = build_named(archive.root, ref)
    if found is None:
        latest = [build.build for build, _ in zip(builds(archive.root), range(_FEW), strict=False)]
        mend = f"the latest: {', '.join(latest)}" if latest else "nothing was built here yet"
        raise UsageError(f"no build is called {ref}", mend)
    return found


# -- nodes and their earlier results ------------------------------------------------------------
def _node(archive: Archive, ref: str, here: str) -> NodeName | None:
    """The node of that name with a result, or any trace of one: beside, or from the root."""
    names = set(archive.state.names)
    for name in _places(ref, here):
        if name in names:
            return NodeName(name)
    return None


def _unbuilt(archive: Archive, ref: str, here: str) -> NodeName | None:
    """The node of that name among those that lie in the project today, whether or not it has a result."""
    nodes, _ = names_in(Workspace(archive.root, archive.state.memory, lambda _: False))
    return next((NodeName(name) for name in _places(ref, here) if name in nodes), None)


def _places(ref: str, here: str) -> Iterator[str]:
    """Names a word may stand for: `clean`, `./clean`, `prep/clean/`, `/prep/clean`."""
    path = ref.strip()
    if here and path and not path.startswith("/"):
        yield posixpath.normpath(posixpath.join(here, path))
    if not here or not path.startswith("."):
        yield posixpath.normpath(path).lstrip("/")


def _of_node(archive: Archive, ref: str, node: NodeName) -> Found:
    row = archive.state.row(node)
    full = read(archive, row.record) if row.record else None
    if full is None:
        raise _no_result(archive, node)
    return Found(ref, full, node, _hidden_pin(archive, ref) or _hidden_hash(archive, ref, "node"))


def _no_result(archive: Archive, node: NodeName) -> UsageError:
    row = archive.state.row(node)
    if row.source:
        return UsageError(f"{node} is a source: its data are its own, nothing made them")
    last = next(showings(archive, node), None)
    what = "it failed before it had one" if row.failed_key else "none is linked"
    mend = f"fp build {node}"
    if last is not None:
        what = "none is linked now"
        mend += f"; {node}@{{0}} is the last it had, of {_local(last.since)}"
    return UsageError(f"{node} has no result: {what}", mend)


def _of_past(archive: Archive, ref: str, node: NodeName, which: str, now: float) -> Found:
    """What the node showed so many results ago, at a time, or after a build."""
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


# -- hashes -----------------------------------------------------------------------------------
def _of_hash(archive: Archive, ref: str) -> Found | None:
    fitting = {
        one: fulls
        for one in archive.store.named(ref)
        if (fulls := [full for id in _records_of(archive, one) if (full := read(archive, id))])
    }
    results = {full.record.id: full for fulls in fitting.values() for full in fulls}
    if not results:
        return None
    if len(results) > 1 and len(fitting) > 1:
        raise _is_ambiguous(archive, ref, {one: fulls[0] for one, fulls in fitting.items()})
    best = next(iter(results.values()))
    note = f"{len(results)} results fit {ref}: this is the first" if len(results) > 1 else ""
    return Found(ref, best, _called(archive, best), note)


def _is_ambiguous(archive: Archive, ref: str, fitting: Mapping[Named, FullRecord]) -> UsageError:
    lines = [
        f"{one.hash[:_SHOWN]}  a {one.kind} of {_called(archive, full) or 'nobody known'}, "
        f"{_local(full.record.made)}"
        for one, full in fitting.items()
    ]
    listed = "".join(f"\n    {line}" for line in lines[:_LISTED])
    more = f"\n    and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return UsageError(f"{ref} is ambiguous:{listed}{more}", "write more of the hash")


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
    if not _HASH.fullmatch(ref) or not archive.store.named(ref, 1):
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


def _unknown(archive: Archive, ref: str, here: str) -> UsageError:
    name = _unbuilt(archive, ref, here)
    if name is not None:
        return UsageError(f"{name} has no result yet", f"fp build {name}")
    nodes, _ = names_in(Workspace(archive.root, archive.state.memory, lambda _: False))
    known = [*nodes, *archive.state.names, *(pin.name for pin in pins(archive))]
    mend = did_you_mean(ref, known, "fp history tells what there was")
    return UsageError(f"nothing is called {ref or repr(ref)}: no node, pin or stored result", mend)


def _local(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
