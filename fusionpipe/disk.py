"""The one window through which a project is read; it remembers what it saw.

Everything a build decides from (directory listings, file contents, digests, absences) is asked of a
`Disk`. What was asked, with the stat fingerprint it had, is what the next build has to compare before
it may say that nothing changed; so nothing in `project/` or `action` may touch the file system itself.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

from fusionstore.digest import Digest


class FileKind(Enum):
    """What a name in a directory is, links not followed."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "other"  # socket, fifo, device


class Listed(NamedTuple):
    """One name in a directory."""

    name: str
    kind: FileKind
    is_executable: bool = False  # any x bit, of the file itself (never followed)


class Disk(Protocol):
    """Paths are relative to the project root with `/` ("" is the root), or absolute.

    Files that change while they are read are noticed (L3), not here but where the digest is used again.
    """

    def scan(self, directory: str) -> tuple[Listed, ...] | None:
        """The names in a directory, sorted; None if it is not there or not a directory.

        A symlink to a directory is followed. Raises OSError when it may not be read.
        """

    def kind(self, path: str) -> FileKind | None:
        """What stands at a path, links *followed* (so never SYMLINK); None if nothing (or a dangling link)."""

    def is_executable(self, path: str) -> bool:
        """True if a file there has an executable bit; links followed."""

    def read_link(self, path: str) -> str | None:
        """A symlink's text; None if it is none."""

    def real_path(self, path: str) -> str:
        """The path with every link resolved: relative if it is inside the project, else absolute."""

    def read(self, path: str) -> bytes | None:
        """A small file's bytes (a settings file, an ignore file); None if it is not there."""

    def shebang(self, path: str) -> bytes | None:
        """A script's `#!` line, without its end, b"" if it has none; None if it is not there.

        Not the same as reading it: what else changes in the file is no reason to read a project again.
        """

    def digest(self, path: str) -> Digest:
        """The digest of a file's bytes, from memory when its fingerprint still holds. Raises OSError."""

    def size(self, path: str) -> int:
        """A file's size in bytes. Raises OSError."""

    def fingerprint(self, path: str) -> tuple[int, ...] | None:
        """What `stat` says of a path (links followed), to memoise probes under; None if nothing is there."""
