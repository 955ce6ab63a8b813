"""`fp why NODE`: why a node is, or is not, as it was (L11)."""

from __future__ import annotations

import difflib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from fusionpipe.build.assertion import assertion_of
from fusionpipe.build.lookup import Asked
from fusionpipe.build.pins import pinned_as
from fusionpipe.build.session import Session
from fusionpipe.build.state import NodeRow
from fusionpipe.build.survey import Stand, Standing, survey
from fusionpipe.build.verdicts import verdicts_of
from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened
from fusionpipe.explain import Change, Field, compare
from fusionpipe.model import NodeName
from fusionpipe.project import resolve_node, select
from fusionpipe.report.verdicts import assertion_line, verdict_line
from fusionpipe.report.why import Section, render_sections, render_sections_json
from fusionpipe.report.words import ago, duration
from fusionpipe.settings import ambient, wants_colour
from fusionstore.contract import FullRecord, JsonObject
from fusionstore.contract import Json as JsonValue
from fusionstore.digest import Digest
from fusionstore.errors import Corrupt

_TEXT_UP_TO = 1 << 20


def why(
    node: Annotated[str, typer.Argument(help="The node to explain.", autocompletion=complete_node)],
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Explain a node: what changed since the nearest earlier run, or who made the result it has.

    Exit code 0; 2 if there is no such node.

    Example: fp why prep/clean
    """
    with opened(directory) as (session, here):
        name = resolve_node(session.graph, node, here)
        stands = survey(session, select(session.graph, [f"/{name}"], here=""))
        headline, sections = explain(session, stands, name)
    if json:
        render_sections_json(name, headline, sections, out=sys.stdout)
    else:
        colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
        render_sections(headline, sections, out=sys.stdout, colour=colour)
    return 0


def explain(
    session: Session, stands: dict[NodeName, Stand], name: NodeName
) -> tuple[str, list[Section]]:
    """The headline and the sections about one node."""
    stand = stands[name]
    row = session.state.row(name)
    sections: list[Section] = []
    if row.failed_key and not _is_linked(stand):
        sections.append(_about_failure(stand, row))
    if _shows_override(stand):
        words = ", ".join(stand.overridden)
        sections.append(Section(f"what is linked now was made with -p: {words}"))
    if stand.hit is not None:
        record = session.lookup.full(stand.hit.record.id)
        sections += [] if record is None else list(_about_hit(session, stand, record))
    elif stand.miss is not None and stand.asked is not None:
        sections += _about_miss(session, stand)
    elif stand.standing is Standing.MAY_RUN:
        sections += _about_parents(session, stands, name)
    if names := pinned_as(session.store).get(row.record):
        sections.append(Section(f"the result that is linked is pinned as {names}"))
    return f"{name}: {_headline(stand)}", sections


def _is_linked(stand: Stand) -> bool:
    return stand.hit is not None and stand.hit.is_linked


def _shows_override(stand: Stand) -> bool:
    """Whether its data/ shows a result that was asked for with -p, and not the plain one."""
    return bool(stand.overridden) and not _is_linked(stand)


def _about_failure(stand: Stand, row: NodeRow) -> Section:
    """The last run that failed: this very code, or what it was before it was changed."""
    if stand.is_failed:
        return Section(f"log: {stand.node}/logs.txt")
    return Section(f"its last run failed, before it was changed: {row.failed_why}")


def _headline(stand: Stand) -> str:
    if stand.is_source:
        return f"a source, {stand.reason}"
    match stand.standing:
        case Standing.KEPT:
            return "fresh: nothing that reaches it has changed"
        case Standing.RESTORED:
            return "its result is in the store; a build links it"
        case Standing.WILL_RUN:
            return f"will run: {stand.reason}"
        case Standing.MAY_RUN:
            return f"may run: {stand.reason}"
        case Standing.FAILS:
            return f"cannot be built: {stand.reason}"


def _about_hit(session: Session, stand: Stand, full: FullRecord) -> Iterator[Section]:
    body = full.body
    made = full.record.made
    if (assertion := assertion_of(full)) is not None:
        yield Section(assertion_line(assertion), (f"fp build -f {stand.node} takes it back",))
        return
    where = f"by {body.get('user')} on {body.get('host')}, {ago(made, time.time())}"
    took = f"in {duration(full.record.seconds)}, build {body.get('build')}"
    lines = [f"{where} ({_local(made)})", took, f"it ran then because: {body.get('reason')}"]
    if verdicts := verdicts_of(session.store, full.record.id):
        more = f" ({len(verdicts)} times run again)" if len(verdicts) > 1 else ""
        lines.append(f"{verdict_line(verdicts[0], time.time())}{more}")
    if body.get("node") != stand.node:
        lines.append(f"as the node {body.get('node')}")
    if stand.overridden and _is_linked(stand):
        lines.append(f"with -p: {', '.join(stand.overridden)}")
    yield Section("the result was made", tuple(lines))
    earlier = _earlier(session, stand, full)
    if earlier is not None:
        changes = compare(
            _manifest(earlier), _manifest(full), session.lookup.tree_reader(stand.asked)
        )
        if changes:
            yield from _change_sections(
                session, stand, changes, earlier, "before it, the nearest run had"
            )


def _earlier(session: Session, stand: Stand, full: FullRecord) -> FullRecord | None:
    """The node's result before this one."""
    others = (one for one in session.state.row(stand.node).recent if one != full.record.id)
    known = (found for one in others if (found := session.lookup.full(one)) is not None)
    return next((found for found in known if found.record.made <= full.record.made), None)


def _about_miss(session: Session, stand: Stand) -> list[Section]:
    miss = stand.miss
    assert miss is not None
    if miss.compared_with is None:
        return []
    earlier = session.lookup.full(miss.compared_with)
    if earlier is None:
        return []
    when = ago(earlier.record.made, time.time())
    title = f"compared with the nearest earlier run ({when}, {miss.compared_with[:12]})"
    return list(_change_sections(session, stand, miss.changes, earlier, title))


def _change_sections(
    session: Session, stand: Stand, changes: Sequence[Change], earlier: FullRecord, title: str
) -> Iterator[Section]:
    yield Section(title)
    for change in changes:
        lines: list[str] = []
        diff: list[str] = []
        if change.field in (Field.CODE, Field.LIB, Field.INPUT):
            diff = _diff(session, stand.asked, change)
        elif change.field is Field.PARENT:
            lines = _about_parent(session, stand, change)
        yield Section(f"• {change}", tuple(lines), tuple(diff))


def _about_parent(session: Session, stand: Stand, change: Change) -> list[str]:
    lines = [f"{_short(change.old)} → {_short(change.new)}"]
    alias, _, member = change.name.partition("/")
    node = session.graph.nodes[stand.node]
    for parent in node.parents:
        if parent.alias == alias and (name := parent.members.get(member)) is not None:
            if session.graph.nodes[name].source is not None:
                lines.append(f"{name} is a source: its files changed")
            elif (full := _maker(session, name, change.new)) is not None:
                lines.append(f"{name} ran because: {full.body.get('reason')}")
    return lines


def _maker(session: Session, name: NodeName, data: JsonValue) -> FullRecord | None:
    """The node's run that wrote these data; what it has linked may be another's while a build lasts."""
    row = session.state.row(name)
    for record in dict.fromkeys((row.record, *row.recent)):
        full = session.lookup.full(record) if record else None
        if full is not None and full.record.slots.get("data") == data:
            return full
    return None


def _about_parents(
    session: Session, stands: dict[NodeName, Stand], name: NodeName
) -> list[Section]:
    """For what depends on parents that must run first: why those do."""
    sections = []
    for parent in session.graph.nodes[name].parent_nodes():
        above = stands[parent]
        if above.standing not in (Standing.KEPT, Standing.RESTORED):
            sections.append(Section(f"• {parent}: {_headline(above)}"))
    return sections


def _diff(session: Session, asked: Asked | None, change: Change) -> list[str]:
    old = _old_text(session, change.old)
    new = _new_text(session, asked, change)
    if old is None or new is None:
        return []
    lines = difflib.unified_diff(
        old.splitlines(),
        new.splitlines(),
        f"before/{change.name}",
        f"now/{change.name}",
        lineterm="",
    )
    return list(lines)


def _old_text(session: Session, digest: JsonValue) -> str | None:
    if digest is None:
        return ""
    for is_executable in (False, True):
        try:
            path = session.store.object_path(Digest(str(digest)), executable=is_executable)
        except (KeyError, Corrupt, ValueError):
            continue
        return _text(path)
    return None


def _new_text(session: Session, asked: Asked | None, change: Change) -> str | None:
    if change.new is None:
        return ""
    frozen = None if asked is None else asked.frozen
    sets = [] if frozen is None else [frozen.code, *frozen.libs.values(), *frozen.inputs.values()]
    for given in sets:
        for file in () if given is None else given.files:
            if file.entry.digest == change.new:
                return _text(session.root / file.path)
    return _old_text(session, change.new)


def _text(path: Path) -> str | None:
    """A file's text, or None when it is none, or too long to be worth showing."""
    try:
        if path.stat().st_size > _TEXT_UP_TO:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    if b"\0" in data:
        return None
    return data.decode("utf-8", "replace")


def _manifest(full: FullRecord) -> JsonObject:
    manifest = full.body.get("manifest")
    return manifest if isinstance(manifest, dict) else {}


def _short(digest: JsonValue) -> str:
    return "(none)" if digest is None else str(digest)[:12]


def _local(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
