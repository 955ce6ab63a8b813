"""A project's past: its store, its state and its journal, opened without reading its nodes.

Whatever is wrong with a node's files today, what was computed can be looked at, compared and brought back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.session import store_path
from fusionpipe.build.state import State
from fusionpipe.errors import ProjectInvalid
from fusionpipe.model import ProjectSettings
from fusionpipe.project.reading import Reading
from fusionpipe.project.rootfile import read_root
from fusionpipe.workspace import Workspace
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
