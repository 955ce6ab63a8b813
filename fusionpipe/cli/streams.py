"""Standard output and its kin at the beginning and the end of a command. On the path of the no-op."""

from __future__ import annotations

import errno
import os
import sys

FULL = (errno.ENOSPC, errno.EDQUOT)
_NOBODY_READS = (errno.EPIPE, errno.EIO)


def open_missing() -> None:
    """Puts the null device where a stream is closed (`>&-`): else the next file opened would stand there."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number: this one
    # Python has none for a stream that was closed when it began
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def finish_output() -> str | None:
    """Writes out what is left; why it could not be written, None if it was or nobody reads any more."""
    try:
        sys.stdout.flush()
    except OSError as error:
        drop_output()
        return None if error.errno in _NOBODY_READS else os.strerror(error.errno or 0)
    return None


def drop_output() -> None:
    """Sends what is left nowhere: or the interpreter would try once more at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
