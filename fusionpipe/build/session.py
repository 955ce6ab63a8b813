"""Everything a command needs of a project, opened once: its graph, its files, its store, its state."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fusionpipe.build.baseline import Baseline
from fusionpipe.build.keep import keep_user_data
from fusionpipe.build.links import NodeLinks
from fusionpipe.build.lookup import Lookup
from fusionpipe.build.state import DIRECTORY, State
from fusionpipe.errors import UsageError
from fusionpipe.hot import variable
from fusionpipe.model import Graph, NodeName, ProjectSettings
from fusionpipe.prints import Print, fingerprint_of
from fusionpipe.runner.probe import CHOOSING
from fusionpipe.runner.tools import Toolbox
from fusionpipe.settings import STORE
from fusionpipe.structure import NO_STRUCTURE, Marker, Structure
from fusionpipe.workspace import Workspace
from fusionstore.digest import Digest
from fusionstore.errors import Corrupt
from fusionstore.statcache import ProbeClock
from fusionstore.store import Store, no_step

if TYPE_CHECKING:
    from fusionpipe.hot import Difference
    from fusionpipe.project import Override


class Session:
    """One command's view of one project."""

    def __init__(
        self, graph: Graph, ambient: Mapping[str, str], opening: Opening, store: Store
    ) -> None:
        self.root = opening.root
        self.ambient = ambient
        self.graph = graph
        self.disk = opening.disk
        self.state = opening.state
        self.clock = opening.clock
        self.store = store
        self.notes: list[str] = []
        self.toolbox = Toolbox(self.disk, ambient, self.root, graph.settings, self.state.probes)
        self.links = _links(self.root, store, graph, self.state, self.notes)
        self.lookup = Lookup(
            graph, self.disk, store, self.toolbox, self.state, ambient, self.links.linked_root
        )
        self.overrides: tuple[Override, ...] = ()
        self.structure: Structure = NO_STRUCTURE  # what the graph was made from
        self.baseline: Baseline | None = None  # what is as the last build left it
        self.leaves_trash = False  # a build ran: what it moved out of its way can go now

    @classmethod
    def open(
        cls,
        root: Path,
        ambient: Mapping[str, str],
        overrides: Sequence[Override] = (),
        *,
        step: Callable[[str], None] = no_step,
    ) -> Session:
        """Reads the project and opens its store. Raises ProjectInvalid, StoreError, UsageError.

        `step` hears each step of publishing (see `Store.open`).
        """
        opening = Opening(root)
        with opening.undone():
            marker = Marker()
            opening.disk.note = marker.note
            graph = _load(opening.disk, overrides)
            opening.disk.note = None
            session = opening.session(graph, ambient, step)
        session.overrides = tuple(overrides)
        session.structure = marker.structure(opening.disk.listings, graph.nodes)
        return session

    @classmethod
    def resume(
        cls,
        root: Path,
        ambient: Mapping[str, str],
        difference: Difference,
        *,
        step: Callable[[str], None] = no_step,
    ) -> Session | None:
        """Goes on from the last fresh build, given what differs from it now, without reading the project.

        None when the difference is of a kind that asks for that. Raises StoreError, UsageError.
        """
        opening = Opening(root)
        with opening.undone():
            state = opening.state
            baseline = Baseline.of(root, difference, opening.disk, state.unsettled)
            # without rows the project's root would keep nothing of what is left alone
            if baseline is None or not state.has_rows:
                opening.clock.close()
                return None
            session = opening.session(baseline.remembered.graph, ambient, step)
        session.baseline = baseline
        return session

    def variables(self) -> dict[str, str | None]:
        """The environment variables that what was found depends on, with their values."""
        names = {STORE, "PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "HOME"}
        names.update(f"{prefix}*" for prefix in CHOOSING)
        names.update(name for node in self.graph.nodes.values() for name in node.env)
        return {name: variable(self.ambient, name) for name in sorted(names)}

    def data_digest(self, node: NodeName) -> Digest:
        """The digest of a node's linked data. KeyError if nothing is linked."""
        row = self.state.row(node)
        if not row.tree:
            raise KeyError(node)
        return Digest(row.tree)

    def take_notes(self) -> list[str]:
        """What is to be told of the user's files, since last asked."""
        taken = self.notes[:]
        self.notes.clear()
        return taken

    def close(self) -> None:
        """Lets go of the store."""
        self.store.close()
        self.clock.close()
        if self.leaves_trash:
            self.store.empty_trash()


class Opening:
    """What a session is made of before its graph is known."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.private = root / DIRECTORY
        _make_private(self.private)
        self.state = State.load(root)
        self.clock = ProbeClock(self.private)
        is_settled = _settled_by(self.clock, self.private)
        self.disk = Workspace(root, self.state.memory, is_settled)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Leaves no probe behind when there will be no session: one for every mistake told."""
        try:
            yield
        except BaseException:
            self.clock.close()
            raise

    def session(
        self, graph: Graph, ambient: Mapping[str, str], step: Callable[[str], None]
    ) -> Session:
        """The session of a graph, its store opened."""
        store = Store.open(store_path(self.root, graph.settings, ambient), step=step)
        if not self.state.has_rows:
            _recall_choices(self.private, store, self.state)
        return Session(graph, ambient, self, store)


def _recall_choices(private: Path, store: Store, state: State) -> None:
    """Takes the project's choices from its root in the store, where the state was deleted (L5, L7)."""
    try:
        root = store.read_root(f"project-{(private / 'id').read_text().strip()}")
    except (OSError, Corrupt):
        return
    choices = None if root is None else root.body.get("choices")
    if isinstance(choices, dict):
        for key, record in choices.items():
            state.choose(key, str(record))


def _settled_by(clock: ProbeClock, private: Path) -> Callable[[Print], bool]:
    """The racy rule for each device: of file systems other than ours little is known, so much is doubted."""
    ours = os.stat(private).st_dev
    doubting = ProbeClock(private, precise=False)

    def is_settled(seen: Print) -> bool:
        of = fingerprint_of(seen)
        return (clock if of.device == ours else doubting).is_settled(of)

    return is_settled


def _load(disk: Workspace, overrides: Sequence[Override]) -> Graph:
    """The graph. Nothing made while reading is garbage, and looking for some costs a third of the time."""
    from fusionpipe.project import (
        load,  # slow to import; a build that goes on from the last reads nothing
    )

    gc.disable()
    try:
        return load(disk, overrides)
    finally:
        gc.enable()


def _links(root: Path, store: Store, graph: Graph, state: State, notes: list[str]) -> NodeLinks:
    def keep(directory: Path) -> None:
        row = state.row(NodeName(os.path.relpath(directory.parent, root)))
        place = keep_user_data(store, directory)
        # a run by hand that wrote what the result holds anyway is nothing to warn of
        if place is not None and os.path.basename(place) not in (row.tree, row.reports):
            notes.append(f"{directory.name}/ held files of your own: they are kept in {place}")

    mode = graph.settings.link
    plain = None
    if mode != "symlink":
        from fusionpipe.build.plain import PlainResults  # slow to import, seldom wanted

        plain = PlainResults(root, root / DIRECTORY / "state", mode, keep)
    return NodeLinks(root, store.path, store.tree_path, store.object_path, keep, plain)


def store_path(root: Path, settings: ProjectSettings, ambient: Mapping[str, str]) -> Path:
    """Where the project's results live."""
    told = ambient.get(STORE) or settings.store
    return root / os.path.expanduser(told) if told else root / DIRECTORY / "store"


def _make_private(private: Path) -> None:
    try:
        (private / "state").mkdir(parents=True, exist_ok=True)
        for directory in (private, private / "state"):
            if not os.access(directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise UsageError(
            f"cannot write in {private}: {os.strerror(error.errno or 0)}",
            "fusionpipe keeps its state there: make the project writable, or build a copy of it",
        ) from error
