"""What happens to a run that ended well: its outputs become stored trees, then a durable record.

Hashing goes on in a few threads, publishing in one, in the order in which runs were hashed, so that a
record is never durable before its parents'. The deciding thread hears of each through `tell`. A draft is
never published in one go with a parent of its own, nor after one that was refused: it may have read bytes
that are not what its key says.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.lookup import Asked
from fusionpipe.model import NodeName
from fusionpipe.runner.run import Exited
from fusionstore.contract import Draft, Json, JsonObject, NotPublished, Published, ResultStore
from fusionstore.tree import EMPTY_TREE, Tree


class Ended(NamedTuple):
    """A run that exited 0, with what is needed to publish it."""

    exited: Exited
    asked: Asked
    keeps: dict[str, Tree]
    body: JsonObject
    observe: Callable[[], Json]


class Hashed(NamedTuple):
    """Its outputs lie in the store, not yet durable."""

    node: NodeName
    data: Tree


class Settled(NamedTuple):
    """It is published, or refused."""

    node: NodeName
    result: Published | NotPublished


class Unstorable(NamedTuple):
    """Its outputs could not be stored."""

    node: NodeName
    error: Exception


class _Waiting(NamedTuple):
    """A draft on its way to be published."""

    ended: Ended
    draft: Draft
    since: float  # monotonic seconds


class _Signal(Enum):
    """What the publisher is told besides drafts."""

    LOOK = auto()  # there may be no reason to wait any more
    END = auto()


Told = Hashed | Settled | Unstorable


class Finisher:
    """The threads that store and publish. `tell` is called from them, and from `finish`.

    Drafts gather for `window` seconds, so that many share one barrier, unless `expect` says that nothing
    else is coming.
    """

    def __init__(
        self,
        store: ResultStore,
        tell: Callable[[Told], None],
        *,
        threads: int,
        window: float = 0.04,
    ) -> None:
        self._store = store
        self._tell = tell
        self._ended: queue.SimpleQueue[Ended | None] = queue.SimpleQueue()
        self._drafts: deque[_Waiting] = deque()
        self._signals: queue.SimpleQueue[_Signal] = queue.SimpleQueue()
        self._will_look = False  # the publisher looks for drafts again without being told
        self._is_over = False
        self._window = window
        self._is_hurried = False
        self._refused: set[NodeName] = set()
        self._ingesters = [
            threading.Thread(target=self._ingest_all, name="ingest", daemon=True)
            for _ in range(threads)
        ]
        self._publisher = threading.Thread(target=self._publish_all, name="publish", daemon=True)
        for thread in (*self._ingesters, self._publisher):
            thread.start()

    def finish(self, ended: Ended) -> None:
        """Takes a run over; `tell` hears Hashed and then Settled, or Unstorable.

        A small output is stored at once: handing it to a thread costs more than that.
        """
        rundir = ended.exited.rundir
        if _is_small(rundir.data) and (not rundir.has_reports() or _is_small(rundir.reports)):
            self._ingest(ended)
        else:
            self._ended.put(ended)

    def expect(self, *, more: bool) -> None:
        """Whether something still runs: if not, what is hashed need not wait for company."""
        if self._is_hurried == more:
            self._is_hurried = not more
            self._signals.put(_Signal.LOOK)

    def abandon(self, node: NodeName) -> None:
        """A hashed run is not to be published any more."""
        self._refused.add(node)

    def close(self) -> None:
        """Waits for all that was handed over."""
        for _ in self._ingesters:
            self._ended.put(None)
        for thread in self._ingesters:
            thread.join()
        self._signals.put(_Signal.END)
        self._publisher.join()

    def _ingest_all(self) -> None:
        while (ended := self._ended.get()) is not None:
            self._ingest(ended)

    def _ingest(self, ended: Ended) -> None:
        node = ended.asked.node.name
        rundir = ended.exited.rundir
        try:
            data = self._store.ingest(rundir.data)
            slots = {"data": data}
            if rundir.has_reports() and _has_names(rundir.reports):
                reports = self._store.ingest(rundir.reports)
                if reports.root != EMPTY_TREE.root:
                    slots["reports"] = reports
            log = self._store.ingest_file(rundir.log)
            draft = Draft(
                key=ended.asked.key,
                slots=slots,
                keeps=ended.keeps,
                log=log,
                observed=ended.observe(),
                body=ended.body,
            )
        except Exception as error:  # whatever it is: a build that never hears of it waits for ever
            self._tell(Unstorable(node, error))
            return
        # decided now: once told, the deciding thread may start a child, and others are expected again
        since = 0.0 if self._is_hurried else time.monotonic()
        self._offer(_Waiting(ended, draft, since))
        self._tell(Hashed(node, data))

    def _offer(self, draft: _Waiting) -> None:
        """Hands a draft to the publisher, which is woken for the first of a window only: each waking
        takes the interpreter away from the deciding thread.
        """
        self._drafts.append(draft)
        if self._is_hurried or not self._will_look:
            self._signals.put(_Signal.LOOK)

    def _publish_all(self) -> None:
        waiting: list[_Waiting] = []
        while self._gather(waiting):
            batch = self._next_batch(waiting)
            del waiting[: len(batch)]
            self._publish(batch)

    def _gather(self, waiting: list[_Waiting]) -> bool:
        """Adds drafts: what comes within the window after the first. False when all is done."""
        while True:
            self._will_look = False  # before looking: who comes from here on says so
            while self._drafts:
                waiting.append(self._drafts.popleft())
            if self._is_over:
                return bool(waiting)
            left = self._time_left(waiting)
            self._will_look = left is not None
            if left is not None and left <= 0.0:
                return True
            with suppress(queue.Empty):
                self._is_over = self._signals.get(timeout=left) is _Signal.END

    def _time_left(self, waiting: Sequence[_Waiting]) -> float | None:
        """Seconds until the first draft has waited long enough; None while there is none."""
        if not waiting:
            return None
        if self._is_hurried:
            return 0.0
        return max(0.0, waiting[0].since + self._window - time.monotonic())

    def _next_batch(self, waiting: Sequence[_Waiting]) -> list[_Waiting]:
        """As many of the first as have no parent among themselves."""
        batch: list[_Waiting] = []
        names: set[NodeName] = set()
        for one in waiting:
            if names.intersection(one.ended.asked.node.parent_nodes()):
                break
            names.add(one.ended.asked.node.name)
            batch.append(one)
        return batch

    def _publish(self, batch: Sequence[_Waiting]) -> None:
        good: list[tuple[NodeName, Draft]] = []
        for ended, draft, _ in batch:
            node = ended.asked.node
            if node.name in self._refused or self._refused.intersection(node.parent_nodes()):
                self._refuse(node.name, draft, RuntimeError("a parent's result was refused"))
            else:
                good.append((node.name, draft))
        if not good:
            return
        try:
            results = self._store.commit([draft for _, draft in good])
        except Exception as error:  # as above; nothing of it is visible
            for name, draft in good:
                self._refuse(name, draft, error)
            return
        for (name, _), result in zip(good, results, strict=True):
            if isinstance(result, NotPublished):
                self._refused.add(name)
            self._tell(Settled(name, result))

    def _refuse(self, name: NodeName, draft: Draft, error: Exception) -> None:
        self._refused.add(name)
        self._tell(Settled(name, NotPublished(draft.key, error)))


_SMALL_COUNT = 32
_SMALL_BYTES = 1 << 20


def _is_small(directory: Path) -> bool:
    """Whether storing an output takes about as long as looking at it: a few small files, no directories."""
    count = size = 0
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                count += 1
                if count > _SMALL_COUNT or not entry.is_file(follow_symlinks=False):
                    return False
                size += entry.stat(follow_symlinks=False).st_size
    except OSError:  # the node put something else there, or shut it: storing it will say what
        return False
    return size <= _SMALL_BYTES


def _has_names(directory: Path) -> bool:
    with os.scandir(directory) as entries:
        return next(entries, None) is not None
