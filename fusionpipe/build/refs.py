"""What a word for a past result stands for: a node, a hash, a pin. Unknown and ambiguous ones are explained."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from fusionpipe.build.archive import Archive
from fusionpipe.errors import UsageError
from fusionpipe.model import NodeName
from fusionstore.contract import FullRecord, Named, NamedAs
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.errors import Corrupt

_HASH = re.compile(r"[0-9a-f]{4,64}")
_SHOWN = 12
_LISTED = 5


class Found(NamedTuple):
    """The result that a ref names. `node` is how this project calls it, else who made it."""

    ref: str
    full: FullRecord
    node: NodeName

    @property
    def id(self) -> RecordId:
        """Its record."""
        return self.full.record.id


def resolve(archive: Archive, ref: str, here: str = "") -> Found:
    """The result that a ref names, seen from `here` (below the root). Raises UsageError, StoreError."""
    node = _node(archive, ref, here)
    if node is not None:
        return _of_node(archive, ref, node)
    if _HASH.fullmatch(ref):
        return _of_hash(archive, ref)
    raise _unknown(archive, ref)


def read(archive: Archive, id: str) -> FullRecord | None:
    """A record, None if it cannot be read any more."""
    try:
        return archive.store.read_record(RecordId(id))
    except (KeyError, Corrupt):
        return None


def maker(full: FullRecord) -> NodeName:
    """The node that made a result, as it was called then."""
    node = full.body.get("node")
    return NodeName(node if isinstance(node, str) else "")


def _node(archive: Archive, ref: str, here: str) -> NodeName | None:
    """The node of that name with a result, or any trace of one: beside, or from the root."""
    names = set(archive.state.names)
    seen = [f"{here}/{ref}"] if here and not ref.startswith("/") else []
    for name in (*seen, ref.removeprefix("/")):
        if name in names:
            return NodeName(name)
    return None


def _of_node(archive: Archive, ref: str, node: NodeName) -> Found:
    row = archive.state.row(node)
    full = read(archive, row.record) if row.record else None
    if full is None:
        what = "it failed before it had one" if row.failed_key else "none is linked"
        raise UsageError(f"{node} has no result: {what}", f"fp build {node}")
    return Found(ref, full, node)


def _of_hash(archive: Archive, ref: str) -> Found:
    named = archive.store.named(ref)
    ids = list(dict.fromkeys(id for one in named for id in _records_of(archive, one)))
    fulls = [full for id in ids if (full := read(archive, id)) is not None]
    if not fulls:
        raise _unknown(archive, ref)
    whole = {one.hash for one in named}
    if len(fulls) > 1 and len(whole) > 1:
        listed = "; ".join(_described(full) for full in fulls[:_LISTED])
        more = f" and {len(fulls) - _LISTED} more" if len(fulls) > _LISTED else ""
        raise UsageError(f"{ref} is ambiguous: {listed}{more}", "write more of the hash")
    best = fulls[0]
    return Found(ref, best, _called(archive, best))


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
            makers = [f.record.id for f in fulls if one.hash in f.record.slots.values()]
            return makers or list(holders)


def _called(archive: Archive, full: FullRecord) -> NodeName:
    """How this project calls the node that shows a result now; else who made it."""
    for name in archive.state.names:
        if archive.state.record(name) == full.record.id:
            return name
    return maker(full)


def _described(full: FullRecord) -> str:
    return f"{full.record.id[:_SHOWN]} of {maker(full) or 'nobody known'}"


def _unknown(archive: Archive, ref: str) -> UsageError:
    close = get_close_matches(ref, archive.state.names, n=3)
    mend = f"did you mean {' or '.join(close)}?" if close else "fp history tells what there was"
    return UsageError(f"nothing is called {ref}: no node, pin or stored result", mend)
