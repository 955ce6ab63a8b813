"""What `fp verify` prints: what is damaged, whom it concerns, what was done and what to do.

Renders what it is given; whoever gives it has looked. Never imports rich.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

from fusionpipe.build.verify import BadLink, LinkFault, Verified
from fusionpipe.report.output import Ink, Output
from fusionpipe.report.words import counted, duration, number, size
from fusionstore.contract import JsonObject
from fusionstore.digest import RecordId
from fusionstore.findings import Fault, Finding, Progress, Repair

_MANY = 40  # findings up to which all are shown
_FEW = 4  # nodes named in one line
_EVERY = 0.1  # seconds

_MEANS = {
    Fault.OBJECT_ALTERED: "was altered after it was stored",
    Fault.OBJECT_MISSING: "is missing",
    Fault.OBJECT_MODE: "is not read-only",
    Fault.TREE_ALTERED: "is not as it was stored",
    Fault.TREE_MISSING: "is missing",
    Fault.RECORD_TORN: "has a damaged record",
    Fault.RECORD_MISSING: "has lost its record",
    Fault.RECORD_UNINDEXED: "is not in the index",
    Fault.ROOT_TORN: "is damaged: what it keeps might be collected",
    Fault.ROOT_DANGLING: "keeps a result that is not there",
    Fault.ROOT_UNINDEXED: "is not in the index",
    Fault.INDEX_DAMAGED: "is damaged",
    Fault.STRANGER: "does not belong in a store",
    Fault.INCOMPLETE: "stands, but cannot be repeated as it was: lost",
    Fault.KEPT_GONE: "is still named, but its bytes are gone",
    Fault.INDEX_STALE: "has rows of files that are gone",
}
_OF_ONE = (Fault.INCOMPLETE, Fault.KEPT_GONE, Fault.RECORD_TORN, Fault.RECORD_MISSING)


class ProgressLine:
    """One line on a terminal that tells how far it is, rewritten in place; gone at the end."""

    def __init__(self, out: TextIO, now: float) -> None:
        self._out = out
        self._began = now
        self._phase_began = now
        self._doing = ""
        self._told = 0.0
        self._is_shown = False

    def tell(self, progress: Progress, now: float) -> None:
        """Shows it, if it did not just show something."""
        if progress.doing != self._doing:
            self._doing, self._phase_began = progress.doing, now
        if now - self._told < _EVERY or now - self._began < 2 * _EVERY:
            return
        self._told, self._is_shown = now, True
        line = progress_line(progress, now - self._phase_began)
        self._out.write(f"\r\x1b[K{line}")
        self._out.flush()

    def clear(self) -> None:
        """Takes the line away."""
        if self._is_shown:
            self._out.write("\r\x1b[K")
            self._out.flush()


def progress_line(progress: Progress, seconds: float) -> str:
    """`hashing  3.2 GB of 12 GB  27 %  1.1 GB/s  8 s left`."""
    if progress.doing != "hashing":
        return f"looking at {progress.doing}  {progress.done * 100 // max(1, progress.total)} %"
    parts = [f"hashing  {size(progress.done)} of {size(progress.total)}"]
    if progress.total:
        parts.append(f"{progress.done * 100 // progress.total} %")
    if seconds > 0 and progress.done:
        rate = progress.done / seconds
        parts.append(f"{size(round(rate))}/s")
        parts.append(f"{duration((progress.total - progress.done) / rate)} left")
    return "  ".join(parts)


def render_verified(
    verified: Verified, *, seconds: float, deep: bool, out: TextIO, colour: bool
) -> None:
    """Writes what was found, the damaged first, and a summary."""
    output = Output(out, colour=colour)
    done = {repair.finding: repair for repair in verified.repairs}
    later = [r.finding for r in verified.repairs if r.finding not in {*verified.audit.findings}]
    findings = [*verified.audit.findings, *dict.fromkeys(later)]
    left = {*verified.now.findings}
    lost_records = {*_lost(verified)}
    findings = [one for one in findings if not _is_told_as_lost(one, lost_records)]
    for finding in findings[:_MANY]:
        for line in _finding_lines(verified, finding, done.get(finding), finding in left, output):
            output.write(f"{line}\n")
    if len(findings) > _MANY:
        output.line(f"… and {number(len(findings) - _MANY)} more: --json tells all")
    for link in verified.links[:_MANY]:
        output.write(_link_line(link, output) + "\n")
    if len(verified.links) > _MANY:
        output.line(f"… and {counted(len(verified.links) - _MANY, 'more link')}")
    for line in _lost_lines(verified, output):
        output.write(f"{line}\n")
    output.write(_summary(verified, seconds, deep, output) + "\n")


def render_verified_json(verified: Verified, *, seconds: float, deep: bool, out: TextIO) -> None:
    """Writes one JSON object."""
    audit, done = verified.audit, {repair.finding: repair for repair in verified.repairs}
    later = [r.finding for r in verified.repairs if r.finding not in {*audit.findings}]
    told = {
        "sound": verified.is_sound,
        "deep": deep,
        "seconds": round(seconds, 3),
        "counts": {name: getattr(audit, name) for name in audit._fields if name != "findings"},
        "findings": [
            _plain(verified, finding, done.get(finding))
            for finding in [*audit.findings, *dict.fromkeys(later)]
        ],
        "links": [link._asdict() for link in verified.links],
        "lost": {id: verified.names.get(id, "") for id in _lost(verified)},
    }
    Output(out, colour=False).line(json.dumps(told))


def _plain(verified: Verified, finding: Finding, repair: Repair | None) -> JsonObject:
    return {
        "fault": finding.fault.value,
        "is_damage": finding.fault.is_damage,
        "path": finding.path,
        "what": finding.what,
        "shown": _shown(verified, finding),
        "nodes": [*_nodes(verified, finding)],
        "key": finding.key,
        "records": [*finding.records],
        "trees": [*finding.trees],
        "is_mended": repair is not None and repair.is_mended,
        "done": "" if repair is None else repair.done,
        "lost": [] if repair is None else [*repair.lost],
    }


def _finding_lines(
    verified: Verified,
    finding: Finding,
    repair: Repair | None,
    is_left: bool,
    output: Output,
) -> Iterator[str]:
    word, ink = ("damaged", Ink.BAD) if finding.fault.is_damage else ("note", Ink.WARNING)
    if repair is not None and repair.is_mended and not is_left:
        word, ink = ("aside", Ink.WARNING) if repair.lost else ("mended", Ink.GOOD)
    what = f": {finding.what}" if finding.what else ""
    if finding.fault is Fault.KEPT_GONE:
        what = f" (by {_root(finding.name)})"
    yield f"{output.paint(f'{word:<7}', ink)}  {_shown(verified, finding)} {_MEANS[finding.fault]}{what}"
    nodes = [] if finding.fault in _OF_ONE else _nodes(verified, finding)
    if nodes:
        more = f" and {number(len(nodes) - _FEW)} more" if len(nodes) > _FEW else ""
        yield f"         {output.paint('results that need it: ', Ink.FAINT)}{', '.join(nodes[:_FEW])}{more}"
    if repair is not None and repair.done:
        yield f"         {output.paint(repair.done, Ink.FAINT)}"


def _shown(verified: Verified, finding: Finding) -> str:
    """Whatever is concerned as the user knows it: a file in a node's data, a node, a pin; else its path."""
    for tree, path in zip(finding.trees, finding.paths or [""] * len(finding.trees), strict=True):
        place = verified.places.get(tree)
        if place is not None:
            return f"{place}/{path}".rstrip("/")
    if finding.fault in (Fault.RECORD_TORN, Fault.RECORD_MISSING, Fault.RECORD_UNINDEXED):
        known = verified.keys.get(finding.key) or next(iter(_nodes(verified, finding)), "")
        return str(known) or f"the result {finding.key[:12]}"
    if finding.fault in (Fault.INCOMPLETE, Fault.KEPT_GONE):
        return next(iter(_nodes(verified, finding)), f"the result {finding.records[0][:12]}")
    if finding.fault in (Fault.ROOT_TORN, Fault.ROOT_DANGLING, Fault.ROOT_UNINDEXED):
        return _root(finding.name)
    if finding.paths and finding.paths[0]:
        return f"{finding.paths[0]} (in the tree {finding.trees[0][:12]})"
    return finding.path


def _root(name: str) -> str:
    """Who keeps something, in words: a pin by its name, else whose file it is."""
    kind, _, rest = name.partition("-")
    match kind:
        case "pin":
            return f"the pin {rest}"
        case "project":
            return f"the project {rest}"
    return f"the root {name}"


def _nodes(verified: Verified, finding: Finding) -> list[str]:
    return sorted({name for id in finding.records if (name := verified.names.get(id))})


def _link_line(link: BadLink, output: Output) -> str:
    word, ink = ("mended", Ink.GOOD) if link.is_mended else ("note", Ink.WARNING)
    what = f"{link.path} leads to nothing"
    if link.fault is LinkFault.FOREIGN:
        what = f"{link.path} leads elsewhere than to its result: {link.leads_to}"
    mend = "" if link.is_mended else f": fp build {link.node}"
    return f"{output.paint(f'{word:<7}', ink)}  {what}{mend}"


def _lost(verified: Verified) -> list[RecordId]:
    return list(dict.fromkeys(id for repair in verified.repairs for id in repair.lost))


def _is_told_as_lost(finding: Finding, lost: set[RecordId]) -> bool:
    is_note = finding.fault in (Fault.INCOMPLETE, Fault.KEPT_GONE)
    return is_note and lost.issuperset(finding.records)


def _lost_lines(verified: Verified, output: Output) -> Iterator[str]:
    lost = _lost(verified)
    for id in lost[:_MANY]:
        name = verified.names.get(id)
        who = f"{name} ({id[:12]})" if name else f"the result {id[:12]}"
        mend = f": fp build {name}" if name else ""
        yield f"{output.paint('lost   ', Ink.BAD)}  {who} is no result any more{mend}"
    if len(lost) > _MANY:
        yield f"… and {number(len(lost) - _MANY)} more"


def _summary(verified: Verified, seconds: float, deep: bool, output: Output) -> str:
    audit, now = verified.audit, verified.now
    left = sum(finding.fault.is_damage for finding in now.findings)
    rate = f", {size(round(audit.hashed / seconds))}/s" if deep and seconds > 0.5 else ""
    held = (
        f"{counted(now.records or audit.records, 'result')}, {counted(audit.objects, 'file')}, "
        f"{size(audit.stored)}; {'read' if deep else 'looked at'} in {duration(seconds)}{rate}"
    )
    if left:
        thing = "thing is" if left == 1 else "things are"
        mend = (
            "what is left cannot be mended here"
            if verified.repairs
            else "fp verify --repair heals what is stored twice, sets the rest aside and names what is lost"
        )
        return output.paint(f"{number(left)} {thing} damaged ({held})\n  {mend}", Ink.STRONG)
    if audit.is_sound:
        line = f"the store is sound: {held}"
    else:
        line = f"mended, and sound now: {held}"
        line += "\n  what was damaged lies in the store's quarantine/: nothing was deleted"
    if not deep and audit.unproven:
        line += (
            f"\n  {counted(audit.unproven, 'file')} nobody has read since the index was made anew: "
            "fp verify --deep"
        )
    return output.paint(line, Ink.STRONG)
