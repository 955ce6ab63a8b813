"""Garbage collection of a project's store: what is to be kept of all who use it, and what came of it.

Beside the store's own rules: the last results of each node stay, and a project that cannot be found keeps its
roots until somebody says `--forget`; after thirty days it is named.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.state import DIRECTORY, State
from fusionpipe.errors import UsageError
from fusionpipe.eviction import Ancestry, Rules, choose, node_of
from fusionstore.contract import Root
from fusionstore.inventory import Collected, Inventory
from fusionstore.store import Store

PATIENCE = 30 * 86400.0
"""Seconds for which a project may be away (an unmounted disk, a move) before it is named."""

_PROJECT = "project-"
_NOTES = "gc.json"
_TRIED = "gc.tried"
_UNDER = 0.95  # of a quota: the next small build need not collect again
_RETRY = 3600.0  # seconds after which a quota that could not be kept is tried again


class Missing(NamedTuple):
    """A project whose results are kept and that is not where it was. `since` is when that was first noticed."""

    id: str
    path: str
    since: float
    records: int


class NodeShare(NamedTuple):
    """What went of one node."""

    node: str
    results: int
    bytes: int
    seconds: float


class Freed(NamedTuple):
    """What a collection did, or would do."""

    results: int
    bytes: int
    before: int  # bytes of the store
    seconds: float  # of computing to get it all back
    nodes: tuple[NodeShare, ...]  # the largest first
    kept: int
    rooted: int  # of those: linked, chosen or pinned
    young: int  # of those: needed lately
    unrepeatable: int  # of those: to be repeated only after their parents
    missing: tuple[Missing, ...]


def collect(
    store: Store, rules: Rules, *, dry_run: bool = False, now: float | None = None
) -> Freed:
    """Lets go of what the rules do not keep. Raises StoreError, before anything goes, for unreadable roots."""
    now = time.time() if now is None else now
    missing = tuple(missing_projects(store, now, notes_it=not dry_run))
    recent = _recent(store.roots())
    done = store.collect(
        lambda inventory: choose(inventory, rules, recent), dry_run=dry_run, now=now
    )
    return _told(done, missing)


def missing_projects(store: Store, now: float, *, notes_it: bool = True) -> Iterator[Missing]:
    """The projects that are not where they were; when that was first seen is written down in the store."""
    before = _noted(store)
    missed: dict[str, float] = {}
    for root in _projects(store.roots()):
        if _is_there(root):
            continue
        since = before.get(root.name, now)
        missed[root.name] = since
        path = str(root.body.get("path"))
        yield Missing(root.name.removeprefix(_PROJECT), path, since, len(root.records))
    if notes_it and missed != before:
        _note(store, missed)


def forget(store: Store, id: str) -> None:
    """Lets go of all that a missing project kept. Raises UsageError if there is none, or it is there."""
    root = store.read_root(f"{_PROJECT}{id}")
    if root is None:
        raise UsageError(
            f"no project {id} has results in this store", "fp gc -n names those that are missing"
        )
    if _is_there(root):
        raise UsageError(
            f"the project {id} is there: {root.body.get('path')}",
            "only a project that is gone is forgotten; `fp destroy` there lets go of its results",
        )
    names = [one.name for one in store.roots() if one.name.startswith(f"source-{id}-")]
    for name in (*names, root.name):
        store.delete_root(name)


def keep_quota(store: Store, quota: int, tell: Callable[[str], None]) -> None:
    """Keeps a store below its quota. One read where it is below; throttled where it cannot be kept."""
    if not quota or store.usage().stored <= quota or _was_tried(store):
        return
    freed = collect(store, Rules(max_size=int(quota * _UNDER)))
    if freed.results:
        tell(
            f"the store was above its quota: {freed.results} results that nobody links went "
            f"({freed.bytes / 1e9:.1f} GB; {freed.seconds / 3600:.1f} h to make again)"
        )
    if store.usage().stored > quota:
        _place(store, _TRIED).touch()
        tell("the store is above its quota, but all it holds is linked, pinned or of the last hour")


def _told(done: Collected, missing: Sequence[Missing]) -> Freed:
    inventory, gone = done.inventory, {held.id for held in done.records}
    ancestry = Ancestry(inventory)
    kept = [held for held in inventory.live() if held.id not in gone]
    return Freed(
        results=len(gone),
        bytes=done.bytes,
        before=inventory.size,
        seconds=ancestry.seconds(done.records, gone),
        nodes=_shares(inventory, done),
        kept=len(kept),
        rooted=sum(held.id in inventory.rooted for held in kept),
        young=sum(held.id in inventory.young - inventory.rooted for held in kept),
        unrepeatable=ancestry.unrepeatable(gone),
        missing=tuple(missing),
    )


def _shares(inventory: Inventory, done: Collected) -> tuple[NodeShare, ...]:
    """What went by node; an object that several shared is counted for the first."""
    free = set(inventory.unneeded({held.id for held in done.records}))
    found: dict[str, NodeShare] = {}
    for held in done.records:
        name = node_of(held)
        mine = inventory.needs(held) & free
        free -= mine
        before = found.get(name, NodeShare(name, 0, 0, 0.0))
        found[name] = NodeShare(
            name,
            before.results + 1,
            before.bytes + inventory.bytes_of(mine),
            before.seconds + held.record.seconds,
        )
    return tuple(sorted(found.values(), key=lambda share: (-share.bytes, share.node)))


# -- projects ---------------------------------------------------------------------------------
def _projects(roots: Sequence[Root]) -> Iterator[Root]:
    return (root for root in roots if root.name.startswith(_PROJECT))


def _is_there(root: Root) -> bool:
    path = root.body.get("path")
    if not isinstance(path, str):
        return False
    try:
        id = (Path(path) / DIRECTORY / "id").read_text().strip()
    except OSError:
        return False
    return root.name == f"{_PROJECT}{id}"


def _recent(roots: Sequence[Root]) -> dict[str, tuple[str, ...]]:
    """The records that the projects that are there used of each node, latest first."""
    found: dict[str, tuple[str, ...]] = {}
    for root in _projects(roots):
        if not _is_there(root):
            continue
        path = str(root.body["path"])
        state = State.load(Path(path))
        for name in state.names:
            found[f"{path}/{name}"] = state.row(name).recent
    return found


# -- what is written down -----------------------------------------------------------------------
def _place(store: Store, name: str = _NOTES) -> Path:
    return store.path / name


def _noted(store: Store) -> dict[str, float]:
    try:
        plain = json.loads(_place(store).read_text())
    except (OSError, ValueError):
        return {}
    missed = plain.get("missed") if isinstance(plain, dict) else None
    if not isinstance(missed, dict):
        return {}
    return {name: since for name, since in missed.items() if isinstance(since, int | float)}


def _note(store: Store, missed: dict[str, float]) -> None:
    beside = store.scratch() / _NOTES
    beside.write_text(json.dumps({"missed": missed}, indent=1) + "\n")
    os.replace(beside, _place(store))


def _was_tried(store: Store) -> bool:
    """Whether the quota was found not to be kept a short while ago."""
    try:
        return time.time() - os.stat(_place(store, _TRIED)).st_mtime < _RETRY
    except OSError:
        return False
