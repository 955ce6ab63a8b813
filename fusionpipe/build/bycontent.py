"""Which results hold a file or a directory, wherever it lies: asked by its bytes, not by its name.

A digest is looked for in the encodings of every record: 10,000 records take about a second. Refused: an index
of all blobs, which every publish would pay for and few would ever ask.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.archive import Archive, read
from fusionpipe.errors import UsageError
from fusionstore.contract import FullRecord, NamedAs
from fusionstore.digest import Digest, digest_file
from fusionstore.tree import Entry, Kind, Tree, build

_ALL = 1 << 40


class Held(NamedTuple):
    """Where a result holds what was looked for: `at` begins with a slot ("data/x.csv") or with what was kept."""

    full: FullRecord
    at: str
    is_output: bool


def digest_of(path: Path) -> Digest:
    """What a file or a directory is in the store. Raises UsageError for what can be neither, OSError."""
    if path.is_dir():
        return build(dict(_entries(path, ""))).root
    if path.is_file():
        return digest_file(path)
    what = "leads nowhere" if path.is_symlink() else "is neither a file nor a directory"
    raise UsageError(f"{path} {what}")


def held(archive: Archive, path: Path) -> list[Held]:
    """The results that hold a file or directory, the one whose stored tree it lies in before all.

    Then outputs before inputs, those that are linked now, the first made. Raises UsageError, OSError.
    """
    digest = digest_of(path)
    inside = _tree_around(archive, path)
    found = [one for full in _records_with(archive, digest) if (one := _place(full, digest))]
    linked = {archive.state.record(name) for name in archive.state.names}
    return sorted(
        found,
        key=lambda one: (
            inside not in one.full.record.slots.values(),
            not one.is_output,
            one.full.record.id not in linked,
            one.full.record.made,
        ),
    )


def _tree_around(archive: Archive, path: Path) -> str:
    """The stored tree that a path leads into, through a node's data/, "" if it does not."""
    trees = os.path.realpath(archive.store.tree_path(Digest("")))
    real = os.path.realpath(path)
    return real.removeprefix(f"{trees}/").partition("/")[0] if real.startswith(f"{trees}/") else ""


def _records_with(archive: Archive, digest: Digest) -> Iterator[FullRecord]:
    raw = bytes.fromhex(digest)
    for named in archive.store.named("", _ALL):
        if named.kind is not NamedAs.RECORD:
            continue
        full = read(archive, named.hash)
        if full is None:
            continue
        roots = (*full.record.slots.values(), *full.keeps.values())
        if digest in (*roots, full.record.log) or any(
            raw in encoding for encoding in full.trees.values()
        ):
            yield full


def _place(full: FullRecord, digest: Digest) -> Held | None:
    """Where in the result; None if the bytes only looked so."""
    for names, is_output in ((full.record.slots, True), (full.keeps, False)):
        for name, root in names.items():
            if root == digest:
                return Held(full, name, is_output)
            for path, entry in Tree(root, full.trees).walk():
                if entry.digest == digest:
                    return Held(full, f"{name}/{path}", is_output)
    return Held(full, "logs.txt", is_output=True) if full.record.log == digest else None


def _entries(top: Path, prefix: str) -> Iterator[tuple[str, Entry]]:
    """The directory as the store would see it."""
    with os.scandir(top / prefix) as names:
        for one in names:
            at = prefix + one.name
            if one.is_symlink():
                yield at, Entry(one.name, Kind.SYMLINK, target=os.readlink(one.path))
            elif one.is_dir():
                yield at, Entry(one.name, Kind.DIRECTORY)
                yield from _entries(top, f"{at}/")
            elif one.is_file():
                status = one.stat()
                kind = Kind.EXECUTABLE if status.st_mode & 0o100 else Kind.FILE
                yield at, Entry(one.name, kind, digest_file(one.path), status.st_size)
            else:
                raise UsageError(f"{top / at} is neither a file nor a directory")
