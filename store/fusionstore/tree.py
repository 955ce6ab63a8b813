"""Trees: the canonical encoding of a directory, one per directory (Merkle).

The encoding is the contract (FORMAT.md tells it byte by byte); its BLAKE3 names the directory. Names
are `str` with surrogate escapes and are sorted by their raw bytes. Nothing here touches the disk.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from operator import itemgetter
from typing import NamedTuple

from fusionstore.digest import Digest, digest_bytes
from fusionstore.errors import Corrupt

_MAGIC = b"fusionstore tree 1\n"
_HEAD = struct.Struct(">cI")
_BLOB = struct.Struct(">32sQ")
_LENGTH = struct.Struct(">I")


class Kind(Enum):
    """What a name in a directory stands for."""

    FILE = b"f"
    EXECUTABLE = b"x"
    SYMLINK = b"l"
    DIRECTORY = b"d"


_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_KINDS: Mapping[bytes, Kind] = {kind.value: kind for kind in Kind}


class Entry(NamedTuple):
    """One name in a directory.

    `digest` names the blob of a file or the encoding of a directory; `size` is a file's bytes, or a
    directory's total of them; `target` is a symlink's text. Unused fields are empty.
    """

    name: str
    kind: Kind
    digest: Digest = Digest("")
    size: int = 0
    target: str = ""


class Tree(NamedTuple):
    """A directory and all below it: the root's digest and the encoding of every directory."""

    root: Digest
    directories: Mapping[Digest, bytes]

    def entries(self, digest: Digest | None = None) -> tuple[Entry, ...]:
        """The entries of one of its directories (the root unless told). Raises KeyError."""
        return decode(self.directories[self.root if digest is None else digest])

    def walk(self, prefix: str = "", digest: Digest | None = None) -> Iterator[tuple[str, Entry]]:
        """Every entry below, parents before children, as (path from the root, entry)."""
        for entry in self.entries(digest):
            path = prefix + entry.name
            yield path, entry
            if entry.kind is Kind.DIRECTORY:
                yield from self.walk(path + "/", entry.digest)

    def size(self) -> int:
        """The bytes of all its files."""
        return sum(entry.size for entry in self.entries())


def encode(entries: Iterable[Entry]) -> bytes:
    """The canonical bytes of a directory. Order does not matter; names must differ (ValueError)."""
    parts = [_MAGIC]
    previous = b""
    named = [(raw_name(entry.name), entry) for entry in entries]
    for raw, entry in sorted(named, key=itemgetter(0)):
        if raw == previous or not is_name(raw):
            raise ValueError(f"bad or repeated name in a directory: {entry.name!r}")
        previous = raw
        parts += (_HEAD.pack(entry.kind.value, len(raw)), raw)
        if entry.kind is Kind.SYMLINK:
            target = os.fsencode(entry.target)
            parts += (_LENGTH.pack(len(target)), target)
        else:
            parts.append(_BLOB.pack(bytes.fromhex(entry.digest), entry.size))
    return b"".join(parts)


def decode(data: bytes) -> tuple[Entry, ...]:
    """The entries of an encoded directory, sorted. Raises Corrupt unless `encode` gives `data` back."""
    if not data.startswith(_MAGIC):
        raise Corrupt("a tree", "it does not start as a tree does")
    entries: list[Entry] = []
    at, previous = len(_MAGIC), b""
    try:
        while at < len(data):
            code, length = _HEAD.unpack_from(data, at)
            name, at = _cut(data, at + _HEAD.size, length)
            kind = _KINDS[code]
            if not is_name(name) or name <= previous:  # the one thing bytes could say in two ways
                raise ValueError(f"a bad name, or one out of order: {name!r}")
            previous = name
            if kind is Kind.SYMLINK:
                (length,) = _LENGTH.unpack_from(data, at)
                target, at = _cut(data, at + _LENGTH.size, length)
                entries.append(Entry(os.fsdecode(name), kind, target=os.fsdecode(target)))
            else:
                raw, size = _BLOB.unpack_from(data, at)
                at += _BLOB.size
                entries.append(Entry(os.fsdecode(name), kind, Digest(raw.hex()), size))
    except (struct.error, KeyError, ValueError) as error:
        raise Corrupt("a tree", str(error)) from error
    return tuple(entries)


def raw_name(name: str) -> bytes:
    """What `os.fsencode` gives, in a third of its time: each file of a tree is named three times."""
    return name.encode(_ENCODING, _ERRORS)


def is_name(raw: bytes) -> bool:
    """True if a directory can hold this name."""
    return raw not in (b"", b".", b"..") and b"/" not in raw and b"\0" not in raw


def _cut(data: bytes, start: int, length: int) -> tuple[bytes, int]:
    end = start + length
    if end > len(data):
        raise ValueError("it ends too soon")
    return data[start:end], end


def build(files: Mapping[str, Entry]) -> Tree:
    """The tree of files and symlinks given by their path from the root ("a/b.txt").

    Directories are implied. An entry of kind DIRECTORY at a path is an empty directory.
    """
    directories: dict[Digest, bytes] = {}
    root = _build_below(_nest(files), directories)
    return Tree(root.digest, directories)


_Nested = dict[str, "Entry | _Nested"]


def _nest(files: Mapping[str, Entry]) -> _Nested:
    top: _Nested = {}
    for path, entry in files.items():
        *parents, name = path.split("/")
        here = top
        for parent in parents:
            below = here.setdefault(parent, {})
            if not isinstance(below, dict):
                raise ValueError(f"{path!r} lies below a file")
            here = below
        if entry.kind is Kind.DIRECTORY:
            here.setdefault(name, {})
        elif name in here:
            raise ValueError(f"{path!r} is there twice")
        else:
            here[name] = entry._replace(name=name)
    return top


def _build_below(nested: _Nested, directories: dict[Digest, bytes], name: str = "") -> Entry:
    entries = [
        _build_below(value, directories, key) if isinstance(value, dict) else value
        for key, value in nested.items()
    ]
    data = encode(entries)
    digest = digest_bytes(data)
    directories[digest] = data
    return Entry(name, Kind.DIRECTORY, digest, sum(entry.size for entry in entries))


EMPTY_TREE = build({})
