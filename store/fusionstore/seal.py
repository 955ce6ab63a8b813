"""Fingerprints of stored things: the stamp of a file, the seal of a whole materialised tree.

A stamp is (size, mtime, inode); ctime is left out, since linking, renaming and unlinking other names
of an object change it. A seal is the BLAKE3 of one row per name below a tree's root, so 32 bytes prove
that 100,000 files and every directory's exact names are as they were. Nothing here writes.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from blake3 import blake3

from fusionstore.tree import raw_name


class Stamp(NamedTuple):
    """What tells that a stored file was not touched."""

    size: int
    mtime_ns: int
    inode: int


STAMP = struct.Struct(">QqQ")


def stamp(status: os.stat_result) -> Stamp:
    """The stamp of what `stat` saw."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


def file_row(path: str, executable: bool, of: Stamp) -> bytes:
    """A file's row; `path` is from the tree's root."""
    return raw_name(path) + (b"\0x" if executable else b"\0f") + STAMP.pack(*of)


def link_row(path: str, target: str) -> bytes:
    """A symlink's row."""
    return raw_name(path) + b"\0l" + os.fsencode(target) + b"\0"


def directory_row(path: str) -> bytes:
    """A directory's row; the root has none."""
    return raw_name(path) + b"\0d"


def seal(rows: Iterable[bytes]) -> bytes:
    """The seal of a tree from all its rows, in any order."""
    return blake3(b"".join(sorted(rows))).digest()


class TooLarge(Exception):
    """A tree has more names than were to be looked at."""


def scan_seal(root: str, most: int | None = None) -> bytes:
    """The seal of the tree that stands at `root` now. Raises OSError.

    With `most`, no more names than that are looked at. Raises TooLarge if there are more.
    """
    rows: list[bytes] = []
    _scan(root, "", rows, most)
    return seal(rows)


def _scan(directory: str, prefix: str, rows: list[bytes], most: int | None) -> None:
    below: list[str] = []
    with os.scandir(directory) as names:
        for name in names if most is None else _few(names, most - len(rows)):
            path = prefix + name.name
            status = name.stat(follow_symlinks=False)
            mode = status.st_mode
            if stat.S_ISREG(mode):
                kind = (
                    b"\0x" if mode & 0o111 else b"\0f"
                )  # `file_row`, written out: this is the loop
                of = STAMP.pack(status.st_size, status.st_mtime_ns, status.st_ino)
                rows.append(raw_name(path) + kind + of)
            elif stat.S_ISDIR(mode):
                rows.append(directory_row(path))
                below.append(path)
            elif stat.S_ISLNK(mode):
                rows.append(link_row(path, os.readlink(name.path)))
            else:  # no tree has one, so the seal cannot match
                rows.append(raw_name(path) + b"\0o")
    for path in below:
        _scan(f"{directory}/{path[len(prefix) :]}", path + "/", rows, most)


def _few(names: Iterable[os.DirEntry[str]], most: int) -> list[os.DirEntry[str]]:
    """The names, counted before any is looked at."""
    few = list(islice(names, most + 1))
    if len(few) > most:
        raise TooLarge
    return few
