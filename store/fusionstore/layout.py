"""Where everything of a store lies. Paths only: nothing here looks at the disk.

Paths are plain `str`: they are made by the thousand in every build.
"""

from __future__ import annotations

from pathlib import Path

from fusionstore.digest import ActionKey, Digest, RecordId

LEASE = 1800.0
"""Seconds for which what somebody needed is left alone by gc, unless store.json says otherwise."""


class Layout:
    """The paths of the store at `root`, and its lease (see leases.py)."""

    __slots__ = (
        "actions",
        "index",
        "lease",
        "locks",
        "objects",
        "quarantine",
        "root",
        "roots",
        "tmp",
        "trees",
    )

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.lease = LEASE
        self.objects = f"{root}/objects"
        self.actions = f"{root}/actions"
        self.roots = f"{root}/roots"
        self.trees = f"{root}/trees"
        self.index = f"{root}/index"
        self.locks = f"{root}/locks"
        self.tmp = f"{root}/tmp"
        self.quarantine = f"{root}/quarantine"

    @property
    def about(self) -> str:
        """The file that says what the store is."""
        return f"{self.root}/store.json"

    @property
    def trash(self) -> str:
        """Where things wait to be deleted when no build is running."""
        return f"{self.tmp}/trash"

    @property
    def failures(self) -> str:
        """Where those who give a claim up leave word."""
        return f"{self.locks}/failures"

    def directories(self) -> tuple[str, ...]:
        """Every directory of a new store, parents first."""
        made = (self.objects, self.actions, self.roots, self.trees, self.index, self.locks)
        return (*made, self.failures, self.tmp, self.trash, self.quarantine)

    def object(self, name: str) -> str:
        """Where the blob of this name (see `blob_name`) lies."""
        return f"{self.objects}/{name[:2]}/{name}"

    def tree(self, digest: Digest) -> str:
        """Where a tree stands when it is materialised."""
        return f"{self.trees}/{digest}"

    def action(self, key: ActionKey) -> str:
        """The first record of a key."""
        return f"{self.actions}/{key[:2]}/{key}"

    def further(self, key: ActionKey, id: RecordId) -> str:
        """Another record of a key."""
        return f"{self.actions}/{key[:2]}/{key}.{id}"

    def gone(self, key: ActionKey, id: RecordId) -> str:
        """A record whose bytes are no longer there."""
        return f"{self.actions}/{key[:2]}/{key}.{id}.gone"

    def imported(self, key: ActionKey, id: RecordId) -> str:
        """A record made in another store that nobody here has trusted or reproduced."""
        return f"{self.actions}/{key[:2]}/{key}.{id}.imported"


def blob_name(digest: Digest, *, executable: bool = False) -> str:
    """The file name of a blob: its digest, with an `x` for the executable twin."""
    return f"{digest}x" if executable else digest
