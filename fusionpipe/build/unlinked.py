"""A build that has nothing to do but to link: where nothing differs from the last one but that data links are gone.

No graph is read, no key asked for and no store opened. What such a build cannot tell, or finds other than it
was, it leaves alone before it has done anything: the other way looks at everything.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.build.snapshot import patched, root_words, words_of
from fusionpipe.build.state import DIRECTORY, NodeRow, State
from fusionpipe.circumstances import circumstances
from fusionpipe.events import (
    BuildFinished,
    BuildStarted,
    NodeFinished,
    NodesKept,
    Notice,
    Outcome,
    Report,
)
from fusionpipe.hot import both, cores, snapshot_path
from fusionpipe.journal import append_build, append_events, new_id, node_line
from fusionpipe.model import NodeName
from fusionpipe.prints import Print, print_of
from fusionpipe.workspace import kind_letter
from fusionstore.digest import Digest
from fusionstore.glance import is_rooted, seals, stands
from fusionstore.statcache import ProbeClock, fingerprint

if TYPE_CHECKING:
    from fusionpipe.hot import Difference, Snapshot

LINK_GONE = "its link was gone or altered"
UNPROVEN = "; large: its files are checked when a node reads it, or by fp verify"
FEW = 1000
"""Names: a result of so many is looked over before it is linked (2 ms), for people read it too."""

_LINK = ("data", "l")
_LOG = ("logs.txt", "l")
WORTH_A_FORK = 200
"""Nodes: half of them take longer to link than to fork."""

_TAKEN = "linked by another build meanwhile"
_T = TypeVar("_T")
_U = TypeVar("_U")
_Names = list[tuple[str, str]]
"""What is in a directory, in order: a name, and a letter for what it stands for."""


class _Node(NamedTuple):
    name: NodeName
    row: NodeRow
    root: bytes  # its tree's directory, as the snapshot has it
    seals: Mapping[Digest, bytes]  # of its data, and its reports if it has some
    names: _Names  # what its directory held with the link


class Unlinked:
    """The nodes whose data links are to be made anew, each with a result that stands as it did."""

    def __init__(
        self,
        snapshot: Snapshot,
        state: State,
        nodes: Sequence[_Node],
        large: Sequence[bool],
        began: float,
        many: int,
    ) -> None:
        self._snapshot = snapshot
        self._root = snapshot.root
        self._began = began
        self._many = many
        self._state = state
        self._nodes = nodes
        self._large = large
        self._prefix = _prefix(self._root)

    @classmethod
    def of(cls, difference: Difference, *, many: int = WORTH_A_FORK) -> Unlinked | None:
        """None where something else differs too, or what is stored is not as it was.

        From so `many` nodes on, two processes share the work.
        """
        began = time.monotonic()
        if not difference.is_of_links:
            return None
        snapshot, gone = difference.snapshot, set(difference.nodes)
        root, trees = snapshot.root, snapshot.trees
        store = Path(root, trees).parent
        state = State.load(Path(root))
        if state.unsettled or not _is_rooted(root, store):
            return None
        nodes = _nodes(snapshot, state, gone, store)
        prefix = _prefix(root)
        proofs = _in_two(nodes, lambda part: [_prove(prefix, trees, node) for node in part], many)
        if not proofs or False in proofs:
            return None
        return cls(snapshot, state, nodes, [proof is None for proof in proofs], began, many)

    def link(self, command: Sequence[str], jobs: int, report: Report) -> BuildFinished:
        """Makes the links, and tells of it as of any build. Raises OSError."""
        started_ns = time.time_ns()
        id = new_id(started_ns)
        report(BuildStarted(id, len(self._snapshot.data[0]), jobs, started_ns / 1e9))
        problems = self._make_links(started_ns)
        if any(problems) or not self._is_settled():  # then the next build looks closely
            finished = self._tell(id, problems, report)
        else:
            # telling takes as long as looking at half of the nodes
            part = len(self._nodes) // 3
            (finished, seen), more = self._both(
                lambda: (self._tell(id, problems, report), self._look(0, part)),
                lambda: self._look(part, None),
            )
            self._keep_fresh(seen + more)
        counts = {"ran": 0, "kept": finished.kept, "restored": finished.restored}
        append_build(
            self._root,
            id,
            started_ns,
            finished.seconds,
            command,
            {**counts, "failed": 0, "skipped": 0},
            circumstances(self._root),
        )
        report(finished)
        return finished

    def _both(self, here: Callable[[], _T], there: Callable[[], _U]) -> tuple[_T, _U]:
        if len(self._nodes) < self._many or cores() < 2:
            return here(), there()
        return both(here, there)

    # -- linking -------------------------------------------------------------------------------
    def _make_links(self, stamp: int) -> list[str]:
        """For each node why it was not linked; "" if it was."""
        trees = self._snapshot.trees
        is_inside = not trees.startswith("/")
        order = LinkOrder(Path(self._root, DIRECTORY, "state", "links"))

        def link(node: _Node) -> str:
            up = "../" * (node.name.count("/") + 1) if is_inside else ""
            if not order.take(node.name, stamp):
                return _TAKEN
            return _link(f"{up}{trees}{node.row.tree}", f"{self._prefix}{node.name}/data")

        try:
            with order.all_turns():
                return _in_two(self._nodes, lambda part: [link(node) for node in part], self._many)
        finally:
            order.close()

    # -- keeping -------------------------------------------------------------------------------
    def _look(self, first: int, last: int | None) -> list[tuple[Print, _Names] | None]:
        return [_look(self._prefix, node.name) for node in self._nodes[first:last]]

    def _keep_fresh(self, seen: Sequence[tuple[Print, _Names] | None]) -> None:
        """Keeps what the next build compares; where something else happened, it will look closely."""
        scans = self._state.memory.scans
        anew: dict[str, Print] = {}
        for node, look in zip(self._nodes, seen, strict=True):
            if look is None or look[1] != node.names:
                return
            anew[node.name] = look[0]
            scans[node.name] = (look[0], scans[node.name][1])
        self._state.save_memory()
        self._snapshot.prints = patched(self._snapshot.prints, anew)
        if os.path.exists(
            snapshot_path(self._root)
        ):  # else `fp verify --repair` wants all looked at
            self._snapshot.save()

    def _is_settled(self) -> bool:
        """Waits until what changes from here on shows in the directories' times."""
        clock = ProbeClock(Path(self._root, DIRECTORY))
        try:
            last = [self._nodes[len(self._nodes) // 2 - 1], self._nodes[-1]]  # of either half
            status = [os.stat(f"{self._prefix}{node.name}") for node in last]
            return clock.settle(fingerprint(max(status, key=lambda one: one.st_ctime_ns)))
        except OSError:
            return False
        finally:
            clock.close()

    # -- telling -------------------------------------------------------------------------------
    def _tell(self, id: str, problems: Sequence[str], report: Report) -> BuildFinished:
        inside = {node.name for node in self._nodes}
        rest = tuple(name for name in self._snapshot.data[0] if name not in inside)
        saved = self._snapshot.seconds
        if rest:
            linked = sum(node.row.seconds for node in self._nodes)
            report(NodesKept(rest, max(0.0, saved - linked)))
        lines: list[str] = []
        for event in self._events(problems):
            report(event)
            if event.outcome is Outcome.KEPT and event.reason != _TAKEN:
                report(Notice(event.reason, event.node))
            if event.outcome is not Outcome.KEPT:
                told = (event.outcome, event.reason, event.key, event.data, event.record)
                lines.append(node_line(event.node, *told, event.seconds))
        append_events(self._root, id, lines)
        restored = problems.count("")
        kept = len(self._snapshot.data[0]) - restored
        return BuildFinished(id, 0, kept, restored, 0, 0, time.monotonic() - self._began, saved)

    def _events(self, problems: Sequence[str]) -> Iterator[NodeFinished]:
        for node, problem, is_large in zip(self._nodes, problems, self._large, strict=True):
            row = node.row
            outcome = Outcome.KEPT if problem else Outcome.RESTORED
            reason = problem or (LINK_GONE + UNPROVEN if is_large else LINK_GONE)
            log = f"{node.name}/logs.txt"
            yield NodeFinished(
                node.name, outcome, reason, row.key, row.tree, row.seconds, log, record=row.record
            )


def _link(text: str, path: str) -> str:
    """Makes a link where there is none; why it could not be made, "" if it was."""
    try:
        os.symlink(text, path)
    except FileExistsError:
        with suppress(OSError):
            return "" if os.readlink(path) == text else _TAKEN
        return _TAKEN
    except OSError as error:
        why = os.strerror(error.errno or 0)
        return f"its result is stored but could not be linked: {why}"
    return ""


def _prefix(root: str) -> str:
    """What comes before a node's name: paths from the working directory are looked up quicker."""
    try:
        return "" if os.getcwd() == root else f"{root}/"
    except OSError:
        return f"{root}/"


def _is_rooted(root: str, store: Path) -> bool:
    """Whether the store knows of this project, so that gc leaves alone what it links."""
    try:
        with open(f"{root}/{DIRECTORY}/id") as file:
            return is_rooted(store, f"project-{file.read().strip()}")
    except OSError:
        return False


def _nodes(snapshot: Snapshot, state: State, gone: Container[str], store: Path) -> Sequence[_Node]:
    """What is known of the nodes that show nothing; nothing at all if something is not."""
    names = [name for name in snapshot.data[0] if name in gone]
    data = words_of(snapshot.data, gone)
    prints = words_of(snapshot.prints, gone)
    rows = [state.row(name) for name in names]
    scans = [state.memory.scans.get(name) for name in names]
    if not all(_is_plain(row, state) for row in rows):
        return ()
    known = seals(store, {Digest(tree) for row in rows for tree in (row.tree, row.reports) if tree})
    if known is None:
        return ()
    nodes: list[_Node] = []
    for name, row, scan in zip(names, rows, scans, strict=True):
        if scan is None or scan[0] != prints.get(name):
            return ()
        own = {tree: known[tree] for tree in map(Digest, (row.tree, row.reports)) if tree}
        nodes.append(_Node(name, row, data[name], own, [row[:2] for row in scan[1]]))
    return nodes


def _is_plain(row: NodeRow, state: State) -> bool:
    """Whether a node showed what its key has: not what was chosen or declared, nor a source's own bytes."""
    return bool(row.record and row.tree) and not row.failed_key and row.key not in state.choices


def _prove(prefix: str, trees: str, node: _Node) -> bool | None:
    """Whether a node lacks its link and nothing else, and its result is as it was; None where that has
    too many names to be looked over.
    """
    look = _look(prefix, node.name)
    if look is None or look[1] != [row for row in node.names if row != _LINK]:
        return False
    place = trees if trees[:1] == "/" else prefix + trees
    try:
        status = os.lstat(place + node.row.tree)
        if _LOG in node.names:  # gone from the store, it is no longer shown
            os.stat(f"{prefix}{node.name}/logs.txt")
    except OSError:
        return False
    if root_words(status.st_ino, status.st_mtime_ns) != node.root:
        return False
    proofs = [stands(place + tree, seal, FEW) for tree, seal in node.seals.items()]
    if False in proofs:
        return False
    return None if None in proofs else True


def _look(prefix: str, name: str) -> tuple[Print, _Names] | None:
    """A node's directory: its fingerprint, then the names in it, and what they are."""
    try:
        status = os.stat(f"{prefix}{name}")
        with os.scandir(f"{prefix}{name}") as entries:
            rows = [(entry.name, kind_letter(entry)) for entry in entries]
    except OSError:
        return None
    return print_of(status), sorted(rows)


def _in_two(
    nodes: Sequence[_Node], work: Callable[[Sequence[_Node]], list[_T]], many: int
) -> list[_T]:
    """What the work gives for all nodes; a forked process does it for the second half of many."""
    if len(nodes) < many or cores() < 2:
        return work(nodes)
    half = len(nodes) // 2
    first, second = both(lambda: work(nodes[:half]), lambda: work(nodes[half:]))
    return first + second
