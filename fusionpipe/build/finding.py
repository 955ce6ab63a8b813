"""Nodes whose parents are known: is there a result, linked or stored, or do they have to run?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.given import given_names
from fusionpipe.build.keep import UserDataInTheWay, refuse_if_large
from fusionpipe.build.lookup import Asked, Hit, NoKey, hit_reason, outcome_of
from fusionpipe.build.roots import keep_source
from fusionpipe.build.sources import Footprint, Read, read_source
from fusionpipe.build.unlinked import FEW, UNPROVEN
from fusionpipe.build.work import Failure, Flight, Work
from fusionpipe.events import NodeFinished, NodesKept, Outcome, SourceHashing
from fusionpipe.freeze import CannotFreeze
from fusionpipe.model import Node, NodeName
from fusionpipe.plan import State
from fusionstore.contract import Record, Standing
from fusionstore.errors import StoreError

_TELL_EVERY = 0.2


class SourceRead(NamedTuple):
    """A source was hashed, or could not be."""

    node: NodeName
    read: Read | CannotFreeze


class Finder:
    """Looks ready nodes up. `post` takes what its threads have to say."""

    def __init__(self, work: Work, post: Callable[[SourceRead | SourceHashing], None]) -> None:
        self._work = work
        self._post = post
        self._kept: list[NodeName] = []  # and not yet told of

    def look_up(self, name: NodeName) -> None:
        """Settles a ready node, or makes it wanted."""
        if self._work.is_left_alone(name):
            self._keep(name)
            return
        node = self._work.session.graph.nodes[name]
        if node.source is not None:
            self._work.plan.reading(name)
            threading.Thread(target=self._read_in_thread, args=(node,), daemon=True).start()
            return
        asked = self._work.session.lookup.ask(node, self._work.digest)
        if isinstance(asked, NoKey):
            self._work.give_up(name, Failure(asked.why, asked.hint))
        elif problem := self._data_in_the_way(name):
            self._work.give_up(name, Failure(str(problem)))
        else:
            self._find(asked)

    def _keep(self, name: NodeName) -> None:
        """Keeps a node that is as the last build left it, without asking for its key."""
        work = self._work
        assert work.session.baseline is not None
        work.plan.found(name, work.session.baseline.digest(name), Outcome.KEPT)
        work.left_alone.add(name)
        self._kept.append(name)

    def tell_kept(self) -> None:
        """Tells of the nodes that were kept since, all at once: after an edit high up they are thousands."""
        if self._kept:
            seconds = sum(map(self._work.session.state.seconds, self._kept))
            self._work.saved += seconds
            self._work.report(NodesKept(tuple(self._kept), seconds))
            self._kept.clear()

    def _find(self, asked: Asked) -> None:
        name = asked.node.name
        lookup = self._work.session.lookup
        if name in self._work.wishes.forced:
            self._want(asked, "forced with -f")
        elif not asked.node.is_cached:
            self._want(asked, "cache = false: runs at every build")
        elif (hit := lookup.find(asked)) is None:
            self._want(asked, lookup.why_missed(asked).reason)
        elif (proof := "" if hit.is_linked else self._prove(name, hit.record)) is not None:
            self._settle(asked, hit, proof)
        else:
            self._want(asked, "its stored result is damaged")

    def _want(self, asked: Asked, reason: str) -> None:
        name = asked.node.name
        key = asked.key if asked.node.is_cached else None
        self._work.release(name)  # a claim from before a parent was lost
        if self._work.plan.missed(name, key):
            self._work.flights[name] = Flight(asked, reason)

    def _settle(self, asked: Asked, hit: Hit, proof: str) -> None:
        name = asked.node.name
        session = self._work.session
        row = session.state.row(name)
        is_told = hit.record.id not in row.recent or hit.record.standing is Standing.ASSERTED
        full = session.lookup.full(hit.record.id) if is_told and not hit.is_linked else None
        reason = hit_reason(hit, name, row, full) + proof
        is_shown = hit.is_linked and not row.failed_key  # a failed run left its own logs.txt
        if not is_shown or not self._is_complete(asked.node, hit.record):
            self._work.link(asked, hit.record)
        self._work.found(name, hit.record, outcome_of(hit), reason)

    def _is_complete(self, node: Node, record: Record) -> bool:
        """Whether what belongs to a linked result is there too, and leads where it should."""
        session = self._work.session
        row = session.state.row(node.name)
        if row.given != given_names(node):
            return False
        return session.links.is_complete(node.name, record, row.made)

    def _prove(self, name: NodeName, record: Record) -> str | None:
        """Looks a stored result over before it is linked, for people read it too; None if it is damaged.

        A tree of many names is linked as it stands: whichever node reads it has it proven first (L8).
        What is to be told of that is returned. One whose root was altered since this node was linked to it
        is looked over whole, as is what people get without a link.
        """
        session = self._work.session
        store = session.store
        data = record.slots["data"]
        is_whole = session.links.shares_files or session.links.linked_root(name, data) is not None
        try:
            if is_whole:
                for tree in record.slots.values():
                    store.check(tree)
                return ""
            large = [tree for tree in record.slots.values() if not store.check_small(tree, FEW)]
            if data in large and session.links.is_altered(data, session.state.row(name)):
                store.check(data)
                large.remove(data)
        except (StoreError, KeyError):
            return None
        finally:
            self._work.tell_findings()
        return UNPROVEN if large else ""

    def _data_in_the_way(self, name: NodeName) -> UserDataInTheWay | None:
        session = self._work.session
        if session.links.data_state(name) != "real":
            return None
        try:
            refuse_if_large(session.root / name / "data")
        except UserDataInTheWay as problem:
            return problem
        return None

    # -- sources -------------------------------------------------------------------------------
    def _read_in_thread(self, node: Node) -> None:
        told = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > _TELL_EVERY or done == total:
                told = time.monotonic()
                self._post(SourceHashing(node.name, done, total))

        assert node.source is not None
        session = self._work.session
        try:
            found: Read | CannotFreeze = read_source(node, session.disk, progress)
            if isinstance(found, Read) and node.source.is_kept:
                keep_source(session, node.name, session.root / node.source.path, found.tree)
        except CannotFreeze as error:
            found = error
        except Exception as error:  # whatever it is: a build that never hears of it waits for ever
            found = CannotFreeze(node.name, str(error) or type(error).__name__)
        self._post(SourceRead(node.name, found))

    def source_read(self, what: SourceRead) -> None:
        """A source's thread is done: the source is settled."""
        name = what.node
        if self._work.plan.state(name) is not State.READING:
            return
        if isinstance(what.read, CannotFreeze):
            self._work.give_up(name, Failure(str(what.read)))
            return
        self._work.sources[name] = what.read
        digest = what.read.tree.root
        state = self._work.session.state
        row = state.row(name)
        reason = "source, unchanged" if row.source == digest else "source, changed"
        if not row.source:
            reason = "source, first read"
        if row.source != digest:
            state.put(name, row._replace(source=digest))
            self._work.has_linked = True
        self._link_source(name)
        self._work.plan.found(name, digest, Outcome.KEPT)
        self._work.report(NodeFinished(name, Outcome.KEPT, reason, data=digest))

    def _link_source(self, name: NodeName) -> None:
        session = self._work.session
        source = session.graph.nodes[name].source
        assert source is not None
        if source.path != f"{name}/data":
            try:
                session.links.put_source(name, session.root / source.path)
            except (OSError, StoreError, UserDataInTheWay) as error:
                self._work.notice(f"data/ could not be linked: {error}", name)

    def place_of_source(self, name: NodeName) -> tuple[Path, Footprint] | None:
        """Where a source lies and what of it must not change; None for other nodes."""
        read = self._work.sources.get(name)
        source = self._work.session.graph.nodes[name].source
        if read is None or source is None:
            return None
        return self._work.session.root / source.path, read.footprint
