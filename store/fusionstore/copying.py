"""Copies of files: shared bytes where the file system can, plain ones elsewhere; and reading small ones.

No copy follows a link.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

from fusionstore.durable import write_all

_CHUNK = 1 << 20
_FICLONE = 0x40049409


def copy_file(source: str, target: str, mode: int) -> None:
    """Makes `target`, which must not exist, a copy of `source` with this mode."""
    fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        out = create(target, mode)
        try:
            if not clone(fd, out):
                for data in pieces(fd):
                    write_all(out, data)
        finally:
            os.close(out)
    finally:
        os.close(fd)


def create(path: str, mode: int) -> int:
    """Opens a file that was not there for writing, with exactly this mode. Raises FileExistsError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    os.fchmod(fd, mode)  # whatever the umask
    return fd


def pieces(fd: int) -> Iterator[bytes]:
    """All that can be read from `fd`."""
    while data := os.read(fd, _CHUNK):
        yield data


def read_whole(path: str) -> bytes:
    """All of a small file: four calls, where a buffered file makes seven. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        data = os.read(fd, size + 1)
        return data if len(data) == size else data + b"".join(pieces(fd))
    finally:
        os.close(fd)


def clone(source: int, target: int) -> bool:
    """Shares the bytes of one open file with another (a reflink); False where that cannot be done."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:  # not this file system, or not across two of them
        return False
    return True
