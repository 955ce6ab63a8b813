"""What is carried from build to build about the user's files. Plain values, for `memo`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from fusionpipe.prints import Print

_AT_ONCE = 4000
"""Paths: all at once they would be in memory a second time."""

Row = tuple[str, str, bool]
"""A name in a directory: a letter for what it stands for, and whether it may be executed."""

Rows = tuple[Row, ...]


class Memory:
    """By path: the fingerprint there, and a file's digest, its bytes, the names in a directory, a `#!` line."""

    def __init__(
        self,
        files: dict[str, tuple[Print, str]] | None = None,
        texts: dict[str, tuple[Print, bytes]] | None = None,
        scans: dict[str, tuple[Print, Rows]] | None = None,
        shebangs: dict[str, tuple[Print, bytes]] | None = None,
    ) -> None:
        self.files = files or {}
        self.texts = texts or {}
        self.scans = scans or {}
        self.shebangs = shebangs or {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memory) and (
            (self.files, self.texts, self.scans, self.shebangs)
            == (other.files, other.texts, other.scans, other.shebangs)
        )

    __hash__ = None  # type: ignore[assignment]  # it changes

    def to_plain(self) -> Iterator[object]:
        """As plain values, piece by piece; `from_plain` takes them back."""
        every: tuple[Mapping[str, object], ...]
        every = (self.files, self.texts, self.scans, self.shebangs)
        for at in range(len(every)):
            items = iter(every[at].items())
            while some := dict(islice(items, _AT_ONCE)):
                yield at, some

    @classmethod
    def from_plain(cls, plain: Iterable[Any]) -> Memory:
        """A memory from what `to_plain` gave."""
        kept: tuple[dict[str, Any], ...] = ({}, {}, {}, {})
        for at, some in plain:
            kept[at].update(some)
        return cls(*kept)
