"""The file of a record that comes from elsewhere, read with doubt about every byte of it.

A digest proves that nobody altered it on the way; it does not prove that our program wrote it. So what
`records.decode_record` may assume of files in our own store is asked here: types, names, and that there
is no second way to write the same.
"""

from __future__ import annotations

import string
import struct
from collections.abc import Collection
from typing import cast
from unicodedata import category

from fusionstore.bundle import BadBundle
from fusionstore.contract import JsonObject, Standing
from fusionstore.digest import RecordId
from fusionstore.errors import Corrupt
from fusionstore.records import (
    RECORD_TITLE,
    SPILL_FROM,
    Filed,
    decode_record,
    decode_sheet,
    encode_sheet,
)
from fusionstore.tree import is_name, raw_name

_FIELDS = {"key", "slots", "keeps", "log", "observed", "standing", "body", "spilled"}
_HEXADECIMAL = frozenset(string.digits + "abcdef")
_MOST_JSON = 8 << 20  # objects made of it take twenty times as much


def decode_strictly(data: bytes, id: RecordId) -> Filed:
    """A record from its file, as `encode_record` would have written it. Raises BadBundle."""
    where = f"the record {id[:12]}"
    end = data.find(b"\n", len(RECORD_TITLE))
    if not len(RECORD_TITLE) <= end <= _MOST_JSON:
        raise BadBundle(f"{where} has no end of its text, or too much of it")
    try:
        sheet = decode_sheet(RECORD_TITLE, data, where)
        _check_fields(sheet.payload)
        filed = decode_record(data, where)
        is_canonical = encode_sheet(RECORD_TITLE, sheet.payload, sheet.blobs) == data
    except Corrupt as error:
        raise BadBundle(f"{where}: {error.what}") from error
    except (
        ValueError,
        TypeError,
        LookupError,
        OverflowError,
        RecursionError,
        struct.error,
    ) as error:
        raise BadBundle(f"{where} is not written as records are ({error})") from error
    if filed.full.record.id != id:
        raise BadBundle(f"{where} is another than its line says")
    if not is_canonical or any(len(framed) > SPILL_FROM for framed in sheet.blobs.values()):
        raise BadBundle(f"{where} is not written as records are")
    return filed


def is_digest(text: object) -> bool:
    """True for 64 lower-case hexadecimal characters."""
    return isinstance(text, str) and len(text) == 64 and _HEXADECIMAL.issuperset(text)


def _check_fields(payload: JsonObject) -> None:
    """Raises ValueError, TypeError, KeyError."""
    if not isinstance(payload, dict) or payload.keys() != _FIELDS:
        raise ValueError("other fields than a record has")
    slots, keeps, log = payload["slots"], payload["keeps"], payload["log"]
    if not isinstance(slots, dict) or not isinstance(keeps, dict):
        raise ValueError("outputs that are no names with digests")
    spilled = payload["spilled"]
    if not isinstance(spilled, list) or spilled != sorted(set(cast(list[str], spilled))):
        raise ValueError("spilled directories that are no sorted list")
    digests = [payload["key"], *slots.values(), *keeps.values(), *spilled]
    if not all(map(is_digest, digests if log is None else [*digests, log])):
        raise ValueError("a digest that is none")
    if not all(map(_is_plain_name, slots)) or not all(map(is_path, keeps)):
        raise ValueError("a name that leads elsewhere")
    standing = Standing(cast(str, payload["standing"]))
    if standing is Standing.IMPORTED or not isinstance(payload["body"], dict):
        raise ValueError("a standing or a body that no record has")


def is_path(text: str) -> bool:
    """True for a relative path that stays below where it starts, and can be shown on a terminal."""
    return all(map(_is_plain_name, text.split("/")))


def is_plain(text: str) -> bool:
    """True if showing it cannot move a cursor, or turn what stands beside it around."""
    return text.isprintable() or all(c.isprintable() or category(c) == "Zs" for c in text)


def _is_plain_name(name: str) -> bool:
    try:
        return is_name(raw_name(name)) and is_plain(name)
    except UnicodeEncodeError:
        return False


def sorted_digests(value: object) -> Collection[str]:
    """The digests of a list that is sorted and names none twice. Raises ValueError."""
    if not isinstance(value, list) or not all(map(is_digest, value)) or value != sorted(set(value)):
        raise ValueError("no sorted list of digests")
    return cast(list[str], value)
