"""Looks for secrets in what a run wrote: what is stored is stored for good, and shared (L13).

Reads only; and only the outputs of nodes that were given secrets.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from fusionpipe.runner.mask import Mask

_SHORTEST = 4  # bytes; anything shorter is found in ordinary data
_CHUNK = 1 << 20


def find_leak(outputs: Iterable[Path], secrets: Iterable[str]) -> str | None:
    """The first output file with the value of a secret in it, or in its name; from its output's directory up."""
    mask = Mask(
        value for value in secrets if len(value.encode("utf-8", "surrogateescape")) >= _SHORTEST
    )
    for output in outputs:
        for path in _files(output):
            name = os.path.join(output.name, os.path.relpath(path, output))
            shown = mask.feed(os.fsencode(name)) + mask.finish()  # the name itself may not be told
            for chunk in _chunks(path):
                mask.feed(chunk)
            mask.finish()
            if mask.count:
                return os.fsdecode(shown)
    return None


def _files(directory: Path) -> Iterator[str]:
    for place, _, names in os.walk(directory):
        for name in sorted(names):
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
