"""Trees: the canonical encoding of a directory, one per directory (Merkle).

The encoding is the contract (FORMAT.md tells it byte by byte); its BLAKE3 names the directory. Names
are `str` with surrogate escapes and are sorted by their raw bytes. Nothing here touches the disk.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
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
    for raw, entry in sorted((os.fsencode(entry.name), entry) for entry in entries):
        if not raw or raw == previous or b"/" in raw or b"\0" in raw or raw in (b".", b".."):
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
    at = len(_MAGIC)
    try:
        while at < len(data):
            code, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            name = os.fsdecode(data[at : at + length])
            at += length
            kind = Kind(code)
            if kind is Kind.SYMLINK:
                (length,) = _LENGTH.unpack_from(data, at)
                at += _LENGTH.size
                entries.append(Entry(name, kind, target=os.fsdecode(data[at : at + length])))
                at += length
            else:
                raw, size = _BLOB.unpack_from(data, at)
                at += _BLOB.size
                entries.append(Entry(name, kind, Digest(raw.hex()), size))
        if encode(entries) != data:
            raise ValueError("not canonical")
    except (struct.error, ValueError) as error:
        raise Corrupt("a tree", str(error)) from error
    return tuple(entries)


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
