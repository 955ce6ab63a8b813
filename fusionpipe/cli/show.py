"""`fp show`: everything about one past result; or which result holds a file."""

from __future__ import annotations

import json as json_text
import os
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fusionpipe.build.archive import Archive, BytesGone, maker, shows
from fusionpipe.build.bycontent import Held, held
from fusionpipe.build.past import manifest_of
from fusionpipe.build.refs import Found, is_known, resolve
from fusionpipe.build.show import Result, blob_path, files_of, log_path, result_of, trees_of
from fusionpipe.cli.complete import complete_ref
from fusionpipe.cli.found import tell_note
from fusionpipe.cli.here import here_of
from fusionpipe.cli.logs import users_paths
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.errors import UsageError
from fusionpipe.report.output import Output, shown
from fusionpipe.report.show import Page, result_json
from fusionpipe.report.words import ago
from fusionpipe.settings import ambient, wants_colour
from fusionstore.contract import JsonObject
from fusionstore.digest import Digest
from fusionstore.tree import Kind

_TAIL = 5
_LISTED = 5


def show(
    ref: Annotated[
        str,
        typer.Argument(
            help="A node, node@{2}, node@{yesterday}, a pin, a hash; or a file or directory.",
            autocompletion=complete_ref,
        ),
    ],
    log: Annotated[bool, typer.Option("--log", help="Only the log of the run.")] = False,
    code: Annotated[bool, typer.Option("--code", help="Only the code that ran.")] = False,
    files: Annotated[bool, typer.Option("--files", help="Only the files, all of them.")] = False,
    key: Annotated[
        bool, typer.Option("--key", help="Only what went into the key, as JSON.")
    ] = False,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Show a past result: its files, code, parameters, parents, environment, log, and who made it.

    Of a file or directory, wherever it lies, the result that holds those bytes is shown: which run made it.

    Exit code 0; 2 if nothing is called so, or no result holds such bytes.

    Example: fp show 'prep/clean@{yesterday}' --code
    """
    if sum((log, code, files, key)) > 1:
        raise UsageError("--log, --code, --files and --key exclude one another")
    with opened_archive(directory) as (archive, here):
        found, holders = _find(archive, ref, here, here_of(directory))
        tell_note(found)
        if log:
            _print_log(archive, found)
        elif code:
            _print_code(archive, found)
        elif key:
            sys.stdout.write(json_text.dumps(manifest_of(found.full), indent=2) + "\n")
        else:
            _print(archive, found, holders, only_files=files, as_json=json)
    return 0


def _find(archive: Archive, ref: str, here: str, place: Path) -> tuple[Found, Sequence[Held]]:
    """The result, and, of a path, all that hold it."""
    path = place / ref
    if not ref or not os.path.lexists(path) or is_known(archive, ref, here):
        return resolve(archive, ref, here), ()
    holders = held(archive, path)
    if not holders:
        raise UsageError(
            f"no stored result holds the bytes of {ref}",
            "it was changed since, made outside of a build, or its result is of another store",
        )
    full = holders[0].full
    linked = [name for name in archive.state.names if shows(archive, name, full.record.id)]
    return Found(ref, full, linked[0] if linked else maker(full)), holders


def _print(
    archive: Archive, found: Found, holders: Sequence[Held], *, only_files: bool, as_json: bool
) -> None:
    result = result_of(archive, found)
    if as_json:
        told = result_json(result, with_files=only_files)
        if holders:
            told["held"] = [_held_json(one) for one in holders]
        sys.stdout.write(json_text.dumps(told) + "\n")
        return
    now = time.time()
    _tell_holders(found, holders, now)
    colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
    page = Page(result, now, out=sys.stdout, colour=colour)
    if only_files:
        page.files()
    else:
        page.whole(_tail(archive, result))


def _tell_holders(found: Found, holders: Sequence[Held], now: float) -> None:
    if not holders:
        return
    output = Output(sys.stdout, colour=False)
    first, *others = holders
    output.line(shown(f"{found.ref} is {first.at} of {first.full.record.id[:12]}, shown below"))
    for one in others[:_LISTED]:
        record = one.full.record
        who = f"{maker(one.full)}, {ago(record.made, now)}"
        output.line(shown(f"  and {one.at} of {record.id[:12]}: {who}"))
    if len(others) > _LISTED:
        output.line(f"  and of {len(others) - _LISTED} more")
    output.write("\n")


def _held_json(one: Held) -> JsonObject:
    record = one.full.record
    return {"record": record.id, "node": maker(one.full), "at": one.at, "made": record.made}


def _print_log(archive: Archive, found: Found) -> None:
    path = log_path(archive, found.full)
    if path is None:
        raise BytesGone(
            found.full, "its log", "no run makes that log again; fp show tells the rest"
        )
    shown_paths = users_paths(archive.store.path, maker(found.full))
    with open(path, "rb") as file:
        while data := file.read(1 << 20):
            sys.stdout.buffer.write(shown_paths(data))
    sys.stdout.buffer.flush()


def _tail(archive: Archive, result: Result) -> list[str]:
    """The last lines of the log, but for the ones that we wrote."""
    path = log_path(archive, result.full)
    if path is None:
        return []
    clean = users_paths(archive.store.path, maker(result.full))
    with open(path, "rb") as file:
        last = deque((line for line in file if not line.startswith(b"# ")), maxlen=_TAIL)
    return [clean(line).decode("utf-8", "replace").rstrip("\n") for line in last]


def _print_code(archive: Archive, found: Found) -> None:
    """Every file of the code, under its name where there are several."""
    tree = trees_of(found.full).get("code")
    if tree is None:
        raise UsageError(
            f"{found.ref} has no code: it is a command", f"fp show {found.ref} tells which"
        )
    files = [(path, entry) for path, entry in files_of(tree) if entry.kind is not Kind.SYMLINK]
    for path, entry in files:
        if len(files) > 1:
            sys.stdout.write(f"==> {shown(path)} <==\n")
            sys.stdout.flush()
        sys.stdout.buffer.write(_content(archive, entry.digest))
        sys.stdout.buffer.flush()


def _content(archive: Archive, digest: Digest) -> bytes:
    path = blob_path(archive, digest)
    if path is None:
        return b"(its bytes are gone)\n"
    data = path.read_bytes()
    if b"\0" in data:
        return b"(not text)\n"
    return data if data.endswith(b"\n") or not data else data + b"\n"
