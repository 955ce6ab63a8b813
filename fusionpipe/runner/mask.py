"""Keeps the values of secrets out of a stream of bytes, wherever the stream is cut into chunks (L13).

Pure. A value is found as it is and in the forms programs commonly print it in: each line of it, quoted
as a Python or JSON string, percent-encoded, and within base64 (as in an Authorization header).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

MASK = b"***"

# Shorter than this, a line or an encoding of a value is too likely to be ordinary text.
_TELLING = 8


class Mask:
    """Replaces secrets in what is fed. What may be the beginning of one is held back until it is clear."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values if value for form in _forms(value)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._found = re.compile(b"|".join(map(re.escape, self._forms))) if forms else None
        self._first = re.compile(b"|".join({re.escape(form[:1]) for form in forms}))
        self._held = b""
        self.count = 0  # how often one was found

    def feed(self, chunk: bytes) -> bytes:
        """What may be shown after `chunk` came."""
        if self._found is None:
            return chunk
        text = self._held + chunk
        shown: list[bytes] = []
        done = 0
        hold = self._unclear_from(text, done)
        # A match that begins before `hold` is final: were a longer one possible, it would be unclear.
        while (match := self._found.search(text, done)) and match.start() < hold:
            shown += [text[done : match.start()], MASK]
            self.count += 1
            done = match.end()
            if done > hold:
                hold = self._unclear_from(text, done)
        self._held = text[hold:]
        return b"".join([*shown, text[done:hold]])

    def finish(self) -> bytes:
        """What was held back, at the end of the stream."""
        held, self._held = self._held, b""
        if self._found is None:
            return held
        shown, found = self._found.subn(MASK, held)
        self.count += found
        return shown

    def _unclear_from(self, text: bytes, start: int) -> int:
        """The first place from `start` where the rest of the text is the beginning of a longer form."""
        longest = len(self._forms[0]) - 1
        for match in self._first.finditer(text, max(start, len(text) - longest)):
            rest = text[match.start() :]
            if any(len(form) > len(rest) and form.startswith(rest) for form in self._forms):
                return match.start()
        return len(text)


def _forms(value: str) -> Iterator[bytes]:
    yield value.encode("utf-8", "surrogateescape")
    telling = [line.strip() for line in value.splitlines()] if "\n" in value else []
    from urllib.parse import quote, quote_plus  # slow to import, and few nodes have secrets

    quoted = [
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
    ]
    raw = value.encode("utf-8", "surrogateescape")
    encoded = [quote(raw), quote(raw, safe=""), quote_plus(raw)]
    for form in (*telling, *quoted, *encoded):
        if len(form) >= _TELLING:
            yield form.encode("utf-8", "surrogateescape")
    yield from (form for form in _within_base64(raw) if len(form) >= _TELLING)


def _within_base64(raw: bytes) -> Iterator[bytes]:
    """The part of a base64 text that depends on `raw` alone, for each of the three ways it may lie."""
    from base64 import b64encode  # most builds have no secrets

    for before in range(3):
        text = b64encode(bytes(before) + raw).rstrip(b"=")
        # The first characters mix with what comes before, the last with what comes after.
        first = (0, 2, 3)[before]
        last = len(text) - (1 if (before + len(raw)) % 3 else 0)
        core = text[first:last]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))
