"""The one loop: look up all that may be looked up, start all that may start, wait for one thing to end.

One thread decides; threads only hash, publish and wait, and post what they have to say. The plan is the
only judge of what a node may do. Nothing here prints: everything is told as events.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence

from fusionpipe.build.ending import Ender
from fusionpipe.build.finding import Finder, SourceRead
from fusionpipe.build.finish import Finisher, Hashed, Settled, Told, Unstorable
from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.build.prepare import Preparer
from fusionpipe.build.session import Session
from fusionpipe.build.starting import Starter, WaitOver
from fusionpipe.build.state import DIRECTORY
from fusionpipe.build.work import Wishes, Work
from fusionpipe.events import Interrupting, Outcome, Report, SourceHashing
from fusionpipe.model import NodeName
from fusionpipe.plan import Fallen, Plan, State
from fusionpipe.runner.process import ProcessRunner
from fusionpipe.runner.rundir import RunDirectories

_Posted = Told | SourceRead | SourceHashing | WaitOver


class Build:
    """One execution of a plan over a session. Made for one `run`."""

    def __init__(
        self, session: Session, wishes: Wishes, report: Report, *, id: str, started_ns: int
    ) -> None:
        self._posted: deque[_Posted] = deque()
        self._deciding = threading.get_ident()
        self._is_called = False  # somebody woke us, and nothing has been heard since
        self._interrupts = 0
        self._runs = RunDirectories(session.store.scratch())
        self._runner = ProcessRunner(self._runs, grace=wishes.grace)
        self._finisher = Finisher(session.store, self._post, threads=max(1, wishes.jobs))
        self.work = Work(
            session,
            wishes,
            report,
            _plan_of(session, wishes),
            LinkOrder(session.root / DIRECTORY / "state" / "links"),
            id,
            started_ns,
            self._give_up_under_way,
        )
        self._finder = Finder(self.work, self._post)
        preparer = Preparer(
            session.root, session.store, session.ambient, self._finder.place_of_source
        )
        self._starter = Starter(self.work, preparer, self._runner, self._post)
        self._ender = Ender(self.work, self._runs, self._finisher)

    def run(self) -> None:
        """Until every node has an outcome. Raises nothing for what a node may do wrong."""
        plan = self.work.plan
        try:
            while not plan.is_done:
                self._look_up()
                self._start()
                if not plan.is_done and not self._posted and not self._has_more():
                    self._wait()
                self._hear()
        finally:
            self._runner.stop_all(now=True)
            self._finisher.close()
            self._hear()
            self._runner.close()
            self._runs.close()
            self.work.order.close()

    def interrupt(self) -> None:
        """Ctrl-C: from a signal handler. The first stops gracefully, a second at once."""
        self._interrupts += 1
        self._runner.wake()

    @property
    def is_interrupted(self) -> bool:
        """True once the user asked to stop."""
        return self._interrupts > 0

    # -- the three things of a round -----------------------------------------------------------
    def _look_up(self) -> None:
        while not self._interrupts and (name := self.work.plan.next_ready()) is not None:
            self._finder.look_up(name)
            self._hear()
        self._finder.tell_kept()

    def _start(self) -> None:
        work = self.work
        if work.failed_first is not None and not work.wishes.keeps_going:
            work.stop_starting()
        while not self._interrupts and len(self._runner.running) < work.wishes.jobs:
            name = work.plan.next_wanted()
            if name is None:
                return
            self._starter.start(name)
            self._hear()
            self._look_up()
            if work.failed_first is not None and not work.wishes.keeps_going:
                work.stop_starting()

    def _has_more(self) -> bool:
        """Whether starting made something ready (a file changed, a result was found): no need to wait."""
        return not self._interrupts and self.work.plan.next_ready() is not None

    def _wait(self) -> None:
        self._finisher.expect(more=bool(self._runner.running))
        for exited in self._runner.wait(self._starter.until_live_logs()):
            self._ender.exited(exited)
        self._starter.link_live_logs()
        if self._interrupts:
            self._wind_down()

    def _wind_down(self) -> None:
        work = self.work
        if self._interrupts > 1:
            self._runner.stop_all(now=True)
        if work.is_winding_down:
            return
        work.is_winding_down = True
        work.report(Interrupting(len(work.plan.in_state(State.RUNNING))))
        for name in work.plan.skip_open():
            work.release(name)
            work.finished(name, Outcome.SKIPPED, "interrupted")
        for name in work.plan.in_state(State.BUSY, State.READING):
            work.plan.skip(name)
            work.finished(name, Outcome.SKIPPED, "interrupted")
        self._runner.stop_all(now=self._interrupts > 1)

    # -- threads and what falls ----------------------------------------------------------------
    def _post(self, what: _Posted) -> None:
        """From any thread. The deciding one hears all that is posted before it waits, and needs no waking."""
        self._posted.append(what)
        if threading.get_ident() != self._deciding and not self._is_called:
            self._is_called = True
            self._runner.wake()

    def _hear(self) -> None:
        self._is_called = False  # before looking: who posts from here on calls again
        while self._posted:
            what = self._posted.popleft()
            match what:
                case Hashed():
                    self._ender.hashed(what)
                case Settled():
                    self._ender.settled(what)
                case Unstorable():
                    self._ender.unstorable(what)
                case SourceRead():
                    self._finder.source_read(what)
                case WaitOver():
                    self._starter.wait_over(what)
                case SourceHashing():
                    self.work.report(what)

    def _give_up_under_way(self, fallen: Fallen) -> None:
        """Stops what was under way for a node that falls because of another."""
        if fallen.was is State.RUNNING:
            self._runner.stop(fallen.node)
        elif fallen.was in (State.STORING, State.HASHED):
            self._finisher.abandon(fallen.node)


def _plan_of(session: Session, wishes: Wishes) -> Plan:
    nodes, seconds = session.graph.nodes, session.state.seconds
    parents: Mapping[NodeName, Sequence[NodeName]]
    if session.baseline is not None:  # what is not in the plan has its result, as it had
        parents = session.baseline.parents_among(wishes.nodes)
    else:
        parents = {name: nodes[name].parent_nodes() for name in wishes.nodes}
    return Plan(parents, {name: took for name in wishes.nodes if (took := seconds(name))})
