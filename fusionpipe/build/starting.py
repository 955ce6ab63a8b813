"""Nodes that have to run: their key claimed, their run directory laid, their process started."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from fusionpipe.build.prepare import CannotRun, Changed, Lost, Prepared, Preparer
from fusionpipe.build.proof import Proof
from fusionpipe.build.work import Failure, Flight, Work
from fusionpipe.events import NodeStarted, NodeWaiting, Outcome
from fusionpipe.model import NodeName
from fusionpipe.plan import State
from fusionpipe.runner.process import ProcessRunner
from fusionstore.contract import Accepts, Busy, Claim, FailedElsewhere, JsonObject, Record
from fusionstore.digest import RecordId
from fusionstore.errors import StoreError

_LIVE_AFTER = 0.1
"""Seconds after which a running node's logs.txt follows its log: shorter runs never need it."""


_LEFT_EVERY = 0.5


class WaitOver(NamedTuple):
    """Another build is done with a key, one way or another."""

    node: NodeName
    result: Record | Claim | FailedElsewhere | StoreError


class Starter:
    """Starts wanted nodes. `post` takes what its threads have to say."""

    def __init__(
        self,
        work: Work,
        preparer: Preparer,
        runner: ProcessRunner,
        post: Callable[[WaitOver], None],
    ) -> None:
        self._work = work
        self._preparer = preparer
        self._runner = runner
        self._post = post
        self._live_due = 0.0
        self._left: float | None = None
        self._left_told = 0.0

    def start(self, name: NodeName) -> None:
        """Starts a wanted node, or settles it otherwise."""
        flight = self._work.flights[name]
        try:
            if flight.claim is None and not self._claim(name, flight):
                return
            prepared = self._preparer.prepare(flight.asked)
        except (StoreError, OSError) as error:
            self._work.give_up(name, Failure(str(error)))
            return
        finally:
            self._work.tell_findings()
        match prepared:
            case Prepared():
                self._launch(name, flight, prepared)
            case Changed():
                self._work.release(name)
                self._work.session.disk.forget(prepared.path)
                self._work.plan.changed(name)
            case Lost():
                self._lose(name, prepared)
            case CannotRun():
                self._work.give_up(name, Failure(prepared.why, prepared.hint))

    # -- claims --------------------------------------------------------------------------------
    def _claim(self, name: NodeName, flight: Flight) -> bool:
        """True when the key is ours to run."""
        asked = flight.asked
        session = self._work.session
        is_rerun = name in self._work.wishes.forced or not asked.node.is_cached
        accepts, choice = session.lookup.accepts(asked), session.lookup.choice(asked.key)
        got = session.store.claim(asked.key, accepts, choice, rerun=is_rerun)
        if isinstance(got, Record) and not self._can_be_linked(got):
            got = session.store.claim(asked.key, accepts, choice, rerun=True)
        match got:
            case Record():
                self._found_late(name, flight, got)
                return False
            case Busy():
                self._work.plan.held(name)
                self._work.report(NodeWaiting(name))
                wait = (name, got, accepts, choice, is_rerun)
                threading.Thread(target=self._wait_in_thread, args=wait, daemon=True).start()
                return False
            case Claim():
                flight.claim = got
                return True

    def _wait_in_thread(
        self, name: NodeName, busy: Busy, accepts: Accepts, choice: RecordId | None, is_rerun: bool
    ) -> None:
        store = self._work.session.store
        try:
            result: Record | Claim | FailedElsewhere | StoreError = store.wait(
                busy, accepts, choice, rerun=is_rerun
            )
        except StoreError as error:
            result = error
        except Exception as error:  # whatever it is: a build that never hears of it waits for ever
            result = StoreError(f"waiting for another build: {error or type(error).__name__}")
        self._post(WaitOver(name, result))

    def wait_over(self, what: WaitOver) -> None:
        """Who held a node's key is done."""
        name = what.node
        if self._work.plan.state(name) is not State.BUSY:
            if isinstance(what.result, Claim):
                self._work.session.store.release(what.result)
            return
        flight = self._work.flights[name]
        match what.result:
            case Record():
                self._found_late(name, flight, what.result)
            case Claim():
                flight.claim = what.result
                if not self._work.plan.got_claim(name):
                    self._work.release(name)
            case FailedElsewhere():
                failure = self._failure_of(what.result.failure)
                if failure.rerun:
                    log = self._work.session.root / failure.rerun / "logs.txt"
                    self._work.session.links.put(name, "logs.txt", log)
                self._work.fail(name, failure)
            case StoreError():
                self._work.fail(name, Failure(str(what.result)))

    def _failure_of(self, word: JsonObject) -> Failure:
        """What another build left about a key it failed to make."""
        tail = word.get("tail")
        rerun = str(word.get("rerun") or "")
        return Failure(
            f"{word.get('why')} (in another build, which ran it for both)",
            str(word.get("hint") or ""),
            tuple(map(str, tail)) if isinstance(tail, list) else (),
            self._work.shown(rerun),
        )

    def _found_late(self, name: NodeName, flight: Flight, record: Record) -> None:
        self._work.link(flight.asked, record)
        self._work.found(name, record, Outcome.RESTORED, "made by another build meanwhile")

    def _can_be_linked(self, record: Record) -> bool:
        try:
            for tree in record.slots.values():
                self._work.session.store.materialise(tree)
        except (StoreError, KeyError):
            return False
        return True

    # -- processes -----------------------------------------------------------------------------
    def _launch(self, name: NodeName, flight: Flight, prepared: Prepared) -> None:
        flight.footprints = prepared.footprints
        code = (placed for placed in prepared.run.layout.code if placed.link is None)
        flight.code = tuple(Proof.of_file(placed.at, placed.path) for placed in code)
        for footprint in prepared.footprints:
            if (path := footprint.first_change()) is not None:
                if isinstance(footprint, Proof):  # stored: it is mended when asked for again
                    self._work.release(name)
                    self._work.plan.changed(name)
                    return
                shown = self._work.shown(path)
                self._work.give_up(
                    name, Failure(f"{shown} changed after it was hashed: build again")
                )
                return
        expected = self._work.session.state.row(name).seconds or None
        left = self._seconds_left()
        self._work.plan.started(name)
        self._work.report(NodeStarted(name, flight.reason, time.time(), expected, left))
        try:
            flight.rundir = self._runner.start(prepared.run)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            self._work.give_up(name, Failure(f"its run directory cannot be made: {why}"))
            return
        self._live_due = self._live_due or time.monotonic() + _LIVE_AFTER

    def _seconds_left(self) -> float | None:
        """How long the rest should take. It looks at every node, so not at every start."""
        now = time.monotonic()
        if now - self._left_told > _LEFT_EVERY:
            self._left_told = now
            self._left = self._estimate()
        return self._left

    def _estimate(self) -> float | None:
        """The longest chain, or the work shared among the jobs, whichever takes longer."""
        plan, state = self._work.plan, self._work.session.state
        rest = plan.in_state(State.WAITING, State.READY, State.WANTED, State.RUNNING)
        known = [seconds for name in rest if (seconds := state.seconds(name))]
        if not known or len(known) < len(rest) / 2:
            return None
        longest = max((plan.remaining[name] for name in rest), default=0.0)
        return max(longest, sum(known) * len(rest) / len(known) / self._work.wishes.jobs)

    def _lose(self, name: NodeName, lost: Lost) -> None:
        """A parent's bytes are gone: it runs again, and this node waits for it."""
        self._work.release(name)
        self._work.take_in(lost.parent)
        if self._work.plan.state(lost.parent) is not State.DONE:
            self._work.fail(name, Failure(f"{lost.parent}: {lost.why}"))
            return
        self._work.notice(f"{lost.why}; it runs again", lost.parent)
        self._work.damaged.add(lost.parent)
        self._work.left_alone.discard(lost.parent)
        self._work.lost.add(self._work.plan.digest(lost.parent))
        row = self._work.session.state.row(lost.parent)
        self._work.session.state.put(lost.parent, row._replace(record=""))
        self._work.took.pop(lost.parent, None)
        for fallen in self._work.plan.lost(lost.parent):
            self._work.fell(fallen)

    # -- live logs -----------------------------------------------------------------------------
    def until_live_logs(self) -> float | None:
        """Seconds until `link_live_logs` has something to do; None if nothing runs that it concerns."""
        return max(0.0, self._live_due - time.monotonic()) if self._live_due else None

    def link_live_logs(self) -> None:
        """Points logs.txt of what has been running for a moment at the log being written."""
        if not self._live_due or time.monotonic() < self._live_due:
            return
        self._live_due = 0.0
        for name in self._runner.running:
            flight = self._work.flights[name]
            if flight.rundir is not None and not flight.has_live_log:
                flight.has_live_log = True
                self._work.session.links.put(name, "logs.txt", flight.rundir.log)
