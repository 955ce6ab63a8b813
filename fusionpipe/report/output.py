"""Where a report writes: lines of text, painted or plain, to a stream that may not bear them.

A build must not die for want of a reader: a closed pipe or a terminal that went away silences the report,
a character the stream cannot encode is replaced. Never imports rich.
"""

from __future__ import annotations

import errno
import re
from enum import StrEnum
from typing import TextIO

_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|.)?"
)
_GONE = {errno.EPIPE, errno.EIO}  # EIO: the terminal was hung up
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Ink(StrEnum):
    """The few paints we use, by what they mean, as ANSI codes that suit light and dark terminals."""

    GOOD = "32"
    NEWS = "36"
    WARNING = "33"
    BAD = "31"
    FAINT = "2"
    STRONG = "1"


class Output:
    """Writes whole lines and flushes each. Falls silent, for good, when nobody reads any more."""

    def __init__(self, out: TextIO, *, colour: bool) -> None:
        self._out = out
        self._colour = colour
        self._is_closed = False

    def paint(self, text: str, ink: Ink) -> str:
        """The text in that ink, or as it is where colour is not wanted."""
        return f"\x1b[{ink.value}m{text}\x1b[0m" if self._colour and text else text

    def line(self, *parts: str) -> None:
        """Writes one line of the non-empty parts, two blanks between."""
        self.write("  ".join(part for part in parts if part) + "\n")

    def write(self, text: str) -> None:
        """Writes text that ends in a newline."""
        if self._is_closed:
            return
        encoding = self._out.encoding or "utf-8"
        try:
            self._out.write(text.encode(encoding, "replace").decode(encoding))
            self._out.flush()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self._is_closed = True


def shown(text: str) -> str:
    """One line of somebody's log, made safe to show.

    Escape sequences and control characters are dropped: a log must not move the cursor or repaint the
    terminal. Of a line overwritten in place (`\\r`, progress bars) what was last seen is kept.
    """
    last = text.rstrip("\r\n").rpartition("\r")[2]
    return _CONTROL.sub("", _ESCAPE.sub("", last)).expandtabs()
