"""`fp accept`: a user declares that a node's data are its result, though no run of its present key gave them.

What is declared stays an assertion for ever: in its record with who, when and why, and never more than this
project's own choice (L5). A forced run takes it back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.assertion import Assertion, assertion_of
from fusionpipe.build.keep import take_away
from fusionpipe.build.linking import link_hit
from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.build.lookup import Asked, Hit, trees_of
from fusionpipe.build.prepare import FileChanged, stored
from fusionpipe.build.record import Maker
from fusionpipe.build.roots import write_project_root
from fusionpipe.build.run import generated_names
from fusionpipe.build.session import Session
from fusionpipe.build.state import DIRECTORY
from fusionpipe.build.survey import Stand, Standing, survey
from fusionpipe.errors import UsageError
from fusionpipe.gitignore import ignore_generated
from fusionpipe.model import NodeName
from fusionstore.contract import Draft, JsonObject, NotPublished, Published, Record
from fusionstore.digest import Digest
from fusionstore.errors import StoreError
from fusionstore.tree import EMPTY_TREE, Kind, Tree


class Accepted(NamedTuple):
    """What came of it. `was_run` is set when a run gave these very bytes: nothing had to be declared."""

    node: NodeName
    record: Record
    assertion: Assertion | None
    was_run: bool
    is_by_hand: bool  # data/ was a real directory; it is a link to its stored bytes now


def accept(
    session: Session, name: NodeName, ancestors: Sequence[NodeName], reason: str
) -> Accepted:
    """Declares a node's data valid for its present key. Raises UsageError, StoreError, OSError."""
    reason = reason.strip()
    if not reason:
        raise UsageError("an assertion needs a reason", 'fp accept NODE --reason "why it is right"')
    stand = survey(session, ancestors)[name]
    asked = _asked(session, name, stand)
    is_by_hand = session.links.data_state(name) == "real"
    slots = _slots(session, name, is_by_hand=is_by_hand)
    hit = stand.hit
    if hit is not None and _answers_with(hit, slots):
        if assertion_of(session.lookup.full(hit.record.id)) is not None:
            raise UsageError(f"{name} is accepted already: these very bytes answer its present key")
        if hit.is_linked:
            raise UsageError(f"{name} is up to date: a run gave these very bytes")
    maker = Maker.of_this_process(session.ambient)
    published = _publish(session, asked, slots, maker, reason)
    record = published.record
    session.state.choose(asked.key, record.id)
    write_project_root(session)  # before anything of the user's is taken away
    session.state.save(session.graph.nodes)
    if is_by_hand:
        _replace_by_links(session, name, slots)
    _link(session, asked, record)
    write_project_root(session)
    session.state.save(session.graph.nodes)
    assertion = assertion_of(session.store.read_record(record.id))
    return Accepted(name, record, assertion, assertion is None, is_by_hand)


def _asked(session: Session, name: NodeName, stand: Stand) -> Asked:
    node = session.graph.nodes[name]
    if node.source is not None:
        raise UsageError(f"{name} is a source: its data are valid as they are")
    if not node.is_cached:
        raise UsageError(f"{name} has cache = false: it runs at every build, whatever is accepted")
    if stand.asked is not None:
        return stand.asked
    if stand.standing is Standing.MAY_RUN:
        raise UsageError(
            f"{name} cannot be accepted yet: {stand.reason}",
            f"fp build {' '.join(node.parent_nodes())}",
        )
    raise UsageError(f"{name} has no key: {stand.reason}")


def _slots(session: Session, name: NodeName, *, is_by_hand: bool) -> dict[str, Tree]:
    """The trees that the node's directory shows, stored."""
    here = session.root / name
    row = session.state.row(name)
    if is_by_hand:
        slots = {"data": session.store.ingest_copy(here / "data")}
    elif row.tree and session.links.linked_root(name, Digest(row.tree)) is not None:
        session.store.check(Digest(row.tree))
        slots = {"data": session.store.read_tree(Digest(row.tree))}
    else:
        raise UsageError(
            f"{name}/data holds no result to accept", "put the files into it, or build the node"
        )
    reports = here / "reports"
    if reports.is_dir() and not reports.is_symlink():
        tree = session.store.ingest_copy(reports)
        if tree.root != EMPTY_TREE.root:
            slots["reports"] = tree
    elif not is_by_hand and row.reports:
        session.store.check(Digest(row.reports))
        slots["reports"] = session.store.read_tree(Digest(row.reports))
    return slots


def _answers_with(hit: Hit, slots: dict[str, Tree]) -> bool:
    return dict(hit.record.slots) == {name: tree.root for name, tree in slots.items()}


def _publish(
    session: Session, asked: Asked, slots: dict[str, Tree], maker: Maker, reason: str
) -> Published:
    keeps = trees_of(asked.frozen)
    _store_keeps(session, asked)
    now = time.time()
    body: JsonObject = {
        "node": asked.node.name,
        "manifest": asked.manifest,
        "made": now,
        "seconds": 0.0,
        "user": maker.user,
        "host": maker.host,
        "build": "",
        "reason": f"accepted: {reason}",
        "asserted": {"reason": reason},
    }
    if earlier := session.state.record(asked.node.name):
        body["linked_before"] = earlier
    log = _log(session, asked, maker, reason, now)
    draft = Draft(asked.key, slots, keeps, log, None, body, asserted=True)
    (result,) = session.store.commit([draft])
    if isinstance(result, NotPublished):
        raise StoreError(f"it could not be stored: {result.error}")
    return result


def _log(session: Session, asked: Asked, maker: Maker, reason: str, now: float) -> Digest:
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    text = f"# fusionpipe: nobody ran {asked.node.name}: its data were accepted {when}\n"
    text += f"# by {maker.user} on {maker.host}: {' '.join(reason.split())}\n"
    file = session.store.scratch() / "log"
    file.write_text(text, encoding="utf-8", errors="replace")
    return session.store.ingest_file(file)


def _store_keeps(session: Session, asked: Asked) -> None:
    """Brings code, libs and inputs into the store, as a run would."""
    frozen = asked.frozen
    sets = (frozen.code, *frozen.libs.values(), *frozen.inputs.values())
    for given in sets:
        if given is None or given.is_in_place:
            continue
        for file in given.files:
            if file.entry.kind is Kind.SYMLINK:
                continue
            try:
                stored(session.store, session.root, file)
            except FileChanged as error:
                raise UsageError(f"{error.path} changes while it is read: try again") from error


def _replace_by_links(session: Session, name: NodeName, slots: dict[str, Tree]) -> None:
    """Takes real directories away whose bytes are stored, rooted, and to be linked next."""
    for slot, tree in slots.items():
        place: Path = session.root / name / slot
        if place.is_dir() and not place.is_symlink():
            take_away(session.store, place, tree)


def _link(session: Session, asked: Asked, record: Record) -> None:
    name = asked.node.name
    before = session.state.row(name)
    order = LinkOrder(session.root / DIRECTORY / "state" / "links")
    try:
        problem = link_hit(session, order, asked, record, time.time_ns(), before.seconds)
    finally:
        order.close()
    if problem is not None:
        raise StoreError(f"{name} is accepted, but {problem}")
    ignore_generated(session.root, [(name, generated_names(asked.node))])
