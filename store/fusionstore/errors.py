"""What can go wrong with a store. Facts are attributes; the sentence is made in `__str__`.

Expected outcomes (a miss, a key held by somebody else) are return values and never come from here.
"""

from __future__ import annotations

from pathlib import Path


class StoreError(Exception):
    """The disk, its permissions or its contents do not allow what was asked."""


class StoreUnusable(StoreError):
    """This store cannot be opened here: wrong owner, network file system, newer format, read-only."""

    def __init__(self, path: Path, what: str, mend: str) -> None:
        super().__init__(path, what, mend)
        self.path = path
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"the store {self.path} cannot be used: {self.what}\n  {self.mend}"


class DiskFull(StoreError):
    """No room (or no quota, or no inodes) while writing below `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"no space left on the file system of {self.path}\n"
            '  free some, or move the store (store = "/elsewhere" in .fusionpipe/local.toml)'
        )


class DiskRefused(StoreError):
    """The file system said no (permission, input/output error, read-only) at `path`."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return f"{self.path}: {self.what} (while using the store)"


class UnstorableFile(StoreError):
    """An output holds something a store cannot keep: a socket, a fifo, a device, an escaping link."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return f"{self.path!r} is {self.what}, which cannot be stored"


class ChangedWhileStored(StoreError):
    """A file changed between being hashed and becoming durable: somebody still writes to it."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path!r} changed while it was being stored: is something still writing to it?"


class TreeLost(StoreError):
    """A stored tree is damaged or gone and could not be healed; its maker has to run again."""

    def __init__(self, tree: str, what: str) -> None:
        super().__init__(tree, what)
        self.tree = tree
        self.what = what

    def __str__(self) -> str:
        return f"the stored tree {self.tree[:12]} is damaged ({self.what}) and could not be healed"


class Corrupt(StoreError):
    """A stored file does not say what its name promises (torn, truncated, altered)."""

    def __init__(self, path: Path | str, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return f"{self.path} is damaged: {self.what}"
