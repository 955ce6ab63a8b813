"""The files of a directory as they will be laid out: symlinks kept or followed, the rest at its place.

A symlink whose target is laid out with it stays a symlink; any other is replaced by what it points at,
since the place it points at does not exist where the node runs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import NamedTuple

from fusionpipe.disk import FileKind, Listed
from fusionpipe.model import Laid
from fusionpipe.project.reading import Reading

Skip = Callable[[str, str, bool], bool]
"""Whether to leave out (path, name, is it a directory)."""


class Walked(NamedTuple):
    """What one directory lays out, sorted; `empty` are directories with nothing in them."""

    files: tuple[Laid, ...]
    empty: tuple[str, ...]


def walk_files(reading: Reading, directory: str, skip: Skip) -> Walked:
    """Everything below a directory; what cannot be laid out (sockets, loops) is noted."""
    listing = reading.scan(directory)
    if directory and all(listed.kind is FileKind.FILE for listed in listing):
        return Walked(_plain_files(directory, listing, skip), ())
    walk = _FileWalk(reading, directory, skip)
    walk.enter(directory, "", ())
    walk.settle_links()
    return Walked(tuple(sorted(walk.files, key=_by_place)), tuple(sorted(walk.empty)))


def _plain_files(directory: str, listing: Iterable[Listed], skip: Skip) -> tuple[Laid, ...]:
    """What most directories of code have: nothing but files, listed by name."""
    return tuple(
        [
            Laid(name, path)
            for name, _, _ in listing
            if not skip(path := f"{directory}/{name}", name, False)
        ]
    )


def _by_place(laid: Laid) -> str:
    return laid.at


class _Link(NamedTuple):
    """A symlink met on the way; `chain` are the real directories that led to it."""

    at: str
    path: str
    chain: tuple[str, ...]


class _FileWalk:
    def __init__(self, reading: Reading, top: str, skip: Skip) -> None:
        self.reading = reading
        self.top = top
        self.skip = skip
        self.files: list[Laid] = []
        self.empty: list[str] = []
        self._places: set[str] = set()
        self._links: list[_Link] = []

    def enter(self, directory: str, at: str, chain: tuple[str, ...]) -> None:
        """Takes in a directory. `chain` are the real paths of the symlinked directories passed."""
        listing = self.reading.scan(directory)
        prefix = at + "/" if at else ""
        start = directory + "/" if directory else ""
        self._places.add(at)
        if not listing and at:
            self.empty.append(at)
        for listed in listing:
            path = start + listed.name
            is_directory = listed.kind is FileKind.DIRECTORY
            if self.skip(path, listed.name, is_directory):
                continue
            match listed.kind:
                case FileKind.FILE:
                    self._place(prefix + listed.name, path)
                case FileKind.DIRECTORY:
                    self.enter(path, prefix + listed.name, chain)
                case FileKind.SYMLINK:
                    self._links.append(_Link(prefix + listed.name, path, chain))
                case FileKind.OTHER:
                    self._refuse_special(path)

    def settle_links(self) -> None:
        """Keeps the symlinks whose target is laid out too, and follows the others."""
        while self._links:
            links, self._links = self._links, []
            places = self._places | {link.at for link in links}
            for link in links:
                if not link.chain and self._stays_inside(link, places):
                    self._places.add(link.at)
                    self.files.append(Laid(link.at, link.path, is_link=True))
                else:
                    self._follow(link)

    def _place(self, at: str, path: str) -> None:
        self._places.add(at)
        self.files.append(Laid(at, path))

    def _stays_inside(self, link: _Link, places: set[str]) -> bool:
        text = self.reading.disk.read_link(link.path)
        if text is None or text.startswith("/"):
            return False
        target = posixpath.normpath(posixpath.join(posixpath.dirname(link.at), text))
        target = "" if target == "." else target
        if target not in places or target == link.at:
            return False
        seen_plainly = posixpath.join(self.top, target) if target else self.top
        real_path = self.reading.disk.real_path
        return real_path(link.path) == real_path(seen_plainly)

    def _follow(self, link: _Link) -> None:
        match self.reading.disk.kind(link.path):
            case FileKind.FILE:
                self._place(link.at, link.path)
            case FileKind.DIRECTORY:
                self._follow_directory(link)
            case None:
                self._refuse_dangling(link)
            case _:
                self._refuse_special(link.path)

    def _follow_directory(self, link: _Link) -> None:
        if self.skip(link.path, link.path.rpartition("/")[2], True):
            return
        real_path = self.reading.disk.real_path
        target = real_path(link.path)
        here = (real_path(self.top), *link.chain, real_path(posixpath.dirname(link.path)))
        if any(_holds(target, directory) for directory in here):
            self.reading.refuse(
                link.path,
                "is a symlink loop: it leads back to a directory it lies in",
                "remove the symlink, or leave it out with .fpignore",
            )
            return
        self.enter(link.path, link.at, (*link.chain, target))

    def _refuse_dangling(self, link: _Link) -> None:
        text = self.reading.disk.read_link(link.path)
        self.reading.refuse(
            link.path,
            f"is a symlink to {text}, which is not there",
            "mend or remove the symlink, or leave it out with .fpignore",
        )

    def _refuse_special(self, path: str) -> None:
        self.reading.refuse(
            path,
            "is a socket, fifo or device, which cannot be laid out",
            "remove it, or leave it out with .fpignore",
        )


def _holds(above: str, path: str) -> bool:
    """True when `path` is the directory `above` or lies in it ("" is the project's root)."""
    if not above:
        return not path.startswith(("/", "../"))
    return path == above or path.startswith(above + "/")
