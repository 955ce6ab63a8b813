"""The project's private state: what past builds of this checkout found out, so as not to ask again.

Everything here can be deleted: it only saves work. A file is marshalled values, each behind its length, all
behind the digest of their bytes, and is replaced whole; a torn, foreign or older one reads as nothing. Nothing
here is shared between machines or interpreter versions. On the path of the no-op: it imports next to nothing.
"""

from __future__ import annotations

import marshal
import os
import sys

from blake3 import blake3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_MAGIC = f"fusionpipe memo 2 {sys.implementation.cache_tag} {marshal.version}\n".encode()
_DIGEST_BYTES = 32
_LENGTH_BYTES = 8


def load(path: str | os.PathLike[str]) -> object:
    """The value kept at `path`, the first of several, or None if there is none that can be trusted."""
    return next(load_parts(path), None)


def load_parts(path: str | os.PathLike[str]) -> Iterator[object]:
    """The values kept at `path`, one after the other; none if they cannot be trusted."""
    body = _body(path)
    while body:
        end = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "big")
        yield marshal.loads(body[_LENGTH_BYTES:end])
        body = body[end:]


def save(path: str | os.PathLike[str], value: object) -> None:
    """Keeps a value of plain tuples, lists, dicts, strings, bytes and numbers at `path`.

    Not durable: a crash leaves the earlier value or none. Raises OSError.
    """
    save_parts(path, (value,))


def save_parts(path: str | os.PathLike[str], values: Iterable[object]) -> None:
    """Keeps values that need not be in memory all at once. Otherwise as `save`."""
    place = os.fspath(path)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    beside = f"{place}.{os.getpid()}"
    with open(beside, "wb") as file:
        try:
            file.write(_MAGIC + bytes(_DIGEST_BYTES))
            digest = _write(file, values)
            file.seek(len(_MAGIC))
            file.write(digest)
        except BaseException:
            os.unlink(beside)
            raise
    os.replace(beside, place)


def _write(file: BinaryIO, values: Iterable[object]) -> bytes:
    """Writes each value behind its length; the digest of it all."""
    digest = blake3()
    for value in values:
        part = marshal.dumps(value)  # type: ignore[arg-type]  # checked when it is dumped
        for data in (len(part).to_bytes(_LENGTH_BYTES, "big"), part):
            digest.update(data)
            file.write(data)
    return digest.digest()


def _body(path: str | os.PathLike[str]) -> memoryview | None:
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read()
    except OSError:
        return None
    head = len(_MAGIC) + _DIGEST_BYTES
    body = memoryview(data)[head:]
    if data[: len(_MAGIC)] != _MAGIC or data[len(_MAGIC) : head] != blake3(body).digest():
        return None
    return body
