"""Taking results out of a project's store as one file, and bringing such a file in.

What is imported answers refs and is no hit for a build: a digest cannot prove that a key gives a tree. Its
root says who brought it in, when, and from which file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from fusionpipe.build.archive import Archive, BytesGone, maker, read, refuse_gone
from fusionpipe.build.foreign import complaint
from fusionpipe.build.record import Maker
from fusionpipe.errors import UsageError
from fusionstore.bundle import BadBundle, Manifest, Source
from fusionstore.bundle_read import read_bundle
from fusionstore.bundle_write import CannotBundle, Wanted, write_bundle
from fusionstore.contract import FullRecord, Json, JsonObject, NotTrusted, Record, Standing
from fusionstore.digest import Digest, RecordId
from fusionstore.errors import Corrupt
from fusionstore.store import Store

_PREFERRED = (Standing.REALISATION, Standing.ASSERTED, Standing.IMPORTED, Standing.DISAGREES)


# -- out ------------------------------------------------------------------------------------------
class Missing(NamedTuple):
    """Something that a result was made from and no store has: a source, or what was collected."""

    read_by: str
    alias: str
    digest: Digest


class Lineage(NamedTuple):
    """A result with what it was made from, as far as that is stored."""

    records: tuple[FullRecord, ...]
    trees: tuple[Digest, ...]  # of sources that are kept in the store
    missing: tuple[Missing, ...]


class Exported(NamedTuple):
    """A bundle was written."""

    manifest: Manifest
    missing: tuple[Missing, ...]


def lineage(archive: Archive, full: FullRecord) -> Lineage:
    """A result and all its ancestors."""
    found = {full.record.id: full}
    trees: dict[Digest, None] = {}
    missing: list[Missing] = []
    kept = {tree for root in archive.store.roots() for tree in root.trees}
    left = [full]
    while left:
        child = left.pop()
        for alias, digest in parents_of(child):
            parent = _made(archive, digest)
            if parent is None:
                if digest in kept:
                    trees[digest] = None
                else:
                    missing.append(Missing(maker(child), alias, digest))
            elif parent.record.id not in found:
                found[parent.record.id] = parent
                left.append(parent)
    return Lineage(tuple(found.values()), tuple(trees), tuple(sorted(set(missing))))


def parents_of(full: FullRecord) -> Iterator[tuple[str, Digest]]:
    """What a result read: (alias, or alias/member, data digest)."""
    manifest = full.body.get("manifest")
    parents = manifest.get("parents") if isinstance(manifest, dict) else None
    for alias, members in parents.items() if isinstance(parents, dict) else ():
        for member, digest in members.items() if isinstance(members, dict) else ():
            yield f"{alias}/{member}" if member else alias, Digest(str(digest))


def export(
    archive: Archive, full: FullRecord, target: Path | BinaryIO, *, deep: bool, data: bool
) -> Exported:
    """Writes a bundle to a file, all of it or none, or to a stream. Raises BytesGone, StoreError, OSError."""
    told = lineage(archive, full) if deep else Lineage((full,), (), ())
    for one in told.records:
        wrong = complaint(one)  # what no import would take
        if wrong:
            raise CannotBundle(
                f"the record {one.record.id[:12]} {wrong}", "it was not made by a build"
            )
        if data:
            refuse_gone(archive, one)
    ids = [one.record.id for one in told.records]
    wanted = Wanted(ids, told.trees, data, _about(full, told))
    try:
        if isinstance(target, Path):
            manifest = _write_file(archive.store, wanted, target)
        else:
            manifest = write_bundle(archive.store, wanted, target.write).manifest
    except CannotBundle as error:
        if isinstance(error.__cause__, BadBundle):  # too much of it
            raise
        raise BytesGone(full, "some are not stored any more") from error
    return Exported(manifest, told.missing)


def _made(archive: Archive, data: Digest) -> FullRecord | None:
    """The record that gave these data: of several the one that stands best, then the first made."""
    fulls = [full for id in archive.store.holders(data) if (full := read(archive, id)) is not None]
    made = [full for full in fulls if full.record.slots.get("data") == data]
    return min(made, key=_standing_first, default=None)


def _standing_first(full: FullRecord) -> tuple[int, float, str]:
    return _PREFERRED.index(full.record.standing), full.record.made, full.record.id


def _about(full: FullRecord, told: Lineage) -> Json:
    """For who looks into the file: no time or place of the export, so that equal results are equal files."""
    results: list[Json] = [
        {"node": maker(one), "record": one.record.id, "key": one.record.key}
        for one in sorted(told.records, key=lambda one: one.record.id)
    ]
    missing: list[Json] = [[one.read_by, one.alias, one.digest] for one in told.missing]
    return {"result": full.record.id, "results": results, "not stored": missing}


def _write_file(store: Store, wanted: Wanted, target: Path) -> Manifest:
    """Under another name first, so that whoever sees the file sees all of it."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(temporary, "xb") as file:
            written = write_bundle(store, wanted, file.write)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return written.manifest


# -- in -------------------------------------------------------------------------------------------
class Import(NamedTuple):
    """How a bundle is to be brought in."""

    file: str  # what the user called it
    trust: bool
    maker: Maker


class Imported(NamedTuple):
    """A bundle is in the store."""

    root: str
    manifest: Manifest
    new: Sequence[Record]
    trusted: Sequence[Record]
    refused: Sequence[NotTrusted]  # imported, and not trusted though that was asked
    fulls: Sequence[FullRecord]


def bring_in(store: Store, source: Source, how: Import) -> Imported:
    """Brings a bundle in, all of it or nothing. Raises BadBundle, StoreError."""
    scratch = store.scratch()
    try:
        arriving = read_bundle(source, scratch, complaint, lambda name: _is_stored(store, name))
        root = arriving.brought.root
        known = store.read_root(root.name)
        body = _body(how, arriving.manifest, {} if known is None else known.body)
        new = store.bring_in(arriving.brought._replace(root=root._replace(body=body)))
    finally:
        store.trash(scratch)
        store.empty_trash()
    ids = arriving.manifest.records
    tried = [store.trust(id) for id in ids] if how.trust else []
    trusted = [one for one in tried if isinstance(one, Record)]
    refused = [one for one in tried if isinstance(one, NotTrusted)]
    fulls = [store.read_record(RecordId(id)) for id in ids]
    return Imported(root.name, arriving.manifest, new, trusted, refused, fulls)


def open_bundle(path: Path) -> BinaryIO:
    """A bundle's file. Raises UsageError."""
    try:
        return open(path, "rb")  # the caller's to close
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(f"{path}: {os.strerror(error.errno or 0)}") from error


def _is_stored(store: Store, name: str) -> bool:
    try:
        store.object_path(Digest(name[:64]), executable=name.endswith("x"))
    except (KeyError, Corrupt):
        return False
    return True


def _body(how: Import, manifest: Manifest, known: Mapping[str, Json]) -> JsonObject:
    """Who brought it in first, when and from where; that it is to be trusted is never taken back."""
    first: JsonObject = {
        "user": how.maker.user,
        "host": how.maker.host,
        "made": time.time(),
        "file": how.file,
        "data": manifest.has_data,
    }
    return {**first, **known, "trusted": how.trust or known.get("trusted") is True}
