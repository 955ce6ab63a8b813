"""`fp show`: a past result on the screen, the important first, or as one JSON object. Never imports rich."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TextIO

from fusionpipe.build.past import manifest_of, packages_of
from fusionpipe.build.show import Parent, Result, files_of, trees_of
from fusionpipe.params import plain
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.repute import repute_lines
from fusionpipe.report.words import ago, counted, duration, number, size
from fusionstore.contract import Json, JsonObject
from fusionstore.tree import Entry, Kind, Tree

_HASH = 12
_FILES = 10
_PACKAGES = 8
_PARENTS = 20
_PLAIN_FIELDS = ("seed", "version", "name")


class Page:
    """Writes one result, section by section."""

    def __init__(self, result: Result, now: float, *, out: TextIO, colour: bool) -> None:
        self._result = result
        self._full = result.full
        self._manifest = manifest_of(result.full)
        self._now = now
        self._output = Output(out, colour=colour)

    def whole(self, log_tail: Sequence[str]) -> None:
        """All sections, each shortened to what is usually asked."""
        self._headline()
        self._making()
        for name, tree in trees_of(self._full).items():
            self._tree(name, tree, _FILES)
        self._params()
        self._parents()
        self._environment()
        if log_tail:
            self._section("log", "its last lines; --log shows all")
            self._lines(shown(line) for line in log_tail)

    def files(self) -> None:
        """Every file of every tree."""
        for at, (name, tree) in enumerate(trees_of(self._full).items()):
            self._tree(name, tree, None, is_first=at == 0)

    # -- sections -----------------------------------------------------------------------------
    def _headline(self) -> None:
        paint = self._output.paint
        found = self._result.found
        node = found.node or "(made by nobody known)"
        linked = self._result.linked
        where = (
            f"linked now in {', '.join(linked)}" if linked and [node] != linked else "linked now"
        )
        self._output.line(
            paint(shown(node), Ink.STRONG),
            found.id[:_HASH],
            paint(where if linked else "", Ink.GOOD),
        )
        for text, ink in repute_lines(self._full, self._result.repute, self._now):
            self._output.line(f"  {paint(text, ink)}")

    def _making(self) -> None:
        body, record = self._full.body, self._full.record
        was_run = self._result.repute.assertion is None  # else the headline says who and why
        when = f"{ago(record.made, self._now)} ({_local(record.made)})"
        rows = [
            ("made", f"{when} by {body.get('user')} on {body.get('host')}"),
            ("as", str(body.get("node")) if body.get("node") != self._result.found.node else ""),
            ("took", ", ".join(_took(body, record.seconds)) if was_run else ""),
            ("because", str(body.get("reason") or "") if was_run else ""),
            ("build", str(body.get("build") or "")),
            ("command", str(body.get("command") or "")),
            ("key", record.key),
            ("record", record.id),
        ]
        self._table([(name, value) for name, value in rows if value])
        for rival in self._result.rivals:
            told = f"{rival.id[:_HASH]}, {rival.standing.value}, {ago(rival.made, self._now)}"
            self._lines([f"another result of this key: {told}"], Ink.WARNING)

    def _tree(self, name: str, tree: Tree, most: int | None, *, is_first: bool = False) -> None:
        files = sum(1 for _ in files_of(tree))
        told = f"{counted(files, 'file')}, {size(tree.size())}"
        self._section(name, told, tree.root[:_HASH], is_first=is_first)
        rows = list(islice(files_of(tree), most))
        width = min(50, max((len(path) for path, _ in rows), default=0))
        self._lines(f"{shown(path):<{width}}  {_amount(entry)}" for path, entry in rows)
        if most is not None and files > most:
            self._lines([f"… {number(files - most)} more; --files lists all"], Ink.FAINT)

    def _params(self) -> None:
        params = self._manifest.get("params")
        rows = list(_flat("", params)) if isinstance(params, dict) else []
        if rows:
            self._section("parameters")
            self._table(rows)

    def _parents(self) -> None:
        parents = self._result.parents
        if not parents:
            return
        self._section("parents")
        self._table([(one.name, _parent(one, self._now)) for one in parents[:_PARENTS]])
        if len(parents) > _PARENTS:
            self._lines([f"… {number(len(parents) - _PARENTS)} more"], Ink.FAINT)

    def _environment(self) -> None:
        rows = list(_environment(self._manifest, self._full.body, packages_of(self._full)))
        self._section("environment")
        self._table(rows)

    # -- lines --------------------------------------------------------------------------------
    def _section(self, name: str, *told: str, is_first: bool = False) -> None:
        paint = self._output.paint
        if not is_first:
            self._output.write("\n")
        self._output.line(paint(shown(name), Ink.STRONG), paint("  ".join(told), Ink.FAINT))

    def _table(self, rows: Sequence[tuple[str, str]]) -> None:
        width = min(30, max((len(name) for name, _ in rows), default=0))
        self._lines(f"{shown(name):<{width}}  {shown(value)}" for name, value in rows)

    def _lines(self, lines: Iterator[str] | Sequence[str], ink: Ink | None = None) -> None:
        for line in lines:
            text = line.rstrip()
            self._output.line(f"  {self._output.paint(text, ink) if ink else text}")


def _took(body: JsonObject, seconds: float) -> Iterator[str]:
    yield duration(seconds)
    if isinstance(cpu := body.get("cpu_seconds"), int | float):
        yield f"{duration(cpu)} of processor time"
    if isinstance(peak := body.get("peak_bytes"), int) and peak:
        yield f"{size(peak)} of memory at most"


def _amount(entry: Entry) -> str:
    if entry.kind is Kind.SYMLINK:
        return f"→ {entry.target}"
    return f"{size(entry.size):>8}" + ("  executable" if entry.kind is Kind.EXECUTABLE else "")


def _flat(prefix: str, params: JsonObject) -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", _value(plain(value))


def _value(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parent(parent: Parent, now: float) -> str:
    if parent.is_source:
        return f"{parent.data[:_HASH]}  the source {parent.node}"
    if parent.record is None:
        return f"{parent.data[:_HASH]}  of a source as it was then, or not stored here"
    made = f"{parent.node}, {ago(parent.made, now)}"
    return f"{parent.data[:_HASH]}  the data of {parent.record[:_HASH]}: {made}"


def _environment(
    manifest: JsonObject, body: JsonObject, packages: dict[str, str]
) -> Iterator[tuple[str, str]]:
    tool, used = manifest.get("tool"), body.get("tool")
    path = used.get("path") if isinstance(used, dict) else None
    if isinstance(tool, list):
        yield "run by", " ".join(map(str, tool)).strip() + (f", {path}" if path else "")
    for kind in ("tools", "locks", "env"):
        values = manifest.get(kind)
        for name, value in values.items() if isinstance(values, dict) else ():
            yield name, "(unset)" if value is None else str(value)[:60]
    if packages:
        told = [f"{name} {version.partition(' ')[0]}" for name, version in packages.items()]
        more = f" and {len(told) - _PACKAGES} more" if len(told) > _PACKAGES else ""
        yield "packages", ", ".join(told[:_PACKAGES]) + more
    for field in _PLAIN_FIELDS:
        if manifest.get(field):
            yield field, str(manifest[field])


def result_json(result: Result, *, with_files: bool) -> JsonObject:
    """All of it for programs; the files of its trees where asked."""
    full = result.full
    record = full.record
    told: JsonObject = {
        "ref": result.found.ref,
        "node": result.found.node or None,
        "record": record.id,
        "key": record.key,
        "slots": dict(record.slots),
        "keeps": dict(full.keeps),
        "log": record.log,
        "linked": list(result.linked),
        "body": full.body,
        "observed": record.observed,
        "parents": [dict(parent._asdict()) for parent in result.parents],
        "others_of_key": [
            {"record": one.id, "standing": one.standing.value, "made": one.made}
            for one in result.rivals
        ],
        "sizes": {name: tree.size() for name, tree in trees_of(full).items()},
    }
    if with_files:
        told["files"] = {
            name: [_file_json(path, entry) for path, entry in files_of(tree)]
            for name, tree in trees_of(full).items()
        }
    return told | result.repute.to_json()


def _file_json(path: str, entry: Entry) -> JsonObject:
    if entry.kind is Kind.SYMLINK:
        return {"path": path, "kind": "symlink", "target": entry.target}
    return {
        "path": path,
        "kind": entry.kind.name.lower(),
        "size": entry.size,
        "digest": entry.digest,
    }


def _local(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
