"""Fingerprints of what stands at a path, as few bytes: there are five to a node, in several lists.

`hot` compares a run of them word by word, so their shape is that of five native unsigned 64-bit words.
"""

from __future__ import annotations

import os
from struct import Struct, error

from fusionstore.statcache import Fingerprint

Print = bytes
"""(mtime_ns, ctime_ns, size, inode, device) of what stands at a path, packed."""

_WORDS = Struct("=5Q")
_WORD = (1 << 64) - 1

BYTES = _WORDS.size


def print_of(status: os.stat_result) -> Print:
    """The fingerprint of a path's `stat`."""
    try:
        return _WORDS.pack(
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_size,
            status.st_ino,
            status.st_dev,
        )
    except error:  # a time before 1970
        return packed(
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_size,
            status.st_ino,
            status.st_dev,
        )


def packed(mtime_ns: int, ctime_ns: int, size: int, inode: int, device: int) -> Print:
    """The fingerprint of these; a number beyond a word is the one that it leaves there."""
    words = (mtime_ns, ctime_ns, size, inode, device)
    return _WORDS.pack(*(word & _WORD for word in words))


def fingerprint_of(seen: Print) -> Fingerprint:
    """What the project side keeps of a `stat`, as the store's clock takes it."""
    mtime_ns, ctime_ns, size, inode, device = _WORDS.unpack(seen)
    return Fingerprint(size, _signed(mtime_ns), _signed(ctime_ns), inode, device)


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word
