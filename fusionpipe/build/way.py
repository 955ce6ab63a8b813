"""Making way for something new at a path of the user's: what is theirs is moved aside, never deleted (L9).

Deleted is only what the store holds byte for byte: a copy that was made before, and not changed since.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fusionpipe.build.keep import move_aside
from fusionpipe.errors import UsageError
from fusionstore.digest import digest_file
from fusionstore.errors import TreeLost
from fusionstore.store import Store
from fusionstore.tree import Entry, Kind, Tree, build


def refuse_what_is_there(place: Path) -> None:
    """Raises UsageError if anything but an empty directory is at a path."""
    if os.path.lexists(place) and not _is_empty_directory(place):
        raise UsageError(
            f"{place} is there already",
            "name another directory; or --force: what is there is moved aside (an unchanged copy of a "
            "stored result is replaced)",
        )


@contextmanager
def clear_way(store: Store, place: Path) -> Iterator[Path | None]:
    """Nothing is at `place` within; gives where the user's own is, or None. Put back when that fails."""
    if not os.path.lexists(place):
        yield None
        return
    if _is_empty_directory(place):
        place.rmdir()
        yield None
        return
    is_ours = _is_link_into(store, place)
    aside = move_aside(place)
    if not is_ours and not aside.is_symlink() and aside.is_dir():
        is_ours = _is_stored(store, tree_of(aside))
    try:
        yield None if is_ours else aside
    except BaseException:
        os.rename(aside, place)
        raise
    if is_ours and aside.is_symlink():
        aside.unlink()
    elif is_ours:
        shutil.rmtree(aside)


def tree_of(directory: Path) -> Tree | None:
    """The tree that a directory would be stored as; None if it holds what cannot be. Reads every byte."""
    entries: dict[str, Entry] = {}
    for here, directories, names in os.walk(directory):
        below = os.path.relpath(here, directory)
        prefix = "" if below == "." else f"{below}/"
        for name in (*directories, *names):
            entry = _entry(f"{here}/{name}")
            if entry is None:
                return None
            entries[prefix + name] = entry
    return build(entries)


def _entry(path: str) -> Entry | None:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return Entry("", Kind.SYMLINK, target=os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return Entry("", Kind.DIRECTORY)
    if not stat.S_ISREG(status.st_mode):
        return None
    kind = Kind.EXECUTABLE if status.st_mode & 0o111 else Kind.FILE
    return Entry("", kind, digest_file(path), status.st_size)


def _is_stored(store: Store, tree: Tree | None) -> bool:
    """True if the store holds, proven, every byte of it."""
    if tree is None:
        return False
    try:
        store.check(tree.root)
    except (TreeLost, KeyError):
        return False
    return True


def _is_link_into(store: Store, place: Path) -> bool:
    return place.is_symlink() and Path(os.readlink(place)).is_relative_to(store.path)


def _is_empty_directory(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink() and not any(place.iterdir())
