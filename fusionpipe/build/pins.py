"""Pins: results with a name, which no clean-up takes. Each is a root of the store, a file of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fusionpipe.build.archive import Archive, maker, read
from fusionpipe.build.record import Maker
from fusionpipe.errors import UsageError
from fusionpipe.model import NodeName
from fusionpipe.project.suggest import did_you_mean
from fusionstore.contract import FullRecord, JsonObject, Root
from fusionstore.store import Store

_PREFIX = "pin-"
_IMPORT = "import-"
_TOLD = len(_IMPORT) + 12  # characters of an import's name that people are told
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


class Pin(NamedTuple):
    """A named result: who named it, and when (seconds since the epoch)."""

    name: str
    record: str
    node: NodeName
    user: str
    host: str
    at: float
    note: str


class PinnedResult(NamedTuple):
    """A pin with what it names."""

    pin: Pin
    full: FullRecord


def is_pin_name(text: str) -> bool:
    """Whether a pin may be called so: letters, digits, `.`, `_`, `+` and `-`."""
    return _NAME.fullmatch(text) is not None


def pins(archive: Archive) -> Iterator[Pin]:
    """All pins of the store, by name. Raises Corrupt."""
    for root in archive.store.roots(_PREFIX):
        if root.records:
            yield _pin(root)


def pinned_as(store: Store) -> dict[str, str]:
    """By record, the names it is pinned as, with commas. Reads the pins alone. Raises Corrupt."""
    names: dict[str, list[str]] = {}
    for root in store.roots(_PREFIX):
        for record in root.records:
            names.setdefault(record, []).append(root.name.removeprefix(_PREFIX))
    return {record: ", ".join(told) for record, told in names.items()}


def is_import_name(text: str) -> bool:
    """Whether what keeps an import may be called so."""
    return text.startswith(_IMPORT)


def roots_of_imports(archive: Archive) -> Sequence[Root]:
    """What keeps imported bundles, as the store has it. Raises Corrupt."""
    return archive.store.roots(_IMPORT)


def imports(archive: Archive) -> Iterator[Pin]:
    """What keeps imported bundles: as pins, named as `fp import` told. Raises Corrupt."""
    for root in roots_of_imports(archive):
        first = read(archive, next(iter(root.records), ""))
        more = len(root.records) - 1
        others = f" and {more} more" if more > 0 else ""
        told = _pin(root)._replace(
            name=root.name[:_TOLD], note=f"from {root.body.get('file')}{others}"
        )
        yield told if first is None else told._replace(node=maker(first))


def pin_named(archive: Archive, name: str) -> PinnedResult | None:
    """A pin by name, None if there is none. Raises UsageError if its record cannot be read."""
    root = archive.store.read_root(_PREFIX + name)
    if root is None or not root.records:
        return None
    pin = _pin(root)
    full = read(archive, pin.record)
    if full is None:
        raise UsageError(
            f"the record that {name} pins cannot be read: {pin.record[:12]}, of {pin.node}",
            f"fp verify tells more; fp unpin {name} forgets it",
        )
    return PinnedResult(pin, full)


def pin(
    archive: Archive, name: str, full: FullRecord, node: NodeName, note: str, *, is_forced: bool
) -> Pin | None:
    """Gives a result a name; the pin it replaces, if it is another's. Raises UsageError, StoreError.

    Durable when it returns; a crash leaves the pin there was, or the new one.
    """
    _check_name(name)
    before = archive.store.read_root(_PREFIX + name)
    was = None if before is None or not before.records else _pin(before)
    if was is not None and was.record != full.record.id and not is_forced:
        raise UsageError(
            f"{name} is pinned already: {was.record[:12]}, of {was.node}",
            f"fp pin -f moves it; fp unpin {name} forgets it",
        )
    who = Maker.of_this_process(archive.ambient)
    body: JsonObject = {
        "node": node,
        "user": who.user,
        "host": who.host,
        "at": time.time(),
        "note": note or (was.note if was is not None and was.record == full.record.id else ""),
    }
    archive.store.write_root(Root(_PREFIX + name, records=(full.record.id,), body=body))
    return was if was is not None and was.record != full.record.id else None


def unpin(archive: Archive, name: str) -> Pin:
    """Forgets a pin; its result stays until a clean-up takes it. Raises UsageError, StoreError."""
    root = archive.store.read_root(_PREFIX + name) if is_pin_name(name) else None
    if root is None and name.startswith(_IMPORT) and len(name) >= _TOLD:
        root = next(iter(archive.store.roots(name)), None)
    if root is None:
        names = [one.name for one in pins(archive)]
        raise UsageError(
            f"nothing is pinned as {name}", did_you_mean(name, names, "fp pins lists them")
        )
    archive.store.delete_root(root.name)
    return _pin(root)


def _check_name(name: str) -> None:
    if not is_pin_name(name):
        raise UsageError(
            f"{name!r} cannot be a pin's name",
            "letters, digits, . _ + and -, beginning with a letter or a digit",
        )


def _pin(root: Root) -> Pin:
    body = root.body
    at = body.get("at", body.get("made"))
    return Pin(
        root.name.removeprefix(_PREFIX),
        str(next(iter(root.records), "")),
        NodeName(str(body.get("node") or "")),
        user=str(body.get("user") or ""),
        host=str(body.get("host") or ""),
        at=float(at) if isinstance(at, int | float) else 0.0,
        note=str(body.get("note") or ""),
    )
