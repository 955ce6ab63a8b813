"""Runs that are over: judged, stored, published and linked; or told as failed, with all that helps."""

from __future__ import annotations

from fusionpipe.build import failure
from fusionpipe.build.finish import Ended, Finisher, Hashed, Settled, Unstorable
from fusionpipe.build.lookup import Asked, trees_of
from fusionpipe.build.proof import Proof
from fusionpipe.build.record import Maker, body_of, own_modules
from fusionpipe.build.sources import Footprint
from fusionpipe.build.state import DIRECTORY
from fusionpipe.build.work import Failure, Flight, Work, some
from fusionpipe.errors import FusionpipeError
from fusionpipe.events import Outcome
from fusionpipe.freeze import FrozenFile
from fusionpipe.model import Node, NodeName
from fusionpipe.plan import State
from fusionpipe.runner.observed import collect, differences
from fusionpipe.runner.run import Exited
from fusionpipe.runner.rundir import RunDirectories
from fusionpipe.runner.tools import Tool
from fusionstore.contract import Json, JsonObject, NotPublished, Published
from fusionstore.digest import digest_file


class PackagesChanged(FusionpipeError):
    """Packages that a run imported are not what they were when it began."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self.names = names

    def __str__(self) -> str:
        return f"{some(self.names)} changed while it ran: this run is void, build again"


class Ender:
    """Ends runs."""

    def __init__(self, work: Work, runs: RunDirectories, finisher: Finisher) -> None:
        self._work = work
        self._runs = runs
        self._finisher = finisher
        self._maker = Maker.of_this_process(work.session.ambient)

    def exited(self, exited: Exited) -> None:
        """A process is over."""
        name = exited.node
        flight = self._work.flights[name]
        flight.exited = exited
        if exited.stragglers and not exited.is_stopped:
            what = ", ".join(exited.stragglers)
            self._work.notice(f"left processes running, which were stopped: {what}", name)
        changed = self._first_change(flight)
        if self._work.plan.state(name) is not State.RUNNING:
            self._drop(flight)
        elif exited.is_stopped:
            self._stopped(name, flight)
        elif (why := failure.reason_of(exited, changed)) is not None:
            self._run_failed(name, flight, why)
        else:
            self._ran(name, flight, exited)

    def _first_change(self, flight: Flight) -> str | None:
        """Something the run read that is not what it was; its own code does not void it, but is noted."""
        changed = None
        for one in flight.footprints:
            if (path := one.first_change()) is not None:
                changed = changed or self._work.shown(path)
                self._work.was_spoilt = self._work.was_spoilt or isinstance(one, Proof)
        if any(proof.first_change() for proof in flight.code):
            self._work.was_spoilt = True
        return changed

    def _ran(self, name: NodeName, flight: Flight, exited: Exited) -> None:
        strays = exited.rundir.strays()
        if strays:
            self._work.notice(f"wrote outside data/ and reports/: {some(strays)}", name)
        self._work.plan.exited(name)
        asked, own = flight.asked, own_modules(flight.asked)

        def observe() -> Json:
            if asked.packages is None:
                return None
            observed = collect(exited.rundir.observed, asked.packages, own)
            self._refuse_other_packages(asked, observed)
            return observed

        body = body_of(asked, exited, self._maker, self._work.id, flight.reason)
        self._finisher.finish(Ended(exited, asked, trees_of(asked.frozen), body, observe))

    def _refuse_other_packages(self, asked: Asked, observed: Json) -> None:
        """Nobody knows which version a run used of a package that changed while it lasted (L1)."""
        assert isinstance(asked.tool, Tool)
        now = self._work.session.toolbox.distributions_now(asked.tool)
        changed = [change.name for change in differences(observed, now)]
        if changed:
            raise PackagesChanged(tuple(changed))

    # -- storing -------------------------------------------------------------------------------
    def hashed(self, what: Hashed) -> None:
        """A run's outputs lie in the store: children may go on."""
        flight = self._work.flights[what.node]
        assert flight.exited is not None
        self._runs.recycle(flight.exited.rundir)
        if self._work.plan.state(what.node) is State.STORING:
            self._work.plan.hashed(what.node, what.data.root)
        else:
            self._finisher.abandon(what.node)

    def settled(self, what: Settled) -> None:
        """A run is published, or refused."""
        name, result = what.node, what.result
        if isinstance(result, NotPublished):
            self._work.release(name)
            if self._work.plan.state(name) is State.HASHED:
                self._work.fail(name, Failure(str(result.error), "nothing was published"))
            return
        flight = self._work.flights[name]
        flight.claim = None
        self._choose(name, flight, result)
        assert flight.exited is not None
        seconds = flight.exited.seconds
        self._work.link(flight.asked, result.record, seconds)
        self._tell_if_stale(name, flight.asked)
        if self._work.plan.state(name) is State.HASHED:
            self._work.plan.published(name)
            self._work.finished(name, Outcome.RAN, flight.reason, result.record, seconds)
            del self._work.flights[name]  # thousands of them, with all they were asked with

    def _choose(self, name: NodeName, flight: Flight, published: Published) -> None:
        """When a run disagrees with the key's realisation, this project goes on with the new (L5)."""
        state = self._work.session.state
        if published.disagrees_with is not None:
            state.choose(flight.asked.key, published.record.id)
            earlier = published.disagrees_with.id[:12]
            self._work.notice(
                f"is not reproducible: equal inputs gave other bytes than the result {earlier}, which "
                "stays in the store; this project now uses the new one",
                name,
            )
        elif flight.asked.key in state.choices:
            state.choose(flight.asked.key, published.record.id)

    def _tell_if_stale(self, name: NodeName, asked: Asked) -> None:
        root, node = self._work.session.root, asked.node
        frozen = asked.frozen
        sets = (frozen.code, *frozen.libs.values(), *frozen.inputs.values())
        files = [file for given in sets if given is not None for file in given.files if file.seen]
        changed = (file.path for file in files if _is_other(f"{root}/{file.path}", file))
        path = next(changed, None) or self._other_declaration(node)
        if path is not None:
            text = f"{path} changed while it ran: this result is of the earlier version"
            self._work.notice(text, name)

    def _other_declaration(self, node: Node) -> str | None:
        """The node's node.toml, if it is not what this build read: its params may be others."""
        file, disk = node.declared_in, self._work.session.disk
        seen = disk.sightings.get(file) if file else None
        if not isinstance(seen, bytes):
            return None
        return file if Footprint(((disk.absolute(file), seen),)).first_change() else None

    # -- failing -------------------------------------------------------------------------------
    def unstorable(self, what: Unstorable) -> None:
        """A run's outputs could not be stored."""
        flight = self._work.flights[what.node]
        if self._work.plan.state(what.node) is State.STORING:
            self._run_failed(what.node, flight, str(what.error))
        else:
            self._drop(flight)

    def _run_failed(self, name: NodeName, flight: Flight, why: str) -> None:
        assert flight.exited is not None
        session = self._work.session
        told = failure.tell(session, flight.exited)
        kept = self._keep(name, flight)
        rerun = str(session.root / kept)  # whoever waits may be of another project
        word: JsonObject = {"why": why, "tail": list(told.tail), "hint": told.hint}
        self._work.leave_word(name, word | {"rerun": rerun, "build": self._work.id})
        seconds = flight.exited.seconds
        row = session.state.row(name)
        session.state.put(name, row._replace(seconds=row.seconds or seconds))
        self._work.fail(name, Failure(why, told.hint, told.tail, kept, seconds))

    def _stopped(self, name: NodeName, flight: Flight) -> None:
        self._keep(name, flight)
        self._work.release(name)
        self._work.plan.skip(name)
        why = "interrupted" if self._work.is_winding_down else "stopped"
        self._work.finished(name, Outcome.SKIPPED, why)

    def _drop(self, flight: Flight) -> None:
        """A run whose node has been given up already."""
        assert flight.exited is not None
        self._runs.recycle(flight.exited.rundir)
        self._work.release(flight.asked.node.name)

    def _keep(self, name: NodeName, flight: Flight) -> str:
        """Keeps the directory of a run that did not count; its path from the root."""
        assert flight.exited is not None
        place = f"{DIRECTORY}/failed/{failure.flat(name)}"
        session = self._work.session
        failure.keep(session, flight.exited, place)
        session.links.put(name, "logs.txt", session.root / place / "logs.txt")
        return place


def _is_other(path: str, file: FrozenFile) -> bool:
    """Whether a file's bytes are not those that ran. It is read only where its `stat` differs."""
    assert file.seen is not None
    if Footprint(((path, file.seen),)).first_change() is None:
        return False
    try:
        return digest_file(path) != file.entry.digest
    except OSError:
        return True
