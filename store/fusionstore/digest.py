"""Digests: what names a blob, a tree or an action.

A digest is 64 lower-case hexadecimal characters of BLAKE3. Nothing here touches more of the file
system than the one file it is told to read.
"""

from __future__ import annotations

import os
import stat
from typing import NewType

from blake3 import blake3

Digest = NewType("Digest", str)
"""Names a blob (its bytes) or a tree (its canonical encoding)."""

ActionKey = NewType("ActionKey", str)
"""Names what was asked for: the BLAKE3 of everything that can reach the code."""

RecordId = NewType("RecordId", str)
"""Names one record: the BLAKE3 of its action file."""

EMPTY_BLOB = Digest(blake3(b"").hexdigest())

_CHUNK = 1 << 20
_MMAP_FROM = 128 * 1024


def digest_bytes(data: bytes) -> Digest:
    """The digest of these bytes."""
    return Digest(blake3(data).hexdigest())


def digest_file(path: str | os.PathLike[str], *, quiet: bool = False) -> Digest:
    """The digest of a regular file's bytes.

    `quiet` promises that nobody truncates the file meanwhile, which allows a memory map: a file
    truncated under a map kills the process with SIGBUS. Raises OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{os.fspath(path)!r} is not a regular file")
        if quiet and status.st_size >= _MMAP_FROM:
            return Digest(blake3(max_threads=1).update_mmap(path).hexdigest())
        return digest_fd(fd, size_hint=status.st_size)
    finally:
        os.close(fd)


def digest_fd(fd: int, *, size_hint: int = _CHUNK) -> Digest:
    """The digest of what can still be read from `fd`."""
    if size_hint < _CHUNK:
        first = os.read(fd, size_hint + 1)
        if len(first) == size_hint:
            return Digest(blake3(first).hexdigest())
        hasher = blake3(first)
    else:
        hasher = blake3()
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    while read := os.readv(fd, [buffer]):
        hasher.update(view[:read])
    return Digest(hasher.hexdigest())
