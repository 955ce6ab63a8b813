"""Bundles: one file with results and all they need, to be carried to another store (FORMAT.md).

    fusionstore bundle 1
    manifest <length>          JSON for people and for the reader
    record <id> <length>       files of records, as they are, by id
    tree <digest> <length>     encodings of directories that no record frames, by digest
    blob <digest> <length>     files, by digest
    blake3 <digest>            of all before this line; nothing follows

Each of the four is a line of text, then so many bytes and a newline. The order is the only one, so equal
results are equal bundles, and a bundle can be written to a pipe and read from one. This file is what
writing (`bundle_write`) and reading (`bundle_read`) share; it touches no disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from fusionstore.contract import Brought, Json, JsonObject, Root
from fusionstore.digest import Digest, RecordId
from fusionstore.errors import StoreError
from fusionstore.tree import Kind, decode

TITLE = b"fusionstore bundle 1\n"
LAST = b"blake3 "
PIECE = 1 << 20
"""Files are carried in pieces of so many bytes: a bundle is never in memory."""

MOST_MANIFEST = 8 << 20
MOST_RECORD = 64 << 20
MOST_RECORDS = 256 << 20
"""Bytes: of a manifest, of one record or directory, of all of them. They are read into memory; files are not."""
LONGEST_LINE = 128


class BadBundle(StoreError):
    """A bundle was refused; nothing of it is stored."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"the bundle is refused, and nothing of it was stored: {self.what}"


class Member(StrEnum):
    """What a bundle holds, in this order."""

    RECORD = "record"
    TREE = "tree"
    BLOB = "blob"


class Manifest(NamedTuple):
    """A bundle's first member. `about` is for people and is believed by nobody."""

    records: tuple[RecordId, ...]
    trees: tuple[Digest, ...]  # roots of trees given besides those of the records
    has_data: bool  # whether the files of the records' outputs are there
    blobs: int
    size: int  # bytes of all blobs
    about: Json


class Arriving(NamedTuple):
    """What a sound bundle holds, read and compared with every digest, and not yet in any store."""

    manifest: Manifest
    brought: Brought  # its root has no body yet
    digest: Digest  # the bundle's own


def root_of(manifest: Manifest, digest: Digest, encodings: Mapping[Digest, bytes]) -> Root:
    """The root that keeps an imported bundle."""
    given = dict(_reachable(manifest.trees, encodings))
    return Root(f"import-{digest}", manifest.records, manifest.trees, given)


def _reachable(
    trees: Iterable[Digest], encodings: Mapping[Digest, bytes]
) -> Iterator[tuple[Digest, bytes]]:
    left, seen = list(trees), set[Digest]()
    while left:
        digest = left.pop()
        if digest not in seen:
            seen.add(digest)
            yield digest, encodings[digest]
            entries = decode(encodings[digest])
            left += (entry.digest for entry in entries if entry.kind is Kind.DIRECTORY)


class Source(Protocol):
    """What a bundle is read from."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self, size: int, /) -> bytes: ...


def header(member: Member, digest: str, length: int) -> bytes:
    """The line before a member."""
    return f"{member} {digest} {length}\n".encode()


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest with its line."""
    payload: JsonObject = {
        "about": manifest.about,
        "records": list(manifest.records),
        "trees": list(manifest.trees),
        "data": manifest.has_data,
        "blobs": manifest.blobs,
        "bytes": manifest.size,
    }
    text = json.dumps(payload, indent=1, sort_keys=True, allow_nan=False).encode()
    return b"manifest %d\n%s\n" % (len(text), text)
