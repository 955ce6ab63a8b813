"""What is carried from build to build about the user's files. Plain values, for `memo`."""

from __future__ import annotations

from fusionpipe.prints import Print

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
        return isinstance(other, Memory) and self.to_plain() == other.to_plain()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def to_plain(self) -> object:
        """As plain values; `from_plain` takes it back."""
        return (self.files, self.texts, self.scans, self.shebangs)

    @classmethod
    def from_plain(cls, plain: object) -> Memory:
        """A memory from what `to_plain` gave, or an empty one from None."""
        return cls(*plain) if isinstance(plain, tuple) and len(plain) == 4 else cls()
