"""The one loop: look up all that may be looked up, start all that may start, wait for one thing to end.

One thread decides; threads only hash, publish and wait, and post what they have to say. The plan is the
only judge of what a node may do; this file is its hands. Nothing here prints: everything is told as events.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fusionpipe.build import failure
from fusionpipe.build.finish import Ended, Finisher, Hashed, Settled, Unstorable
from fusionpipe.build.keep import UserDataInTheWay, refuse_if_large
from fusionpipe.build.links import LinkOrder
from fusionpipe.build.linking import link_hit
from fusionpipe.build.lookup import Asked, Hit, NoKey, hit_reason, outcome_of, trees_of
from fusionpipe.build.prepare import CannotRun, Changed, Lost, Prepared, Preparer
from fusionpipe.build.record import body_of, own_modules
from fusionpipe.build.session import Session
from fusionpipe.build.sources import Footprint, Read, read_source
from fusionpipe.build.state import DIRECTORY
from fusionpipe.events import (
    Interrupting,
    NodeFinished,
    NodeStarted,
    NodeWaiting,
    Notice,
    Outcome,
    Report,
    SourceHashing,
)
from fusionpipe.freeze import CannotFreeze
from fusionpipe.model import Node, NodeName
from fusionpipe.plan import Fallen, Plan, State
from fusionpipe.runner.observed import collect
from fusionpipe.runner.process import ProcessRunner
from fusionpipe.runner.run import Exited
from fusionpipe.runner.rundir import RunDirectories, RunDirectory
from fusionstore.contract import (
    Busy,
    Claim,
    FailedElsewhere,
    Json,
    JsonObject,
    NotPublished,
    Published,
    Record,
)
from fusionstore.errors import StoreError


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked of this build."""

    nodes: tuple[NodeName, ...]  # with their ancestors, in topological order
    forced: frozenset[NodeName] = frozenset()
    jobs: int = 1
    keeps_going: bool = False
    grace: float = 10.0


@dataclass(frozen=True, slots=True)
class _SourceRead:
    node: NodeName
    read: Read | CannotFreeze


@dataclass(frozen=True, slots=True)
class _WaitOver:
    node: NodeName
    result: Record | Claim | FailedElsewhere | StoreError


_Posted = Hashed | Settled | Unstorable | _SourceRead | _WaitOver | SourceHashing


@dataclass(slots=True)
class _Flight:
    """What is under way for a node that has to run."""

    asked: Asked
    reason: str
    claim: Claim | None = None
    footprints: tuple[Footprint, ...] = ()
    rundir: RunDirectory | None = None
    exited: Exited | None = None
    has_live_log: bool = False


class Build:
    """One execution of a plan over a session. Made for one `run`."""

    def __init__(
        self, session: Session, wishes: Wishes, report: Report, *, id: str, started_ns: int
    ) -> None:
        self._session = session
        self._wishes = wishes
        self._report = report
        self._id = id
        self._started_ns = started_ns
        graph = session.graph.nodes
        rows = session.state.rows
        known = {name: rows[name].seconds for name in wishes.nodes if name in rows}
        self._parents = {name: graph[name].parent_nodes() for name in wishes.nodes}
        self.plan = Plan(self._parents, {name: s for name, s in known.items() if s})
        self._posted: deque[_Posted] = deque()
        scratch = session.store.scratch()
        self._runs = RunDirectories(scratch)
        self._runner = ProcessRunner(self._runs, grace=wishes.grace)
        self._finisher = Finisher(session.store, self._post, threads=max(1, wishes.jobs))
        self._preparer = Preparer(
            session.root, session.store, session.ambient, self._place_of_source
        )
        self._order = LinkOrder(session.root / DIRECTORY / "state" / "links")
        self._flights: dict[NodeName, _Flight] = {}
        self._sources: dict[NodeName, Read] = {}
        self._records: dict[NodeName, Record] = {}
        self._interrupts = 0
        self._is_winding_down = False
        self.saved = 0.0
        self.has_linked = False
        self._live_due = 0.0

    def saved_in_all(self) -> float:
        """Seconds that a build with nothing to do saves."""
        return sum(record.seconds for record in self._records.values())

    # -- the loop ------------------------------------------------------------------------------
    def run(self) -> None:
        """Until every node has an outcome. Raises nothing for what a node may do wrong."""
        try:
            while not self.plan.is_done:
                self._look_up_ready()
                self._start_wanted()
                if not self.plan.is_done and not self._posted:
                    self._wait()
                self._hear()
        finally:
            self._runner.stop_all(now=True)
            self._finisher.close()
            self._hear()
            self._runs.close()
            self._order.close()

    def interrupt(self) -> None:
        """Ctrl-C: from a signal handler. The first stops gracefully, a second at once."""
        self._interrupts += 1
        self._runner.wake()

    @property
    def is_interrupted(self) -> bool:
        """True once the user asked to stop."""
        return self._interrupts > 0

    def _post(self, what: _Posted) -> None:
        self._posted.append(what)
        self._runner.wake()

    def _wait(self) -> None:
        timeout = self._until_live_logs()
        for exited in self._runner.wait(timeout):
            self._exited(exited)
        self._link_live_logs()
        if self._interrupts and not self._is_winding_down:
            self._wind_down()
        if self._interrupts > 1:
            self._runner.stop_all(now=True)

    def _wind_down(self) -> None:
        self._is_winding_down = True
        running = self.plan.in_state(State.RUNNING)
        self._report(Interrupting(len(running)))
        waiting = self.plan.in_state(State.BUSY, State.READING)
        for name in (*self.plan.skip_open(), *waiting):
            if self.plan.state(name) is not State.DONE:
                self.plan.skip(name)
            self._release(name)
            self._finished(name, Outcome.SKIPPED, "interrupted")
        self._runner.stop_all(now=False)

    def _hear(self) -> None:
        while self._posted:
            what = self._posted.popleft()
            match what:
                case Hashed():
                    self._hashed(what)
                case Settled():
                    self._settled(what)
                case Unstorable():
                    self._unstorable(what.node, what.error)
                case _SourceRead():
                    self._source_read(what)
                case _WaitOver():
                    self._wait_over(what)
                case SourceHashing():
                    self._report(what)

    # -- looking up ----------------------------------------------------------------------------
    def _look_up_ready(self) -> None:
        while (name := self.plan.next_ready()) is not None:
            node = self._session.graph.nodes[name]
            if node.source is not None:
                self._read_source(node)
            else:
                self._look_up(node)
            if self._posted:
                self._hear()

    def _look_up(self, node: Node) -> None:
        asked = self._session.lookup.ask(node, self.plan.digest)
        if isinstance(asked, NoKey):
            self._give_up(node.name, asked.why, hint=asked.hint)
            return
        if problem := self._data_in_the_way(node.name):
            self._give_up(node.name, str(problem))
            return
        if node.name in self._wishes.forced:
            self._want(asked, "forced with -f", key=asked.key)
        elif not node.is_cached:
            self._want(asked, "cache = false: runs at every build", key=None)
        elif (hit := self._session.lookup.find(asked)) is not None:
            self._hit(asked, hit)
        else:
            self._want(asked, self._session.lookup.why_missed(asked).reason, key=asked.key)

    def _want(self, asked: Asked, reason: str, key: str | None) -> None:
        name = asked.node.name
        if self.plan.missed(name, asked.key if key is not None else None):
            self._flights[name] = _Flight(asked, reason)

    def _hit(self, asked: Asked, hit: Hit) -> None:
        name = asked.node.name
        row = self._session.state.row(name)
        full = None if hit.is_linked else self._session.lookup.full(hit.record.id)
        reason = hit_reason(hit, name, row, full)
        outcome = outcome_of(hit)
        if not hit.is_linked and not self._restore(asked, hit.record):
            self._want(asked, "its stored result is damaged", key=asked.key)
            return
        self._records[name] = hit.record
        self.plan.found(name, hit.record.slots["data"], outcome)
        self.saved += hit.record.seconds
        self._finished(name, outcome, reason, record=hit.record)

    def _restore(self, asked: Asked, record: Record) -> bool:
        """Links a stored result; false if its bytes cannot be brought back."""
        try:
            for tree in record.slots.values():
                self._session.store.materialise(tree)
            self._session.store.check(record.slots["data"])
        except (StoreError, KeyError):
            return False
        self._tell_findings()
        self._link(asked, record)
        return True

    def _data_in_the_way(self, name: NodeName) -> UserDataInTheWay | None:
        if self._session.links.data_state(name) != "real":
            return None
        try:
            refuse_if_large(self._session.root / name / "data")
        except UserDataInTheWay as problem:
            return problem
        return None

    # -- sources -------------------------------------------------------------------------------
    def _read_source(self, node: Node) -> None:
        self.plan.reading(node.name)
        threading.Thread(target=self._read_in_thread, args=(node,), daemon=True).start()

    def _read_in_thread(self, node: Node) -> None:
        told = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > 0.2 or done == total:
                told = time.monotonic()
                self._post(SourceHashing(node.name, done, total))

        try:
            found: Read | CannotFreeze = read_source(node, self._session.disk, progress)
            if isinstance(found, Read) and node.source is not None and node.source.is_kept:
                self._session.store.ingest_copy(self._session.root / node.source.path)
        except CannotFreeze as error:
            found = error
        except (StoreError, OSError) as error:
            found = CannotFreeze(node.name, str(error))
        self._post(_SourceRead(node.name, found))

    def _source_read(self, what: _SourceRead) -> None:
        name = what.node
        if self.plan.state(name) is not State.READING:
            return
        if isinstance(what.read, CannotFreeze):
            self._give_up(name, str(what.read))
            return
        self._sources[name] = what.read
        digest = what.read.tree.root
        row = self._session.state.row(name)
        reason = "source, unchanged" if row.source == digest else "source, changed"
        if not row.source:
            reason = "source, first read"
        source = self._session.graph.nodes[name].source
        assert source is not None
        if source.path != f"{name}/data":
            target = self._session.root / source.path
            self._session.links.put_source(name, target)
        if row.source != digest:
            self._session.state.put(name, replace(row, source=digest))
        self.plan.found(name, digest, Outcome.KEPT)
        self._finished(name, Outcome.KEPT, reason)

    def _place_of_source(self, name: NodeName) -> tuple[Path, Footprint] | None:
        read = self._sources.get(name)
        source = self._session.graph.nodes[name].source
        if read is None or source is None:
            return None
        return self._session.root / source.path, read.footprint

    # -- starting ------------------------------------------------------------------------------
    def _start_wanted(self) -> None:
        while not self._is_winding_down and len(self._runner.running) < self._wishes.jobs:
            name = self.plan.next_wanted()
            if name is None:
                return
            self._start(name)
            if self._posted:
                self._hear()
                self._look_up_ready()

    def _start(self, name: NodeName) -> None:
        flight = self._flights[name]
        if flight.claim is None and not self._claim(name, flight):
            return
        try:
            prepared = self._preparer.prepare(flight.asked)
        except (StoreError, OSError) as error:
            self._give_up(name, str(error))
            return
        self._tell_findings()
        match prepared:
            case Prepared():
                self._launch(name, flight, prepared)
            case Changed():
                self._release(name)
                self.plan.changed(name)
            case Lost():
                self._release(name)
                self._lose(prepared)
            case CannotRun():
                self._give_up(name, prepared.why, hint=prepared.hint)

    def _claim(self, name: NodeName, flight: _Flight) -> bool:
        """True when the key is ours to run."""
        asked = flight.asked
        lookup = self._session.lookup
        is_rerun = name in self._wishes.forced or not asked.node.is_cached
        accepts, choice = lookup.accepts(asked), lookup.choice(asked.key)
        got = self._session.store.claim(asked.key, accepts, choice, rerun=is_rerun)
        if isinstance(got, Record) and not self._is_whole(got):
            got = self._session.store.claim(asked.key, accepts, choice, rerun=True)
        match got:
            case Record():
                self._found_late(name, asked, got)
                return False
            case Busy():
                self.plan.held(name)
                self._report(NodeWaiting(name))
                wait = (name, got, accepts, choice, is_rerun)
                threading.Thread(target=self._wait_in_thread, args=wait, daemon=True).start()
                return False
            case Claim():
                flight.claim = got
                return True

    def _is_whole(self, record: Record) -> bool:
        """Whether a hit's bytes can be linked (a result found damaged is run again)."""
        try:
            for tree in record.slots.values():
                self._session.store.materialise(tree)
                self._session.store.check(tree)
        except (StoreError, KeyError):
            return False
        return True

    def _wait_in_thread(
        self,
        name: NodeName,
        busy: Busy,
        accepts: Callable[[Record], bool],
        choice: object,
        is_rerun: bool,
    ) -> None:
        try:
            result: Record | Claim | FailedElsewhere | StoreError = self._session.store.wait(
                busy, accepts, rerun=is_rerun
            )
        except StoreError as error:
            result = error
        self._post(_WaitOver(name, result))

    def _wait_over(self, what: _WaitOver) -> None:
        name = what.node
        if self.plan.state(name) is not State.BUSY:
            if isinstance(what.result, Claim):
                self._session.store.release(what.result)
            return
        match what.result:
            case Record():
                self._found_late(name, self._flights[name].asked, what.result)
            case Claim():
                self._flights[name].claim = what.result
                self.plan.got_claim(name)
            case FailedElsewhere():
                self._failed_elsewhere(name, what.result.failure)
            case StoreError():
                self._give_up(name, str(what.result))

    def _found_late(self, name: NodeName, asked: Asked, record: Record) -> None:
        """Another build made the result while we were about to."""
        self._link(asked, record)
        self._flights.pop(name, None)
        self._records[name] = record
        self.plan.found(name, record.slots["data"], Outcome.RESTORED)
        self.saved += record.seconds
        self._finished(name, Outcome.RESTORED, "made by another build meanwhile", record=record)

    def _launch(self, name: NodeName, flight: _Flight, prepared: Prepared) -> None:
        flight.footprints = prepared.footprints
        for footprint in prepared.footprints:
            if (path := footprint.first_change()) is not None:
                self._give_up(name, f"{self._shown(path)} changed after it was hashed: build again")
                return
        expected = self._session.state.row(name).seconds or None
        self.plan.started(name)
        self._report(
            NodeStarted(name, flight.reason, time.time(), expected, self._seconds_left())
        )
        flight.rundir = self._runner.start(prepared.run)
        self._live_due = self._live_due or time.monotonic() + _LIVE_AFTER

    def _seconds_left(self) -> float | None:
        """How long the rest should take: the longest chain, or the work shared among the jobs."""
        rows = self._session.state.rows
        rest = self.plan.in_state(State.WAITING, State.READY, State.WANTED, State.RUNNING)
        known = [row.seconds for name in rest if (row := rows.get(name)) and row.seconds]
        if not known or len(known) < len(rest) / 2:
            return None
        longest = max((self.plan.remaining[name] for name in rest), default=0.0)
        return max(longest, sum(known) * len(rest) / len(known) / self._wishes.jobs)

    def _lose(self, lost: Lost) -> None:
        self._report(Notice(f"{lost.why}; it runs again", lost.parent))
        self._session.state.put(lost.parent, replace(self._session.state.row(lost.parent), record=""))
        self._records.pop(lost.parent, None)
        self._flights.pop(lost.parent, None)
        self.plan.lost(lost.parent)

    # -- live logs -----------------------------------------------------------------------------
    def _until_live_logs(self) -> float | None:
        return max(0.0, self._live_due - time.monotonic()) if self._live_due else None

    def _link_live_logs(self) -> None:
        """Points logs.txt of what has been running for a moment at the log being written."""
        if not self._live_due or time.monotonic() < self._live_due:
            return
        self._live_due = 0.0
        for name in self._runner.running:
            flight = self._flights[name]
            if flight.rundir is not None and not flight.has_live_log:
                flight.has_live_log = True
                self._session.links.put(name, "logs.txt", flight.rundir.log)

    # -- ending --------------------------------------------------------------------------------
    def _exited(self, exited: Exited) -> None:
        name = exited.node
        flight = self._flights[name]
        flight.exited = exited
        if exited.stragglers:
            what = ", ".join(exited.stragglers)
            self._report(Notice(f"left processes running, which were stopped: {what}", name))
        if self.plan.state(name) is not State.RUNNING:
            self._drop(flight)
        elif exited.is_stopped:
            self._stopped(name, flight)
        elif (why := failure.reason_of(exited, flight.footprints, self._shown)) is not None:
            self._run_failed(name, flight, why)
        else:
            self._ran(name, flight, exited)

    def _ran(self, name: NodeName, flight: _Flight, exited: Exited) -> None:
        strays = exited.rundir.strays()
        if strays:
            self._report(Notice(f"wrote outside data/ and reports/: {_some(strays)}", name))
        exited.rundir.settle_outputs()
        self.plan.exited(name)
        asked = flight.asked
        packages = asked.packages
        own = own_modules(asked)

        def observe() -> Json:
            if packages is None:
                return None
            return collect(exited.rundir.observed, packages, own)

        body = body_of(asked, exited, self._id, flight.reason, self._session.ambient)
        self._finisher.finish(Ended(exited, asked, trees_of(asked.frozen), body, observe))

    def _hashed(self, what: Hashed) -> None:
        name = what.node
        flight = self._flights[name]
        assert flight.exited is not None
        self._runs.recycle(flight.exited.rundir)
        if self.plan.state(name) is State.STORING:
            self.plan.hashed(name, what.data.root)
        else:
            self._finisher.abandon(name)

    def _settled(self, what: Settled) -> None:
        name = what.node
        flight = self._flights[name]
        if isinstance(what.result, NotPublished):
            self._release(name)
            if self.plan.state(name) is State.HASHED:
                self._fail(name, str(what.result.error), hint="nothing was published")
            return
        self._published(name, flight, what.result)

    def _published(self, name: NodeName, flight: _Flight, published: Published) -> None:
        assert flight.exited is not None
        record = published.record
        if published.disagrees_with is not None:
            self._session.state.choose(flight.asked.key, record.id)
            self._report(
                Notice(
                    "is not reproducible: equal inputs gave other bytes than the earlier result "
                    f"{published.disagrees_with.id[:12]}, which is kept; this project now uses the new one",
                    name,
                )
            )
        self._records[name] = record
        self._link(flight.asked, record, seconds=flight.exited.seconds)
        self._tell_if_stale(name, flight.asked)
        if self.plan.state(name) is State.HASHED:
            self.plan.published(name)
            self._finished(
                name, Outcome.RAN, flight.reason, record=record, seconds=flight.exited.seconds
            )

    def _tell_if_stale(self, name: NodeName, asked: Asked) -> None:
        sets = [asked.frozen.code, *asked.frozen.libs.values(), *asked.frozen.inputs.values()]
        for given in sets:
            files = () if given is None else given.files
            seen = tuple((str(self._session.root / f.path), f.seen) for f in files if f.seen)
            if (path := Footprint(seen).first_change()) is not None:
                text = f"{self._shown(path)} changed while it ran: this result is of the earlier version"
                self._report(Notice(text, name))
                return

    def _unstorable(self, name: NodeName, error: Exception) -> None:
        flight = self._flights[name]
        if self.plan.state(name) is State.STORING:
            self._run_failed(name, flight, str(error))
        else:
            self._drop(flight)

    def _stopped(self, name: NodeName, flight: _Flight) -> None:
        why = "interrupted" if self._interrupts else "stopped"
        self._keep_failed(name, flight)
        self._release(name)
        self.plan.skip(name)
        self._finished(name, Outcome.SKIPPED, why)

    def _drop(self, flight: _Flight) -> None:
        """A run whose node has been given up already."""
        assert flight.exited is not None
        self._runs.recycle(flight.exited.rundir)
        self._release(flight.asked.node.name)

    # -- failing -------------------------------------------------------------------------------
    def _run_failed(self, name: NodeName, flight: _Flight, why: str) -> None:
        assert flight.exited is not None
        exited = flight.exited
        told = failure.tell(self._session, exited, why)
        kept = self._keep_failed(name, flight)
        word: JsonObject = {"why": why, "tail": list(told.tail), "hint": told.hint, "build": self._id}
        word |= {"rerun": kept, "log": str(self._session.root / kept / "logs.txt")}
        if flight.claim is not None:
            self._session.store.fail(flight.claim, word)
            flight.claim = None
        self._fail(name, why, told.tail, told.hint, kept, exited.seconds)

    def _failed_elsewhere(self, name: NodeName, failure: JsonObject) -> None:
        tail = failure.get("tail")
        lines = tuple(map(str, tail)) if isinstance(tail, list) else ()
        why = f"{failure.get('why')} (in another build that ran it for both)"
        self._fail(name, why, lines, str(failure.get("hint") or ""), str(failure.get("rerun") or ""))

    def _give_up(self, name: NodeName, why: str, *, hint: str = "") -> None:
        """A node fails without having run."""
        flight = self._flights.get(name)
        if flight is not None and flight.claim is not None:
            self._session.store.fail(flight.claim, {"why": why, "hint": hint, "build": self._id})
            flight.claim = None
        self._fail(name, why, hint=hint)

    def _fail(
        self,
        name: NodeName,
        why: str,
        tail: Sequence[str] = (),
        hint: str = "",
        rerun: str = "",
        seconds: float = 0.0,
    ) -> None:
        fallen = self.plan.failed(name)
        flight = self._flights.get(name)
        key = "" if flight is None else flight.asked.key
        self._remember_failure(name, key, why)
        log = f"{name}/logs.txt" if rerun else ""
        self._report(
            NodeFinished(
                name, Outcome.FAILED, why, key, seconds=seconds, log=log,
                tail=tuple(tail), rerun=rerun, hint=hint,
            )
        )  # fmt: skip
        self._fall(fallen, why)
        if not self._wishes.keeps_going and not self._is_winding_down:
            self._fall(self.plan.skip_unstarted_runs(), why, first=name)

    def _remember_failure(self, name: NodeName, key: str, why: str) -> None:
        row = self._session.state.row(name)
        self._session.state.put(name, replace(row, failed_key=key or "-", failed_why=why))

    def _fall(self, fallen: Sequence[Fallen], why: str, first: NodeName | None = None) -> None:
        """Tells of, and stops, what is given up because of another node."""
        for one in fallen:
            self._release(one.node)
            if one.was is State.RUNNING:
                self._runner.stop(one.node)
            elif one.was in (State.STORING, State.HASHED):
                self._finisher.abandon(one.node)
            if one.was is State.TWIN:
                self._remember_failure(one.node, "", why)
                text = f"{why} (equal to {one.because}, which failed)"
                self._finished(one.node, Outcome.FAILED, text)
            elif one.because == one.node:
                text = f"not started after {first} failed; -k goes on"
                self._finished(one.node, Outcome.SKIPPED, text)
            else:
                culprit = first or one.because
                verb = "failed" if self._outcome(one.because) is Outcome.FAILED else "was skipped"
                named = one.because if verb == "was skipped" else culprit
                self._finished(one.node, Outcome.SKIPPED, f"{named} {verb}")

    def _outcome(self, name: NodeName) -> Outcome | None:
        return self.plan.outcomes.get(name)

    def _keep_failed(self, name: NodeName, flight: _Flight) -> str:
        """Keeps the run directory of a failed run; gives its path from the root."""
        assert flight.exited is not None
        place = f"{DIRECTORY}/failed/{failure.flat(name)}"
        failure.keep(self._session, flight.exited, place)
        self._session.links.put(name, "logs.txt", self._session.root / place / "logs.txt")
        return place

    def _release(self, name: NodeName) -> None:
        flight = self._flights.get(name)
        if flight is not None and flight.claim is not None:
            self._session.store.release(flight.claim)
            flight.claim = None

    # -- linking and telling -------------------------------------------------------------------
    def _link(self, asked: Asked, record: Record, seconds: float | None = None) -> None:
        name = asked.node.name
        problem = link_hit(self._session, self._order, asked, record, self._started_ns, seconds)
        self.has_linked = True
        if problem is not None:
            self._report(Notice(problem, name))

    def _finished(
        self,
        name: NodeName,
        outcome: Outcome,
        reason: str,
        *,
        record: Record | None = None,
        seconds: float | None = None,
    ) -> None:
        if record is None:
            self._report(NodeFinished(name, outcome, reason))
            return
        took = record.seconds if seconds is None else seconds
        self._report(
            NodeFinished(
                name, outcome, reason, record.key, record.slots["data"], took, f"{name}/logs.txt"
            )
        )

    def _tell_findings(self) -> None:
        for text in self._session.store.take_findings():
            self._report(Notice(text))

    def _shown(self, path: str) -> str:
        """A path as the user would write it."""
        return path.removeprefix(f"{self._session.root}/")


_LIVE_AFTER = 0.1
"""Seconds after which a running node's logs.txt follows its log: shorter runs never need it."""


def _some(names: Sequence[str], most: int = 5) -> str:
    told = ", ".join(names[:most])
    return told + (f" and {len(names) - most} more" if len(names) > most else "")


