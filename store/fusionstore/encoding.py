"""Finding a lost directory encoding again: a laid out tree tells what it was. Reads only."""

from __future__ import annotations

import os

from fusionstore.digest import Digest, digest_bytes, digest_file
from fusionstore.tree import Entry, Kind, encode


def find_directory(place: str, wanted: Digest) -> bytes | None:
    """The encoding of the directory of this digest, if it is at `place` or below. Raises OSError."""
    found: dict[Digest, bytes] = {}
    _encode(place, found)
    return found.get(wanted)


def _encode(directory: str, found: dict[Digest, bytes]) -> tuple[Digest, int]:
    entries: list[Entry] = []
    with os.scandir(directory) as names:
        for name in names:
            if name.is_symlink():
                entries.append(Entry(name.name, Kind.SYMLINK, target=os.readlink(name.path)))
            elif name.is_dir():
                digest, size = _encode(name.path, found)
                entries.append(Entry(name.name, Kind.DIRECTORY, digest, size))
            elif name.is_file():
                status = name.stat()
                kind = Kind.EXECUTABLE if status.st_mode & 0o111 else Kind.FILE
                entries.append(Entry(name.name, kind, digest_file(name.path), status.st_size))
    data = encode(entries)
    digest = digest_bytes(data)
    found[digest] = data
    return digest, sum(entry.size for entry in entries)
