"""What directories from elsewhere may say: that is decided here, of their encodings alone, before
anything is written. Each directory is looked at once, however often it is named.

A name cannot lead out of a tree (`tree.decode` refuses those); a link could, so each is followed as a
kernel would. A few thousand bytes can describe a tree of 2**64 names, so names are counted, not walked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from fusionstore.bundle import BadBundle, Manifest
from fusionstore.digest import Digest, digest_bytes
from fusionstore.errors import Corrupt
from fusionstore.ingest import MAX_DEPTH
from fusionstore.layout import blob_name
from fusionstore.records import Filed
from fusionstore.tree import Entry, Kind, decode

MOST_NAMES = 1 << 22
"""A tree may have so many names, and sixteen for each that its directories really list."""
LONGEST_NAME = 255
LONGEST_LINK = 4095
_MOST_LINKS = 64  # kernels give up at 40
_MOST_STEPS = 1 << 24  # from name to name, for all links together


class _Directory(NamedTuple):
    entries: Mapping[str, Entry]
    names: int  # in it and below
    depth: int
    size: int
    has_links: bool  # in it or below


class Survey:
    """The directories of a bundle. Raises BadBundle for what cannot be, or must not."""

    def __init__(self, encodings: Mapping[Digest, bytes]) -> None:
        """Looks at every directory's own bytes."""
        self._seen: dict[Digest, _Directory] = {}
        self._entries: dict[Digest, dict[str, Entry]] = {}
        for digest, data in encodings.items():
            if digest_bytes(data) != digest:
                raise BadBundle(f"the directory {digest[:12]} is not what its digest says")
            self._entries[digest] = _read(digest, data)
        listed = sum(map(len, self._entries.values()))
        self._most = MOST_NAMES + 16 * listed
        self._steps = 0

    def look_at(self, root: Digest) -> None:
        """Looks at a whole tree: its directories are there, its sizes add up, its links stay inside."""
        self._look(root, 0)
        for at, entry in self._links(root, ()):
            if self._escapes(root, at, entry.target):
                shown = "/".join((*at, entry.name))
                raise BadBundle(f"the link {shown!r} leads out of its tree, to {entry.target!r}")

    def directories(self, roots: Iterable[Digest]) -> set[Digest]:
        """All directories of these trees."""
        found: set[Digest] = set()
        left = list(roots)
        while left:
            digest = left.pop()
            if digest not in found:
                found.add(digest)
                entries = self._entries[digest].values()
                left += (entry.digest for entry in entries if entry.kind is Kind.DIRECTORY)
        return found

    def blobs(self, roots: Iterable[Digest]) -> dict[str, int]:
        """The files of these trees: blob name -> size. One that is there plain and executable is plain."""
        found: dict[str, int] = {}
        for digest in sorted(self.directories(roots)):
            for entry in self._entries[digest].values():
                if entry.kind in (Kind.FILE, Kind.EXECUTABLE):
                    add_blob(found, entry.digest, entry.size, is_plain=entry.kind is Kind.FILE)
        return found

    def _look(self, digest: Digest, level: int) -> _Directory:
        seen = self._seen.get(digest)
        if seen is None:
            if level > MAX_DEPTH:
                raise BadBundle(f"directories are nested more than {MAX_DEPTH} deep")
            seen = self._seen[digest] = self._sum_up(digest, level)
        if level + seen.depth > MAX_DEPTH + 1:
            raise BadBundle(f"directories are nested more than {MAX_DEPTH} deep")
        return seen

    def _sum_up(self, digest: Digest, level: int) -> _Directory:
        entries = self._entries.get(digest)
        if entries is None:
            raise BadBundle(f"the directory {digest[:12]} is named and not there")
        names, depth, size, has_links = len(entries), 1, 0, False
        for entry in entries.values():
            size += entry.size
            if entry.kind is Kind.SYMLINK:
                has_links = True
            elif entry.kind is Kind.DIRECTORY:
                below = self._look(entry.digest, level + 1)
                if below.size != entry.size:
                    raise BadBundle(f"the size of {entry.name!r} is not that of what is in it")
                names, depth = names + below.names, max(depth, 1 + below.depth)
                has_links = has_links or below.has_links
        if names > self._most:
            raise BadBundle(f"a tree has more than {self._most:,} names")
        return _Directory(entries, names, depth, size, has_links)

    def _links(
        self, digest: Digest, at: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], Entry]]:
        for entry in self._entries[digest].values():
            if entry.kind is Kind.SYMLINK:
                yield at, entry
            elif entry.kind is Kind.DIRECTORY and self._seen[entry.digest].has_links:
                yield from self._links(entry.digest, (*at, entry.name))

    def _escapes(self, root: Digest, at: tuple[str, ...], target: str) -> bool:
        """True if a link in the directory `at` leads out, going from name to name as a kernel does."""
        here = [self._entries[root]]
        for name in at:
            here.append(self._entries[here[-1][name].digest])
        left = [target]
        followed = 0
        while left:
            path = left.pop()
            if path.startswith("/"):
                return True
            first, _, rest = path.partition("/")
            left += [rest.lstrip("/")] if rest.strip("/") else []
            self._count_step()
            entry = here[-1].get(first)
            if first == "..":
                here.pop()
                if not here:
                    return True
            elif entry is not None and entry.kind is Kind.SYMLINK and followed < _MOST_LINKS:
                followed += 1
                left.append(entry.target)
            elif first not in ("", "."):
                # a file or nothing leads nowhere; nor does a circle, which no kernel follows for long
                is_directory = entry is not None and entry.kind is Kind.DIRECTORY
                here.append(self._entries[entry.digest] if entry and is_directory else {})
        return False

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise BadBundle("following its links takes too long")


def all_roots(manifest: Manifest, filed: Iterable[Filed]) -> list[Digest]:
    """The roots of all trees of a bundle."""
    fulls = [one.full for one in filed]
    named = [root for full in fulls for root in (*full.record.slots.values(), *full.keeps.values())]
    return [*manifest.trees, *named]


def needed(manifest: Manifest, filed: Iterable[Filed], survey: Survey) -> dict[str, int | None]:
    """The files that have to come with these records: blob name -> size, None where nothing tells it.

    Looks at all their trees first. Raises BadBundle.
    """
    filed = list(filed)
    for root in all_roots(manifest, filed):
        survey.look_at(root)
    wanted: list[Digest] = list(manifest.trees)
    for one in filed:
        slots, keeps = one.full.record.slots.values(), one.full.keeps.values()
        if survey.directories([*slots, *keeps]) != {*one.full.trees, *one.spilled}:
            raise BadBundle(
                f"the record {one.full.record.id[:12]} frames other directories than it names"
            )
        wanted += [*keeps, *slots] if manifest.has_data else keeps
    needs: dict[str, int | None] = {**survey.blobs(wanted)}
    for one in filed:
        log = one.full.record.log
        if log is not None:
            size = needs.pop(blob_name(log, executable=True), None)
            needs[log] = needs.get(log, size)
    return needs


def add_blob(found: dict[str, int], digest: Digest, size: int, *, is_plain: bool) -> None:
    """Notes a file that is needed, under one of its two names."""
    plain, twin = blob_name(digest), blob_name(digest, executable=True)
    known = found.get(plain, found.get(twin, size))
    if known != size:
        raise BadBundle(f"the file {digest[:12]} is said to have {known} and {size} bytes")
    if is_plain:
        found.pop(twin, None)
    if is_plain or plain not in found:
        found[plain if is_plain else twin] = size


def _read(digest: Digest, data: bytes) -> dict[str, Entry]:
    try:
        entries = decode(data)
    except Corrupt as error:
        raise BadBundle(f"the directory {digest[:12]} cannot be read: {error.what}") from error
    for entry in entries:
        if len(os.fsencode(entry.name)) > LONGEST_NAME:
            raise BadBundle(f"a name is longer than {LONGEST_NAME} bytes")
        if entry.kind is Kind.SYMLINK and not _is_target(os.fsencode(entry.target)):
            raise BadBundle(f"the link {entry.name!r} leads to no name")
    return {entry.name: entry for entry in entries}


def _is_target(target: bytes) -> bool:
    return 0 < len(target) <= LONGEST_LINK and b"\0" not in target
