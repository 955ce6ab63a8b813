"""Reading a bundle that anybody may have made: all of it is looked at before any of it is believed.

Files go into a private directory as they come; records and directories are held in memory, within
limits. No length is believed: bytes are taken as they come, until the length is reached or they end. What is
given back is sound in itself; whether a key belongs to what a record says is for `check` to say.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import cast

from blake3 import blake3

from fusionstore.bundle import (
    LAST,
    LONGEST_LINE,
    MOST_MANIFEST,
    MOST_RECORD,
    MOST_RECORDS,
    PIECE,
    TITLE,
    Arriving,
    BadBundle,
    Manifest,
    Member,
    Source,
    encode_manifest,
    root_of,
)
from fusionstore.bundle_limits import Survey, all_roots, needed
from fusionstore.bundle_record import decode_strictly, is_digest, sorted_digests
from fusionstore.contract import Brought, FullRecord, JsonObject
from fusionstore.copying import create
from fusionstore.digest import Digest, RecordId
from fusionstore.durable import DiskErrors, write_all
from fusionstore.records import Filed

Check = Callable[[FullRecord], str | None]
"""What is wrong with a record, in the eyes of who knows what it means."""


def read_bundle(
    source: Source, directory: Path, check: Check, is_stored: Callable[[str], bool]
) -> Arriving:
    """A sound bundle. Raises BadBundle, DiskFull; `directory` then holds what is to be thrown away.

    A file for whose blob name `is_stored` says True is compared, but not written.
    """
    return _Reading(source, directory, check, is_stored).all()


class _Reading:
    """One bundle being read."""

    def __init__(
        self, source: Source, directory: Path, check: Check, is_stored: Callable[[str], bool]
    ) -> None:
        self._source = source
        self._directory = directory
        self._disk_errors = DiskErrors(str(directory))
        self._check = check
        self._is_stored = is_stored
        self._hasher = blake3()
        self._held = 0
        self._line = b""  # the line ahead
        self._files: dict[str, Path] = {}

    def all(self) -> Arriving:
        if self._read_line() != TITLE:
            raise BadBundle(f"it does not start with {TITLE.decode().strip()!r}")
        manifest = self._manifest()
        records: dict[RecordId, bytes] = {}
        filed: list[Filed] = []
        encodings: dict[Digest, bytes] = {}
        for id, data in self._held_members(Member.RECORD, manifest.records):
            one = decode_strictly(data, RecordId(id))
            complaint = self._check(one.full)
            if complaint:
                raise BadBundle(f"the record {id[:12]} {complaint}")
            records[RecordId(id)] = data
            filed.append(one)
            encodings.update(one.full.trees)
        framed = set(encodings)
        for digest, data in self._held_members(Member.TREE, None):
            if digest in framed:
                raise BadBundle(f"the directory {digest[:12]} is there twice")
            encodings[Digest(digest)] = data
        survey = Survey(encodings)
        needs = needed(manifest, filed, survey)
        if survey.directories(all_roots(manifest, filed)) != set(encodings):
            raise BadBundle("it holds directories that nothing names")
        self._blobs(manifest, needs)
        digest = self._end()
        spilled = frozenset(digest for one in filed for digest in one.spilled)
        root = root_of(manifest, digest, encodings)
        brought = Brought(records, encodings, spilled, self._files, frozenset(needs), root)
        return Arriving(manifest, brought, digest)

    # -- members ----------------------------------------------------------------------------
    def _manifest(self) -> Manifest:
        words = self._read_line().split()
        if len(words) != 2 or words[0] != b"manifest":
            raise BadBundle("it has no manifest")
        line_and_text = b"manifest %s\n" % words[1]
        text = self._hold(_number(words[1]), MOST_MANIFEST)
        line_and_text += text
        self._newline()
        manifest = _decode_manifest(text)
        if encode_manifest(manifest) != line_and_text + b"\n":
            raise BadBundle("its manifest is not written as manifests are")
        self._next()
        return manifest

    def _held_members(
        self, member: Member, expected: Collection[str] | None
    ) -> list[tuple[str, bytes]]:
        """All members of a kind, in their order; those `expected` and no others."""
        found: list[tuple[str, bytes]] = []
        while (at := self._member(member)) is not None:
            digest, length = at
            if found and digest <= found[-1][0]:
                raise BadBundle(f"the {member} {digest[:12]} is there twice, or out of order")
            data = self._hold(length, MOST_RECORD)
            self._newline()
            found.append((digest, data))
            self._next()
        if expected is not None and [digest for digest, _ in found] != list(expected):
            raise BadBundle(f"it does not hold the {member}s that its manifest names")
        return found

    def _blobs(self, manifest: Manifest, needs: Mapping[str, int | None]) -> None:
        names = {name[:64]: name for name in needs}
        total = 0
        for digest in sorted(names):
            at = self._member(Member.BLOB)
            if at is None or at[0] != digest:
                raise BadBundle(f"the file {digest[:12]} is missing, out of order, or not needed")
            if needs[names[digest]] not in (None, at[1]):
                raise BadBundle(f"the file {digest[:12]} has another size than its tree says")
            self._blob(names[digest], at[1])
            self._newline()
            self._next()
            total += at[1]
        if (len(names), total) != (manifest.blobs, manifest.size):
            raise BadBundle("its manifest counts other files than it holds")

    def _blob(self, name: str, length: int) -> None:
        hasher = blake3()
        if self._is_stored(name):
            for data in self._pieces(length):
                hasher.update(data)
        else:
            path = self._directory / str(len(self._files))
            with self._disk_errors:
                out = create(str(path), 0o555 if name.endswith("x") else 0o444)
            try:
                for data in self._pieces(length):
                    hasher.update(data)
                    with self._disk_errors:
                        write_all(out, data)
            finally:
                os.close(out)
            self._files[name] = path
        if hasher.hexdigest() != name[:64]:
            raise BadBundle(f"the file {name[:12]} is not what its digest says")

    def _end(self) -> Digest:
        digest = self._hasher.hexdigest()
        if self._line.startswith(tuple(member.encode() for member in Member)):
            raise BadBundle("it holds more than its records name")
        if self._line != LAST + digest.encode() + b"\n":
            raise BadBundle("it is torn or altered (its last line does not match)")
        if self._source.read(1):
            raise BadBundle("something follows after its end")
        return Digest(digest)

    # -- bytes ------------------------------------------------------------------------------
    def _member(self, member: Member) -> tuple[str, int] | None:
        """The digest and the length of the member ahead, if it is of this kind."""
        words = self._line.split()
        if len(words) != 3 or words[0] != member.encode():
            return None
        self._hasher.update(self._line)
        digest = words[1].decode("ascii", "replace")
        if not is_digest(digest) or self._line != b" ".join(words) + b"\n":
            raise BadBundle("a line before a member is not as such lines are")
        return digest, _number(words[2])

    def _read_line(self) -> bytes:
        line = self._source.readline(LONGEST_LINE)
        self._hasher.update(line)
        return line

    def _next(self) -> None:
        """Reads the line ahead; it is hashed once it is known not to be the last."""
        self._line = self._source.readline(LONGEST_LINE)

    def _newline(self) -> None:
        if b"".join(self._pieces(1)) != b"\n":
            raise BadBundle("a member is longer than its line says")

    def _hold(self, length: int, most: int) -> bytes:
        self._held += length
        if length > most or self._held > MOST_RECORDS + MOST_MANIFEST:
            raise BadBundle("its records are too large to be read")
        return b"".join(self._pieces(length))

    def _pieces(self, length: int) -> _Pieces:
        return _Pieces(self._source, self._hasher, length)


class _Pieces:
    """So many bytes of a source, as they come. Raises BadBundle where they end too soon."""

    def __init__(self, source: Source, hasher: blake3, length: int) -> None:
        self._source = source
        self._hasher = hasher
        self._left = length

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> bytes:
        if not self._left:
            raise StopIteration
        data = self._source.read(min(self._left, PIECE))
        if not data:
            raise BadBundle("it is torn: it ends too soon")
        self._left -= len(data)
        self._hasher.update(data)
        return data


def _number(text: bytes) -> int:
    """Raises BadBundle unless written in the one way."""
    if not text.isdigit() or len(text) > 19 or (text[:1] == b"0" and text != b"0"):
        raise BadBundle("a length that is no number")
    return int(text)


def _decode_manifest(text: bytes) -> Manifest:
    try:
        payload = cast(JsonObject, json.loads(text.decode("ascii")))
        blobs, size, has_data = payload["blobs"], payload["bytes"], payload["data"]
        if (
            not isinstance(blobs, int)
            or not isinstance(size, int)
            or not isinstance(has_data, bool)
        ):
            raise ValueError("counts that are none")
        return Manifest(
            tuple(map(RecordId, sorted_digests(payload["records"]))),
            tuple(map(Digest, sorted_digests(payload["trees"]))),
            has_data,
            blobs,
            size,
            payload["about"],
        )
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise BadBundle(f"its manifest cannot be read: {error}") from error
