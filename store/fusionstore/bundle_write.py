"""Writing a bundle: records of a store with all they need, every byte compared with its digest on the way.

What is written is what a reader accepts: it is looked at with the reader's eyes first. Equal results are
equal bytes, so nothing of here and now is in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from blake3 import blake3

from fusionstore.bundle import (
    LAST,
    MOST_MANIFEST,
    MOST_RECORD,
    MOST_RECORDS,
    TITLE,
    BadBundle,
    Manifest,
    Member,
    encode_manifest,
    header,
)
from fusionstore.bundle_limits import Survey, needed
from fusionstore.bundle_record import decode_strictly
from fusionstore.contract import Json, ResultStore
from fusionstore.copying import pieces
from fusionstore.digest import Digest, RecordId
from fusionstore.errors import Corrupt, StoreError
from fusionstore.records import Filed

Write = Callable[[bytes], object]


class Wanted(NamedTuple):
    """What is to be in a bundle."""

    records: Sequence[RecordId]
    trees: Sequence[Digest] = ()  # trees besides those of the records: what was read and never made
    has_data: bool = True  # with the files of the records' outputs
    about: Json = None  # for people who look into the file


class Written(NamedTuple):
    """A bundle was written."""

    digest: Digest
    manifest: Manifest


class CannotBundle(StoreError):
    """What is wanted is not all there, or too much for a bundle."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what, mend)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.what}\n  {self.mend}"


def write_bundle(store: ResultStore, wanted: Wanted, write: Write) -> Written:
    """Writes a bundle, piece by piece. Raises CannotBundle before the first, Corrupt in the midst of it."""
    try:
        gathered = _gather(store, wanted)
    except BadBundle as error:
        raise CannotBundle(
            f"this cannot be exported: {error.what}", "export less at once"
        ) from error
    out = _Out(write)
    out.put(TITLE)
    out.put(encode_manifest(gathered.manifest))
    for id, data in sorted(gathered.records.items()):
        out.member(Member.RECORD, id, len(data), [data])
    for digest, data in sorted(gathered.trees.items()):
        out.member(Member.TREE, digest, len(data), [data])
    for digest, (path, size) in sorted(gathered.blobs.items()):
        out.member(Member.BLOB, digest, size, _proven(path, digest, size))
    return Written(out.end(), gathered.manifest)


class _Gathered(NamedTuple):
    manifest: Manifest
    records: Mapping[RecordId, bytes]
    trees: Mapping[Digest, bytes]  # what no record frames
    blobs: Mapping[Digest, tuple[str, int]]


def _gather(store: ResultStore, wanted: Wanted) -> _Gathered:
    records = {id: store.record_file(id) for id in wanted.records}
    filed = [decode_strictly(data, id) for id, data in records.items()]
    framed = {digest: data for one in filed for digest, data in one.full.trees.items()}
    others = dict(_others(store, wanted, filed))
    trees = {digest: data for digest, data in others.items() if digest not in framed}
    _refuse_too_much([*records.values(), *trees.values()])
    manifest = Manifest(
        tuple(sorted(records)), tuple(sorted({*wanted.trees})), wanted.has_data, 0, 0, wanted.about
    )
    needs = needed(manifest, filed, Survey({**framed, **trees}))
    blobs = {Digest(name[:64]): _place(store, name) for name in needs}
    size = sum(size for _, size in blobs.values())
    manifest = manifest._replace(blobs=len(blobs), size=size)
    if len(encode_manifest(manifest)) > MOST_MANIFEST:
        raise BadBundle("its manifest is too long")
    return _Gathered(manifest, records, trees, blobs)


def _others(
    store: ResultStore, wanted: Wanted, filed: Sequence[Filed]
) -> Iterator[tuple[Digest, bytes]]:
    """The directories that are objects of their own, and those of trees that are wanted besides."""
    for one in filed:
        if one.spilled:
            trees = store.read_record(one.full.record.id).trees
            yield from ((digest, trees[digest]) for digest in one.spilled)
    for root in wanted.trees:
        yield from store.read_tree(root).directories.items()


def _refuse_too_much(held: Sequence[bytes]) -> None:
    if max(map(len, held), default=0) > MOST_RECORD or sum(map(len, held)) > MOST_RECORDS:
        raise BadBundle("it has too many names")


def _place(store: ResultStore, name: str) -> tuple[str, int]:
    digest = Digest(name[:64])
    try:
        path = store.object_path(digest, executable=name.endswith("x"))
    except KeyError:
        raise CannotBundle(
            f"the bytes of {digest[:12]} are not in the store any more",
            "`fp reproduce` brings a result's data back; `--no-data` exports what is needed to do so",
        ) from None
    return str(path), os.stat(path).st_size


def _proven(path: str, digest: Digest, size: int) -> Iterator[bytes]:
    hasher, read = blake3(), 0
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for data in pieces(fd):
            hasher.update(data)
            read += len(data)
            yield data
    finally:
        os.close(fd)
    if (hasher.hexdigest(), read) != (digest, size):
        raise Corrupt(
            path, "it does not hold the bytes its name promises: `fp verify --deep --repair`"
        )


class _Out:
    def __init__(self, write: Write) -> None:
        self._write = write
        self._hasher = blake3()

    def put(self, data: bytes) -> None:
        self._hasher.update(data)
        self._write(data)

    def member(
        self, member: Member, digest: str, length: int, parts: Sequence[bytes] | Iterator[bytes]
    ) -> None:
        self.put(header(member, digest, length))
        for data in parts:
            self.put(data)
        self.put(b"\n")

    def end(self) -> Digest:
        digest = self._hasher.hexdigest()
        self._write(LAST + digest.encode() + b"\n")
        return Digest(digest)
