"""What `fp export` and `fp import` tell."""

from __future__ import annotations

import json
from typing import TextIO

from fusionpipe.build.archive import maker
from fusionpipe.build.bundles import Exported, Imported
from fusionpipe.report.output import Output
from fusionpipe.report.words import counted, number, size
from fusionstore.contract import FullRecord, JsonObject, Standing

_LISTED = 8


def tell_export(out: Output, node: str, file: str, exported: Exported, *, is_cut_off: bool) -> None:
    """What was written, and what whoever gets it has to do without: `is_cut_off` from its parents."""
    manifest = exported.manifest
    what = counted(len(manifest.records), "result")
    if not manifest.has_data:
        what += ", without data"
    files = f"{counted(manifest.blobs, 'file')}, {size(manifest.size)}"
    out.line(f"{node} → {file}: {what}, {files}")
    if is_cut_off:
        out.line(
            "its parents are not in it: --deep adds them, so that it can be reproduced anywhere"
        )
        return
    for one in exported.missing[:_LISTED]:
        out.line(
            f"not in it: {one.alias}, which {one.read_by} read ({one.digest[:12]}): it is not stored"
        )
    if len(exported.missing) > _LISTED:
        out.line(f"and {number(len(exported.missing) - _LISTED)} more that are not stored")


def export_json(out: TextIO, node: str, file: str, exported: Exported) -> None:
    """The same as one object."""
    manifest = exported.manifest
    told: JsonObject = {
        "event": "exported",
        "node": node,
        "file": file,
        "records": list(manifest.records),
        "data": manifest.has_data,
        "files": manifest.blobs,
        "bytes": manifest.size,
        "missing": [[one.read_by, one.alias, one.digest] for one in exported.missing],
    }
    out.write(json.dumps(told) + "\n")


def tell_import(out: Output, file: str, imported: Imported) -> None:
    """What is there now, how it stands, and what can be done with it."""
    new, records = len(imported.new), imported.manifest.records
    known = f", {number(len(records) - new)} known before" if len(records) > new else ""
    out.line(f"{file}: {counted(new, 'new result')}{known}")
    for full in imported.fulls[:_LISTED]:
        out.line(f"  {full.record.id[:12]}", maker(full) or "(no name)", _standing(full))
    if len(imported.fulls) > _LISTED:
        out.line(f"  and {number(len(imported.fulls) - _LISTED)} more")
    for one in imported.refused[:_LISTED]:
        out.line(f"{one.record.id[:12]} stays imported: {one.why}")
    if any(full.record.standing is Standing.IMPORTED for full in imported.fulls):
        out.line(
            "imported results are shown and compared, and no build uses them before `fp reproduce`"
        )
    out.line(f"kept as {imported.root[:19]}")


def import_json(out: TextIO, file: str, imported: Imported) -> None:
    """The same as one object."""
    told: JsonObject = {
        "event": "imported",
        "file": file,
        "root": imported.root,
        "new": [record.id for record in imported.new],
        "results": [_result(full) for full in imported.fulls],
        "not_trusted": [[one.record.id, one.why] for one in imported.refused],
        "data": imported.manifest.has_data,
    }
    out.write(json.dumps(told) + "\n")


def _result(full: FullRecord) -> JsonObject:
    record = full.record
    return {
        "record": record.id,
        "key": record.key,
        "node": maker(full),
        "data": record.slots["data"],
        "standing": str(record.standing),
    }


def _standing(full: FullRecord) -> str:
    return "" if full.record.standing is Standing.REALISATION else str(full.record.standing)
