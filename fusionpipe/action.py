"""The action key: one digest of everything that can reach a node's code, and of nothing else (L1, L2).

An `Action` is the pre-image as facts, one field per thing keyed with the reason beside it. `manifest`
is the same as JSON, stored with every record so that any later miss can be explained; `key` is the
BLAKE3 of its typed, length-framed, versioned encoding. Pure: no file, clock or environment is read here.

Deliberately absent: absolute paths, the node's name (unless `named`), user, host, time, locale, mtimes,
limits, retries, notes, the order in which things were written down.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple, assert_never

from blake3 import blake3

from fusionpipe.model import NO_PARAMS, Entry, Params
from fusionstore.contract import Json, JsonObject
from fusionstore.digest import ActionKey, Digest
from fusionstore.tree import Kind

FORMAT = "fusionpipe action 1"
"""Turned when the same facts would encode to other bytes, or when what a run is given changes."""

_LENGTH = struct.Struct(">Q").pack
_ANY_TEXT = "surrogatepass"  # whatever a name, a variable or a JSON lock may hold


class Material(NamedTuple):
    """Files given under one name: a directory (its tree) or a single file (its blob)."""

    kind: Kind
    digest: Digest

    def to_json(self) -> Json:
        """As the manifest has it."""
        return [self.kind.name.lower(), self.digest]


class Action(NamedTuple):
    """Everything that can reach the code of one run."""

    # The program itself: names, bytes and executable bits of what lies in code/. None: only a command.
    code: Digest | None
    # Which of those files is started, by what, or the words of the command.
    entry: Entry
    # (kind, version) of the interpreter: another Python may compute other numbers.
    tool: tuple[str, str]
    # Code shared between nodes: importable, so its bytes reach the run; by name, since imports use it.
    libs: Mapping[str, Material] = {}
    # Declared files: read by name below inputs/.
    inputs: Mapping[str, Material] = {}
    # What the code finds in params.json.
    params: Params = NO_PARAMS
    # What the code finds below parents/: digests of outputs, not keys, so that equal outputs cut off (L4).
    # alias -> member ("" for a plain parent) -> data tree.
    parents: Mapping[str, Mapping[str, Digest]] = {}
    # Other tools the user declared by version, as declared.
    tools: Mapping[str, str] = {}
    # Locked environments by the file's name: the parsed content, so a comment in it changes nothing.
    locks: Mapping[str, Digest] = {}
    # Declared variables: their values reach the run. None: unset, which differs from empty.
    env: Mapping[str, str | None] = {}
    # What fp.seed() and FP_SEED give.
    seed: int = 0
    # The user's salt: turned to say "not the same any more" when we cannot see why.
    version: str = ""
    # The node's name, only for `named` nodes: it is in FP_NODE then, and nowhere otherwise.
    name: str | None = None

    def manifest(self) -> JsonObject:
        """The pre-image as JSON."""
        return {
            "format": FORMAT,
            "code": self.code,
            "entry": [self.entry.language.value, self.entry.main, list(self.entry.argv)],
            "tool": list(self.tool),
            "libs": {name: material.to_json() for name, material in self.libs.items()},
            "inputs": {name: material.to_json() for name, material in self.inputs.items()},
            "params": self.params,
            "parents": {alias: dict(members) for alias, members in self.parents.items()},
            "tools": dict(self.tools),
            "locks": dict(self.locks),
            "env": dict(self.env),
            "seed": self.seed,
            "version": self.version,
            "name": self.name,
        }

    def key(self) -> ActionKey:
        """The digest that names this action."""
        return key_of(self.manifest())


def key_of(manifest: JsonObject) -> ActionKey:
    """The key of a manifest, as stored or as made now."""
    return ActionKey(blake3(encode(manifest)).hexdigest())


def encode(value: Json) -> bytes:
    """The canonical bytes of a JSON value: a type letter, lengths in front, object keys sorted by bytes.

    1, 1.0, "1" and true differ; so do [] and {}; NaNs are one, and -0.0 is not 0.0.
    """
    parts: list[bytes] = []
    _encode(value, parts)
    return b"".join(parts)


def _encode(value: Json, parts: list[bytes]) -> None:
    match value:  # what is most frequent first; bool before int, which it is too
        case str():
            parts.append(_text(b"s", value))
        case dict():
            parts.append(b"m" + _LENGTH(len(value)))
            for name in sorted(value):  # by code points, which is by the bytes of UTF-8 as well
                parts.append(_text(b"s", name))
                _encode(value[name], parts)
        case list():
            parts.append(b"l" + _LENGTH(len(value)))
            for item in value:
                _encode(item, parts)
        case None:
            parts.append(b"n")
        case bool():
            parts.append(b"t" if value else b"f")
        case int():
            parts.append(_text(b"i", str(value)))
        case float():
            parts.append(b"d" + _double(value))
        case _:  # dropped silently it would be a part of the key that is not in it (L2)
            assert_never(value)


def _text(letter: bytes, text: str) -> bytes:
    data = text.encode("utf-8", _ANY_TEXT)
    return letter + _LENGTH(len(data)) + data


def _double(value: float) -> bytes:
    return struct.pack(">d", float("nan") if value != value else value)
