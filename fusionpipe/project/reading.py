"""One reading of a project: the disk, what was listed already, and every mistake found so far.

Everything in this package reads through here; an unreadable directory becomes a mistake, not a crash.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from fusionpipe.disk import Disk, FileKind, Listed
from fusionpipe.errors import Problem


class Reading:
    """The state of one `load`."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.problems: list[Problem] = []
        self._listings: dict[str, tuple[Listed, ...]] = {}

    def scan(self, directory: str) -> tuple[Listed, ...]:
        """The names in a directory, each directory listed once; none if it is not there."""
        known = self._listings.get(directory)
        return self._list(directory) if known is None else known

    def _list(self, directory: str) -> tuple[Listed, ...]:
        try:
            listing = self.disk.scan(directory)
        except OSError as error:
            self.refuse(
                directory or ".", f"cannot be read: {error.strerror or error}", _MEND_UNREADABLE
            )
            listing = None
        self._listings[directory] = listing or ()
        return listing or ()

    def holds(self, directory: str, name: str) -> bool:
        """True when a directory (listed once) has that name in it."""
        return name in [listed.name for listed in self.scan(directory)]

    def is_directory(self, path: str) -> bool:
        """True when a directory is there, links followed."""
        return self.disk.kind(path) is FileKind.DIRECTORY

    def is_file(self, path: str) -> bool:
        """True when a regular file is there, links followed."""
        return self.disk.kind(path) is FileKind.FILE

    def read(self, path: str) -> bytes | None:
        """A small file's bytes, None when there is none to read."""
        try:
            return self.disk.read(path)
        except OSError as error:
            self.refuse(path, f"cannot be read: {error.strerror or error}", "mend its permissions")
            return None

    def shebang(self, path: str) -> bytes | None:
        """A script's `#!` line, None when there is none to read."""
        try:
            return self.disk.shebang(path)
        except OSError as error:
            self.refuse(path, f"cannot be read: {error.strerror or error}", "mend its permissions")
            return None

    def refuse(self, file: str, what: str, mend: str = "", *, line: int = 0) -> None:
        """Notes a mistake."""
        self.problems.append(Problem(file, line, what, mend))

    def add(self, problems: Iterable[Problem]) -> None:
        """Notes mistakes found elsewhere."""
        self.problems.extend(problems)


_MEND_UNREADABLE = 'mend its permissions, or leave it out: exclude = ["…"] in fusionpipe.toml'


def join(base: str, text: str) -> str:
    """A written path seen from `base`, as a path from the root ("" is the root, "../x" outside of it)."""
    path = posixpath.normpath(posixpath.join(base, text))
    return "" if path == "." else path


def directory_of(path: str) -> str:
    """The directory a path lies in; "" at the root."""
    return path.rpartition("/")[0]


def is_outside(path: str) -> bool:
    """True when a joined path leaves the project."""
    return path == ".." or path.startswith(("../", "/"))
