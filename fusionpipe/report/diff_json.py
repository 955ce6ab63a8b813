"""`fp diff --json`: one object. A public format: names are kept, fields may be added.

Files are told whole, however many; what differs within them as far as it was looked into.
"""

from __future__ import annotations

import json
from typing import TextIO

from fusionpipe.build.between import BuildDifference
from fusionpipe.build.difference import ResultDifference
from fusionpipe.build.refs import Found
from fusionpipe.compare import (
    Content,
    Difference,
    FileChange,
    JsonChange,
    NotCompared,
    TableChange,
    TextChange,
)
from fusionpipe.history import BuildLine
from fusionpipe.report.output import Output
from fusionstore.tree import Entry

_Told = dict[str, object]

_KINDS: dict[type[Content], str] = {
    TextChange: "text",
    TableChange: "table",
    JsonChange: "json",
    NotCompared: "none",
}


def render_json(difference: ResultDifference | BuildDifference, *, out: TextIO) -> None:
    """Writes a difference as one JSON object."""
    if isinstance(difference, BuildDifference):
        told = _build(difference)
    else:
        told = {
            "old": _side(difference.old),
            "new": _side(difference.new),
            "equal": difference.is_equal,
            **_result(difference),
        }
    Output(out, colour=False).write(json.dumps(told) + "\n")


def difference_json(difference: Difference, prefix: str = "") -> list[_Told]:
    """The files that differ, as JSON; `prefix` comes before paths."""
    return [_file(file, prefix) for file in difference.files]


def _build(difference: BuildDifference) -> _Told:
    return {
        "old": _line(difference.old),
        "new": _line(difference.new),
        "equal": difference.is_equal,
        "nodes": [
            {
                "node": one.node,
                "became": one.became.value,
                "old": one.old or None,
                "new": one.new or None,
                **({} if one.result is None else _result(one.result)),
            }
            for one in difference.nodes
        ],
    }


def _result(difference: ResultDifference) -> _Told:
    return {
        "changes": [
            {"field": one.field.value, "name": one.name, "old": one.old, "new": one.new}
            for one in difference.changes
        ],
        "parents": [one._asdict() for one in difference.parents],
        "files": [
            file
            for prefix, tree in difference.trees.items()
            for file in difference_json(tree, prefix)
        ],
    }


def _side(found: Found) -> _Told:
    record, body = found.full.record, found.full.body
    return {
        "ref": found.ref,
        "node": found.node,
        "record": record.id,
        "key": record.key,
        "data": record.slots.get("data"),
        "made": record.made,
        "seconds": record.seconds,
        "user": body.get("user"),
        "host": body.get("host"),
        "build": body.get("build"),
    }


def _line(line: BuildLine) -> _Told:
    return {"build": line.build, "started": line.started, "command": list(line.command)}


def _file(file: FileChange, prefix: str) -> _Told:
    told: _Told = {
        "path": prefix + file.path,
        "how": file.how.value,
        "old": _entry(file.old),
        "new": _entry(file.new),
    }
    if file.was:
        told["was"] = prefix + file.was
    if file.content is not None:
        told["content"] = {"kind": _KINDS[type(file.content)], **_plain(file.content)}
    return told


def _entry(entry: Entry | None) -> _Told | None:
    if entry is None:
        return None
    told: _Told = {"kind": entry.kind.name.lower(), "digest": entry.digest, "size": entry.size}
    return {**told, "target": entry.target} if entry.target else told


def _plain(content: Content) -> _Told:
    """Its fields; facts within it too are told by the names of their fields."""
    return {name: _named(value) for name, value in content._asdict().items()}


def _named(value: object) -> object:
    if isinstance(value, tuple):
        fields = getattr(value, "_fields", None)
        if fields is not None:
            return {name: _named(one) for name, one in zip(fields, value, strict=True)}
        return [_named(one) for one in value]
    return value
