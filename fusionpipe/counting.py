"""For tests: counts what a piece of code calls. Counts are the same on a busy machine; times are not."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PYTHON = "python"
"""Under this name all calls of functions written in Python are counted."""


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """While it lasts: how often each built-in function was called ("lstat", "DirEntry.stat"), by this
    thread and those it starts. Not to be nested, or used under a profiler.
    """
    counts: Counter[str] = Counter()

    def count(frame: FrameType, event: str, what: object) -> None:
        if event == "c_call":
            counts[getattr(what, "__qualname__", "")] += 1
        elif event == "call":
            counts[PYTHON] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield counts
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
