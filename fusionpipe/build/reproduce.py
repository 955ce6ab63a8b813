"""Recorded actions run again, in clean run directories, and what they give compared with what they gave.

The project is not touched: no link, no state. What a run gives is published under the key that it has, as a
build would: bytes that agree bring lost ones back, bytes that differ are kept beside the first (L5).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from fusionpipe.build import failure
from fusionpipe.build.ancestry import Step
from fusionpipe.build.archive import maker
from fusionpipe.build.lookup import trees_of
from fusionpipe.build.recipe import NotRepeatable
from fusionpipe.build.record import Maker, body_of, own_modules
from fusionpipe.build.replay import Present, Replay, Replayer
from fusionpipe.build.run import interruptible
from fusionpipe.build.verdicts import Verdict, write_verdict
from fusionpipe.model import NodeName
from fusionpipe.runner import log
from fusionpipe.runner.observed import collect, differences
from fusionpipe.runner.process import ProcessRunner
from fusionpipe.runner.run import Exited
from fusionpipe.runner.rundir import RunDirectories
from fusionpipe.runner.tools import Tool
from fusionstore.contract import Draft, FullRecord, Json, NotPublished, Published
from fusionstore.digest import RecordId
from fusionstore.errors import StoreError
from fusionstore.tree import EMPTY_TREE, Entry, Kind, Tree


class Outcome(StrEnum):
    """What came of running an action again."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    FAILED = "failed"  # it ran, and did not end well
    NOT_RUN = "not run"  # something is missing that it needs


class FileDifference(NamedTuple):
    """A file of the output that is not as it was. None: it is not there. `path` begins with data/ or reports/."""

    path: str
    old: Entry | None
    new: Entry | None


class Reproduced(NamedTuple):
    """A record whose action was run again."""

    full: FullRecord
    node: NodeName
    outcome: Outcome
    why: str = ""  # of what failed, or could not run
    hint: str = ""
    tail: tuple[str, ...] = ()
    files: tuple[FileDifference, ...] = ()
    other: str = ""  # the record of this run, where it has one of its own
    surroundings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    is_brought_back: bool = False  # its bytes were gone, and are stored again

    @property
    def is_identical(self) -> bool:
        """True if it gave the very same bytes."""
        return self.outcome is Outcome.IDENTICAL


class Interrupted(KeyboardInterrupt):
    """The user asked to stop; what ran was stopped."""


class _Output(NamedTuple):
    slots: dict[str, Tree]
    published: Published
    surroundings: tuple[str, ...]


class Reproducer:
    """Runs records' actions again. `by` is the command, as verdicts tell it."""

    def __init__(self, present: Present, *, by: str, any_tool: bool = False) -> None:
        self._archive = present.archive
        self._store = present.archive.store
        self._toolbox = present.toolbox
        self._replayer = Replayer(present, any_tool=any_tool)
        self._by = by
        self._maker = Maker.of_this_process(present.archive.ambient)
        self._interrupts = 0

    def run(
        self, steps: Sequence[Step], jobs: int, started: Callable[[FullRecord], None]
    ) -> Iterator[Reproduced]:
        """Each step's outcome as it is known; parents before what was made from them. Raises Interrupted."""
        runs = RunDirectories(self._store.scratch())
        runner = ProcessRunner(runs)

        def interrupt() -> None:
            self._interrupts += 1
            runner.wake()

        under_way: list[Replay] = []
        try:
            with interruptible(interrupt):
                yield from self._all(list(steps), jobs, started, runner, runs, under_way)
        finally:
            runner.close()
            runs.close()
            self._store.empty_trash()
        if self._interrupts:
            raise Interrupted

    def _all(
        self,
        waiting: list[Step],
        jobs: int,
        started: Callable[[FullRecord], None],
        runner: ProcessRunner,
        runs: RunDirectories,
        under_way: list[Replay],
    ) -> Iterator[Reproduced]:
        open_: set[RecordId] = {step.full.record.id for step in waiting}
        while waiting or under_way:
            if self._interrupts:
                runner.stop_all(now=self._interrupts > 1)
                waiting.clear()
            for step in [one for one in waiting if not open_ & one.after]:
                if len(under_way) >= jobs:
                    break
                waiting.remove(step)
                replay = self._start(step.full, runner, started)
                if isinstance(replay, Reproduced):
                    open_.discard(step.full.record.id)
                    yield replay
                else:
                    under_way.append(replay)
            for exited in runner.wait() if under_way else ():
                replay = next(one for one in under_way if one.prepared.run is exited.run)
                under_way.remove(replay)
                if not exited.is_stopped:
                    yield self._judged(replay, exited)
                open_.discard(replay.full.record.id)
                runs.recycle(exited.rundir)

    def _start(
        self, full: FullRecord, runner: ProcessRunner, started: Callable[[FullRecord], None]
    ) -> Replay | Reproduced:
        try:
            replay = self._replayer.prepare(full)
            runner.start(replay.prepared.run)
        except NotRepeatable as error:
            return Reproduced(full, maker(full), Outcome.NOT_RUN, error.what, error.mend)
        started(full)
        return replay

    # -- judging -------------------------------------------------------------------------------
    def _judged(self, replay: Replay, exited: Exited) -> Reproduced:
        full, node = replay.full, maker(replay.full)
        told = Reproduced(
            full,
            node,
            Outcome.FAILED,
            surroundings=replay.surroundings,
            warnings=replay.warnings,
            seconds=exited.seconds,
        )
        changed = self._first_change(replay)
        told = told._replace(warnings=(*told.warnings, *self._store.take_findings()))
        if (why := failure.reason_of(exited, changed)) is not None:
            tail = log.tail(exited.rundir.log, shown=log.user_paths(exited.rundir, node))
            return told._replace(why=why, tail=tail)
        was_there = all(map(self._replayer.is_stored, full.record.slots.values()))
        try:
            output = self._published(replay, exited)
        except (StoreError, NotRepeatable) as error:
            return told._replace(why=str(error))
        files = _differing(full, output.slots)
        told = told._replace(
            outcome=Outcome.DIFFERENT if files else Outcome.IDENTICAL,
            files=files,
            is_brought_back=not files and not was_there,
            surroundings=output.surroundings,
        )
        record = output.published.record.id
        told = told._replace(other="" if record == full.record.id else record)
        self._keep_verdict(told, {name: tree.root for name, tree in output.slots.items()})
        return told

    def _first_change(self, replay: Replay) -> str | None:
        """Something that it read and that is not what it was. What is stored of it is proven again: others
        read the same files.
        """
        if any(proof.first_change() for proof in replay.code):
            self._replayer.mend_code(replay)
        changed = [path for one in replay.prepared.footprints if (path := one.first_change())]
        if changed:
            for members in replay.asked.action.parents.values():
                for tree in members.values():
                    self._replayer.is_stored(tree)
        return changed[0] if changed else None

    def _published(self, replay: Replay, exited: Exited) -> _Output:
        """The run's output, stored and durable, under the key that it has."""
        asked, rundir = replay.asked, exited.rundir
        observed: Json = None
        surroundings = replay.surroundings
        if asked.packages is not None:
            observed = collect(rundir.observed, asked.packages, own_modules(asked))
            self._refuse_other_packages(asked.tool, observed)
        slots = {"data": self._store.ingest(rundir.data)}
        reports = self._store.ingest(rundir.reports)
        if reports.root != EMPTY_TREE.root:
            slots["reports"] = reports
        body = body_of(asked, exited, self._maker, "", f"{self._by} {replay.full.record.id[:12]}")
        body["reproduces"] = replay.full.record.id
        draft = Draft(
            key=asked.key,
            slots=slots,
            keeps=trees_of(asked.frozen),
            log=self._store.ingest_file(rundir.log),
            observed=observed,
            body=body,
        )
        (result,) = self._store.commit([draft])
        if isinstance(result, NotPublished):
            raise StoreError(f"its output could not be stored: {result.error}")
        return _Output(slots, result, surroundings)

    def _refuse_other_packages(self, tool: object, observed: Json) -> None:
        assert isinstance(tool, Tool)
        changed = differences(observed, self._toolbox.distributions_now(tool))
        if changed:
            names = ", ".join(change.name for change in changed[:5])
            raise NotRepeatable(f"{names} changed while it ran: this run is void")

    def _keep_verdict(self, told: Reproduced, slots: dict[str, str]) -> None:
        write_verdict(
            self._store,
            Verdict(
                told.full.record.id,
                told.is_identical,
                time.time(),
                self._maker.user,
                self._maker.host,
                self._by,
                slots,
                told.other,
                told.surroundings,
            ),
        )


def _differing(full: FullRecord, slots: dict[str, Tree]) -> tuple[FileDifference, ...]:
    """The files that are not as recorded, by path."""
    found: list[FileDifference] = []
    for name in sorted(full.record.slots.keys() | slots.keys()):
        root = full.record.slots.get(name, EMPTY_TREE.root)
        old = EMPTY_TREE if root == EMPTY_TREE.root else Tree(root, full.trees)
        new = slots.get(name, EMPTY_TREE)
        if old.root != new.root:
            found += differing_in(f"{name}/", old, new)
    return tuple(found)


def differing_in(prefix: str, old: Tree, new: Tree) -> Iterator[FileDifference]:
    """What two trees do not have alike, by path with `prefix` before it. A whole directory that is there
    on one side only is told, and all below it.
    """
    before, after = dict(old.walk()), dict(new.walk())
    for path in sorted(before.keys() | after.keys()):
        was, now = before.get(path), after.get(path)
        if was != now and not _is_only_within(was, now):
            yield FileDifference(prefix + path, was, now)


def _is_only_within(was: Entry | None, now: Entry | None) -> bool:
    """A directory on both sides: what differs below it is told for itself."""
    return was is not None and now is not None and was.kind is now.kind is Kind.DIRECTORY
