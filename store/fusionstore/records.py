"""The file format of records and roots: text one can read, then framed bytes, then a digest.

FORMAT.md is the contract. A sheet is: a title line, one line of canonical JSON, the framed blobs, and
a last line with the BLAKE3 of all before it, so that a torn file is known as one. Nothing here touches
the disk.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import NamedTuple, cast

from blake3 import blake3

from fusionstore.contract import Draft, FullRecord, Json, JsonObject, Record, Root, Standing
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.errors import Corrupt

RECORD_TITLE = b"fusionstore record 1\n"
ROOT_TITLE = b"fusionstore root 1\n"
SPILL_FROM = 16 * 1024
"""A directory's encoding longer than this is an object of its own, not part of the record."""

_FRAME = struct.Struct(">32sI")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_LAST_LINE = len(b"blake3 ") + 64 + 1


def canonical(value: Json) -> str:
    """The one JSON text of a value: sorted keys, no spaces, ASCII. Equal texts are equal values."""
    return _CANONICAL.encode(value)


class Sheet(NamedTuple):
    """A file of this format, read."""

    digest: str
    payload: JsonObject
    blobs: Mapping[Digest, bytes]


def encode_sheet(title: bytes, payload: JsonObject, blobs: Mapping[Digest, bytes]) -> bytes:
    """The bytes of a sheet. Blobs are framed in the order of their digests."""
    parts = [title, canonical(payload).encode(), b"\n"]
    for digest in sorted(blobs):
        data = blobs[digest]
        parts += (_FRAME.pack(bytes.fromhex(digest), len(data)), data)
    parts.append(b"\n")
    body = b"".join(parts)
    return body + f"blake3 {blake3(body).hexdigest()}\n".encode()


def decode_sheet(title: bytes, data: bytes, where: str) -> Sheet:
    """A sheet from its bytes. Raises Corrupt, naming `where`, unless every byte is as written."""
    body, last = data[:-_LAST_LINE], data[-_LAST_LINE:]
    digest = blake3(body).hexdigest()
    if not data.startswith(title):
        raise Corrupt(where, f"it does not start with {title.decode().strip()!r}")
    if last != f"blake3 {digest}\n".encode():
        raise Corrupt(where, "it is torn or altered (its last line does not match)")
    end = body.index(b"\n", len(title))
    payload = json.loads(body[len(title) : end].decode())  # of bytes it would guess the encoding
    blobs: dict[Digest, bytes] = {}
    at = end + 1
    while at < len(body) - 1:
        raw, length = _FRAME.unpack_from(body, at)
        at += _FRAME.size
        blobs[Digest(raw.hex())] = body[at : at + length]
        at += length
    return Sheet(digest, payload, blobs)


def encode_record(draft: Draft, standing: Standing) -> bytes:
    """The action file of a draft."""
    directories = _directories(draft)
    spilled = sorted(digest for digest, data in directories.items() if len(data) > SPILL_FROM)
    payload: JsonObject = {
        "key": draft.key,
        "slots": {name: tree.root for name, tree in draft.slots.items()},
        "keeps": {name: tree.root for name, tree in draft.keeps.items()},
        "log": draft.log,
        "observed": draft.observed,
        "standing": str(standing),
        "body": draft.body,
        "spilled": cast(list[Json], spilled),
    }
    inlined = {digest: data for digest, data in directories.items() if len(data) <= SPILL_FROM}
    return encode_sheet(RECORD_TITLE, payload, inlined)


def spilled_directories(draft: Draft) -> dict[Digest, bytes]:
    """The directory encodings too long for the record: each must be an object before it is written."""
    return {
        digest: data
        for tree in (*draft.slots.values(), *draft.keeps.values())
        for digest, data in tree.directories.items()
        if len(data) > SPILL_FROM
    }


class Filed(NamedTuple):
    """A record as its action file tells it; `spilled` names the encodings that are objects."""

    full: FullRecord
    spilled: tuple[Digest, ...]


def decode_record(data: bytes, where: str) -> Filed:
    """A record from its action file. Raises Corrupt."""
    sheet = decode_sheet(RECORD_TITLE, data, where)
    try:
        payload = sheet.payload
        record = Record(
            id=RecordId(sheet.digest),
            key=ActionKey(cast(str, payload["key"])),
            slots=cast(dict[str, Digest], payload["slots"]),
            log=cast("Digest | None", payload["log"]),
            observed=payload["observed"],
            standing=Standing(cast(str, payload["standing"])),
            seconds=body_number(cast(JsonObject, payload["body"]), "seconds"),
            made=body_number(cast(JsonObject, payload["body"]), "made"),
        )
        keeps = cast(dict[str, Digest], payload["keeps"])
        spilled = tuple(cast(list[Digest], payload["spilled"]))
        return Filed(
            FullRecord(record, keeps, cast(JsonObject, payload["body"]), sheet.blobs), spilled
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Corrupt(where, f"a field is missing or wrong: {error}") from error


def encode_root(root: Root) -> bytes:
    """The file of a root."""
    payload: JsonObject = {
        "name": root.name,
        "records": list(root.records),
        "trees": list(root.trees),
        "body": root.body,
    }
    return encode_sheet(ROOT_TITLE, payload, root.encodings)


def decode_root(data: bytes, where: str) -> Root:
    """A root from its file. Raises Corrupt."""
    sheet = decode_sheet(ROOT_TITLE, data, where)
    try:
        return Root(
            name=cast(str, sheet.payload["name"]),
            records=tuple(cast(list[RecordId], sheet.payload["records"])),
            trees=tuple(cast(list[Digest], sheet.payload["trees"])),
            encodings=sheet.blobs,
            body=cast(JsonObject, sheet.payload["body"]),
        )
    except (KeyError, TypeError) as error:
        raise Corrupt(where, f"a field is missing or wrong: {error}") from error


def read_payload(data: bytes) -> JsonObject:
    """What a torn sheet's line of JSON still says; nothing if that is torn, too."""
    try:
        payload = json.loads(data.split(b"\n", 2)[1].decode())
    except (IndexError, ValueError):
        return {}
    return payload if isinstance(payload, dict) else {}


def body_number(body: JsonObject, name: str) -> float:
    """A number the caller left in a record's body; 0.0 if there is none."""
    value = body.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _directories(draft: Draft) -> dict[Digest, bytes]:
    found: dict[Digest, bytes] = {}
    for tree in (*draft.slots.values(), *draft.keeps.values()):
        found.update(tree.directories)
    return found
