"""A project's past: its store, its state and its journal, opened without reading its nodes.

Whatever is wrong with a node's files today, what was computed can be looked at, compared and brought back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.session import store_path
from fusionpipe.build.state import State
from fusionpipe.errors import ProjectInvalid, UsageError
from fusionpipe.model import NodeName, ProjectSettings
from fusionpipe.project.reading import Reading
from fusionpipe.project.rootfile import read_root
from fusionpipe.workspace import Workspace
from fusionstore.contract import FullRecord
from fusionstore.digest import RecordId
from fusionstore.errors import Corrupt
from fusionstore.store import Store


class Archive(NamedTuple):
    """What a project remembers, and where its results lie."""

    root: Path
    ambient: Mapping[str, str]
    settings: ProjectSettings
    store: Store
    state: State


@contextmanager
def open_archive(root: Path, ambient: Mapping[str, str]) -> Iterator[Archive]:
    """The archive of the project at `root`. Raises ProjectInvalid if its root file is, StoreError."""
    state = State.load(root)
    reading = Reading(Workspace(root, state.memory, lambda _: False))
    found = read_root(reading)
    if found is None or reading.problems:
        raise ProjectInvalid(reading.problems)
    store = Store.open(store_path(root, found.settings, ambient))
    try:
        yield Archive(root, ambient, found.settings, store, state)
    finally:
        store.close()


def read(archive: Archive, id: str) -> FullRecord | None:
    """A record, None if it cannot be read any more."""
    try:
        return archive.store.read_record(RecordId(id))
    except (KeyError, Corrupt):
        return None


def maker(full: FullRecord) -> NodeName:
    """The node that made a result, as it was called then."""
    node = full.body.get("node")
    return NodeName(node if isinstance(node, str) else "")


def shows(archive: Archive, node: NodeName, record: str) -> bool:
    """True if a node shows a result now; one that was renamed or removed since shows nothing."""
    return archive.state.record(node) == record and os.path.lexists(archive.root / node / "data")


def is_gone(archive: Archive, full: FullRecord) -> bool:
    """True if a result's bytes were given up: its record only tells what was."""
    return all(one.id != full.record.id for one in archive.store.records(full.record.key))


class BytesGone(UsageError):
    """What was asked for was given up, or lost: its record only tells what was."""

    def __init__(self, full: FullRecord, what: str, mend: str = "") -> None:
        id = full.record.id[:12]
        super().__init__(
            f"the bytes of {id} ({maker(full) or 'of nobody known'}) are gone: {what}",
            mend or f"its record is not: fp reproduce --deep {id} makes them again",
        )


def refuse_gone(archive: Archive, full: FullRecord) -> None:
    """Raises BytesGone if a result's bytes were given up; else no clean-up takes them while we work."""
    if not archive.store.hold([full.record.id]):
        raise BytesGone(full, "nobody kept them")
