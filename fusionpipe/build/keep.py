"""The user's own bytes in a generated place: taken into the store and rooted before a link replaces them.

Nothing of the user's is ever deleted (L9): the directory goes only after its copy is durable and rooted.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from fusionpipe.errors import FusionpipeError
from fusionstore.contract import JsonObject, Root
from fusionstore.errors import ChangedWhileStored, StoreError
from fusionstore.store import Store
from fusionstore.tree import EMPTY_TREE, Kind, Tree

MOST_KEPT = 1 << 30
"""Bytes of a real data/ up to which it is taken in without asking."""


class UserDataInTheWay(FusionpipeError):
    """A node's real data/ is too large to be taken into the store unasked."""

    def __init__(self, path: str, size: int) -> None:
        super().__init__(path, size)
        self.path = path
        self.size = size

    def __str__(self) -> str:
        return (
            f"{self.path} is a real directory with {self.size / 1e9:.1f} GB of your own, where the link to "
            "the result belongs\n"
            "  move it away; or, if it is the node's data, say `source = true` in its node.toml; or, if it "
            "is its result, fp accept it"
        )


def keep_user_data(store: Store, directory: Path) -> str | None:
    """Takes a real directory out of the way. Gives where its bytes are now, None if there were none.

    Raises UserDataInTheWay, StoreError, OSError.
    """
    if not os.listdir(directory):
        directory.rmdir()
        return None
    refuse_if_large(directory)
    tree = store.ingest_copy(directory)
    is_known = _is_known(store, tree.root)
    if tree.root != EMPTY_TREE.root and not is_known:
        body: JsonObject = {"path": str(directory), "kept": time.time()}
        store.write_root(
            Root(f"kept-{tree.root}", trees=(tree.root,), encodings=tree.directories, body=body)
        )
    take_away(store, directory, tree)
    return str(store.tree_path(tree.root))


def take_away(store: Store, directory: Path, kept: Tree) -> None:
    """Removes a directory whose bytes are kept. Raises ChangedWhileStored if it holds others by now."""
    aside = directory.with_name(f".{directory.name}.{os.getpid()}")
    os.rename(directory, aside)  # from here on nobody finds it by its name
    if not _still_holds(aside, kept):
        os.rename(aside, directory)
        raise ChangedWhileStored(str(directory))
    try:
        store.trash(aside)
    except StoreError:  # the store lies on another file system
        import shutil  # slow to import, seldom needed

        shutil.rmtree(aside)


def _still_holds(directory: Path, kept: Tree) -> bool:
    """True if nothing was written to it since it was copied, as names and sizes tell."""
    there: dict[str, int] = {}
    for place, directories, names in os.walk(directory):
        for name in (*directories, *names):
            path = os.path.join(place, name)
            status = os.lstat(path)
            there[os.path.relpath(path, directory)] = (
                status.st_size if stat.S_ISREG(status.st_mode) else -1
            )
    files = (Kind.FILE, Kind.EXECUTABLE)
    return there == {at: e.size if e.kind in files else -1 for at, e in kept.walk()}


def move_aside(path: Path) -> Path:
    """Gives the user's plain file another name, so that nothing of theirs is lost; that name."""
    aside = path.with_name(f"{path.name}.yours")
    number = 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.name}.yours{number}")
    os.rename(path, aside)
    return aside


def refuse_if_large(directory: Path) -> None:
    """Raises UserDataInTheWay for a directory above the limit. Cheap for small ones."""
    total = 0
    for place, _, names in os.walk(directory):
        for name in names:
            total += os.lstat(os.path.join(place, name)).st_size
        if total > MOST_KEPT:
            raise UserDataInTheWay(str(directory), total)


def _is_known(store: Store, tree: str) -> bool:
    return any(tree in root.trees for root in store.roots())
