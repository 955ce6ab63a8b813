"""What one build has under way, and how it tells and remembers what became of each node.

Shared by the parts that look up, start and end runs; only the deciding thread touches it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fusionpipe.build.baseline import Baseline
from fusionpipe.build.linking import link_hit
from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.build.lookup import Asked
from fusionpipe.build.proof import Proof
from fusionpipe.build.session import Session
from fusionpipe.build.sources import Read, Watched
from fusionpipe.events import NodeFinished, Notice, Outcome, Report
from fusionpipe.model import NodeName
from fusionpipe.plan import Fallen, Plan
from fusionpipe.runner.run import Exited
from fusionpipe.runner.rundir import RunDirectory
from fusionstore.contract import Claim, JsonObject, Record
from fusionstore.digest import Digest
from fusionstore.errors import StoreError


class Wishes(NamedTuple):
    """What the user asked of a build."""

    nodes: tuple[NodeName, ...]  # with their ancestors, in topological order
    forced: frozenset[NodeName] = frozenset()
    jobs: int = 1
    keeps_going: bool = False
    grace: float = 10.0  # seconds between TERM and KILL


class Flight:
    """A node that has to run: from the moment that is known until it is settled."""

    def __init__(self, asked: Asked, reason: str) -> None:
        self.asked = asked
        self.reason = reason
        self.claim: Claim | None = None
        self.footprints: tuple[Watched, ...] = ()  # what must not change while it runs
        self.code: tuple[Proof, ...] = ()  # as stored: others share the files
        self.rundir: RunDirectory | None = None
        self.exited: Exited | None = None
        self.has_live_log: bool = False


class Failure(NamedTuple):
    """What is told of a node that failed."""

    why: str
    hint: str = ""
    tail: tuple[str, ...] = ()
    rerun: str = ""  # the kept run directory, from the root
    seconds: float = 0.0


class Work:
    """The state of one build."""

    def __init__(
        self,
        session: Session,
        wishes: Wishes,
        report: Report,
        plan: Plan,
        order: LinkOrder,
        id: str,
        started_ns: int,
        give_up_under_way: Callable[[Fallen], None],
    ) -> None:
        self.session = session
        self.wishes = wishes
        self.report = report
        self.plan = plan
        self.order = order
        self.id = id
        self.started_ns = started_ns
        self.give_up_under_way = give_up_under_way
        self.flights: dict[NodeName, Flight] = {}
        self.sources: dict[NodeName, Read] = {}
        self.took: dict[NodeName, float] = {}  # what the runs of those that have a result took
        self.failed_first: NodeName | None = None
        self.saved: float = 0.0
        self.has_linked: bool = False
        self.is_winding_down: bool = False
        self.left_alone: set[NodeName] = set()  # with the very bytes that the last build left
        self.damaged: set[NodeName] = set()  # whose stored bytes were found to be
        self.lost: set[Digest] = set()  # trees of those
        self.was_spoilt: bool = False  # a run wrote into stored files: others may share them

    # -- outcomes ------------------------------------------------------------------------------
    def finished(
        self,
        name: NodeName,
        outcome: Outcome,
        reason: str,
        record: Record | None = None,
        seconds: float | None = None,
    ) -> None:
        """Tells how a node ended; `seconds` is what it took just now, if it ran."""
        if record is None:
            self.report(NodeFinished(name, outcome, reason))
            return
        self.took[name] = record.seconds
        took = record.seconds if seconds is None else seconds
        data = record.slots["data"]
        self.report(
            NodeFinished(
                name, outcome, reason, record.key, data, took, f"{name}/logs.txt", record=record.id
            )
        )

    def found(self, name: NodeName, record: Record, outcome: Outcome, reason: str) -> None:
        """A node has its result without running."""
        self.plan.found(name, record.slots["data"], outcome)
        self.saved += record.seconds
        self.flights.pop(name, None)
        self.finished(name, outcome, reason, record)

    def give_up(self, name: NodeName, failure: Failure) -> None:
        """A node fails without having run; who waits for its key hears why."""
        word: JsonObject = {"why": failure.why, "hint": failure.hint, "build": self.id}
        self.leave_word(name, word)
        self.fail(name, failure)

    def leave_word(self, name: NodeName, word: JsonObject) -> None:
        """Gives a node's claim up with a failure for those who wait for it."""
        flight = self.flights.get(name)
        if flight is not None and flight.claim is not None:
            try:
                self.session.store.fail(flight.claim, word)
            except StoreError:  # a full disk has no room for the word: who waits runs it then
                self.session.store.release(flight.claim)
            flight.claim = None

    def fail(self, name: NodeName, failure: Failure) -> None:
        """A node failed: it is told, and so is all that falls with it."""
        fallen = self.plan.failed(name)
        flight = self.flights.get(name)
        key = "" if flight is None else flight.asked.key
        self._remember_failure(name, key, failure.why)
        log = f"{name}/logs.txt" if failure.rerun else ""
        self.report(
            NodeFinished(
                name, Outcome.FAILED, failure.why, key, seconds=failure.seconds, log=log,
                tail=failure.tail, rerun=failure.rerun, hint=failure.hint,
            )
        )  # fmt: skip
        self.failed_first = self.failed_first or name
        for one in fallen:
            if one.outcome is Outcome.FAILED:
                self._remember_failure(one.node, key, failure.why)
                why = f"{failure.why} (equal to {one.because}, which failed)"
                self.finished(one.node, Outcome.FAILED, why)
            else:
                self.fell(one)

    def stop_starting(self) -> None:
        """After a failure without -k: what would have to run is given up, and what is below it."""
        for one in self.plan.skip_unstarted_runs():
            if one.because == one.node:
                self.release(one.node)
                why = f"not started after {self.failed_first} failed; -k goes on"
                self.finished(one.node, Outcome.SKIPPED, why)
            else:
                self.fell(one)

    def fell(self, one: Fallen) -> None:
        """A node is given up because of another: it is stopped if it runs, and told."""
        self.release(one.node)
        self.give_up_under_way(one)
        verb = "failed" if self.plan.outcomes[one.because] is Outcome.FAILED else "was skipped"
        self.finished(one.node, Outcome.SKIPPED, f"{one.because} {verb}")

    def _remember_failure(self, name: NodeName, key: str, why: str) -> None:
        row = self.session.state.row(name)
        self.session.state.put(name, row._replace(failed_key=key or "-", failed_why=why))

    # -- what was left out ---------------------------------------------------------------------
    def digest(self, name: NodeName) -> Digest:
        """The digest of a parent's data. KeyError until it is hashed."""
        baseline = self.session.baseline
        if baseline is None or name in self.plan:
            return self.plan.digest(name)
        return baseline.digest(name)

    def is_left_alone(self, name: NodeName) -> bool:
        """True if a node is as the last build left it: neither its own files nor its parents' bytes differ."""
        baseline = self.session.baseline
        return (
            baseline is not None
            and name not in baseline.touched
            and self._has_parents_as_before(baseline, name)
        )

    def _has_parents_as_before(self, baseline: Baseline, name: NodeName) -> bool:
        if name in self.damaged or (self.lost and baseline.digest(name) in self.lost):
            return False  # another directory now
        # whoever is not in the plan has what it had, unless it was taken in for being damaged
        parents = (
            self.session.graph.nodes[name].parent_nodes()
            if self.damaged
            else self.plan.parents(name)
        )
        return all(
            parent in self.left_alone or self.digest(parent) == baseline.digest(parent)
            for parent in parents
        )

    def take_in(self, name: NodeName) -> None:
        """Brings a node that was left out, with all below it, into the plan: its bytes are damaged."""
        baseline = self.session.baseline
        if baseline is None or name in self.plan:
            return
        children = baseline.remembered.children
        for one in reversed(baseline.in_order(baseline.below([name]))):
            if one not in self.plan:
                below = [child for child in children.get(one, ()) if child in self.plan]
                self.plan.admit(one, baseline.digest(one), below)

    # -- helping hands -------------------------------------------------------------------------
    def release(self, name: NodeName) -> None:
        """Gives a node's claim up, if it has one: a waiter may take the work over."""
        flight = self.flights.get(name)
        if flight is not None and flight.claim is not None:
            self.session.store.release(flight.claim)
            flight.claim = None

    def link(self, asked: Asked, record: Record, seconds: float | None = None) -> None:
        """Points the node's directory at a result, unless a later build has done so."""
        problem = link_hit(self.session, self.order, asked, record, self.started_ns, seconds)
        self.has_linked = True
        for note in self.session.take_notes():
            self.notice(note, asked.node.name)
        if problem is not None:
            self.notice(problem, asked.node.name)

    def notice(self, text: str, name: NodeName | None = None) -> None:
        """Says something that is no outcome."""
        self.report(Notice(text, name))

    def tell_findings(self) -> None:
        """Says what the store found damaged."""
        for text in self.session.store.take_findings():
            self.notice(text)

    def shown(self, path: str) -> str:
        """A path as the user would write it."""
        return path.removeprefix(f"{self.session.root}/")


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    told = ", ".join(names[:most])
    return told + (f" and {len(names) - most} more" if len(names) > most else "")
