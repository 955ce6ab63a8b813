"""The project's private state: what past builds of this checkout found out, so as not to ask again.

Everything here can be deleted: it only saves work. A file is one marshalled value behind the digest of
its bytes, replaced whole; a torn, foreign or older one reads as nothing. Nothing here is shared between
machines or interpreter versions. On the path of the no-op: it imports next to nothing.
"""

from __future__ import annotations

import marshal
import os
import sys

from blake3 import blake3

_MAGIC = f"fusionpipe memo 1 {sys.implementation.cache_tag} {marshal.version}\n".encode()
_DIGEST_BYTES = 32


def load(path: str | os.PathLike[str]) -> object:
    """The value kept at `path`, or None if there is none that can be trusted."""
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read()
    except OSError:
        return None
    head = len(_MAGIC) + _DIGEST_BYTES
    body = memoryview(data)[head:]
    if data[: len(_MAGIC)] != _MAGIC or data[len(_MAGIC) : head] != blake3(body).digest():
        return None
    value: object = marshal.loads(body)
    return value


def save(path: str | os.PathLike[str], value: object) -> None:
    """Keeps a value of plain tuples, lists, dicts, strings, bytes and numbers at `path`.

    Not durable: a crash leaves the earlier value or none. Raises OSError.
    """
    body = marshal.dumps(value)  # type: ignore[arg-type]  # checked when it is dumped
    place = os.fspath(path)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    beside = f"{place}.{os.getpid()}"
    with open(beside, "wb") as file:
        file.writelines((_MAGIC, blake3(body).digest(), body))
    os.replace(beside, place)
