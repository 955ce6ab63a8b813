"""What is looked at before a store is used: is it one, is it ours, can it live here. Told in sentences."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from fusionstore.durable import barrier, write_new
from fusionstore.errors import Corrupt, DiskFull, StoreUnusable
from fusionstore.filesystem import network_kind
from fusionstore.index import Index
from fusionstore.layout import LEASE, Layout

FORMAT = 1
ELSEWHERE = 'set `store = "/a/local/directory"` in .fusionpipe/local.toml (or FUSIONPIPE_STORE)'

NetworkKind = Callable[[str], str | None]


def prepare(path: Path, *, create: bool, network: NetworkKind = network_kind) -> Layout:
    """The layout of a store that may be used here, made if need be. Raises StoreUnusable."""
    layout = Layout(path)
    try:
        if create:
            path.mkdir(parents=True, exist_ok=True)
        _stay_local(path, network)
        layout.lease = _read_or_write_about(layout, create=create)
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        for directory in layout.directories():
            if not os.path.isdir(directory):
                _make_directory(directory)
    except OSError as error:
        raise _unusable(path, error) from error
    return layout


def open_index(layout: Layout, set_aside: Callable[[str], None]) -> Index:
    """The index; a damaged one is set aside and a new one begun."""
    try:
        index = Index(layout.index)
        try:
            index.figure("complete")  # what opens may be damaged at its root
        except Corrupt:
            index.close()
            raise
        return index
    except Corrupt:
        set_aside(layout.index)
        os.mkdir(layout.index, 0o755)
        return Index(layout.index)


def _make_directory(path: str) -> None:
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:  # by another process that makes the same store
        if not os.path.isdir(path):
            raise


def _stay_local(path: Path, network: NetworkKind) -> None:
    kind = network(str(path))
    if kind is not None:
        what = f"it is on a network file system ({kind}), where locks and the index do not hold"
        raise StoreUnusable(path, what, ELSEWHERE)


def _read_or_write_about(layout: Layout, *, create: bool) -> float:
    try:
        return _check_about(layout)
    except FileNotFoundError:
        if not create:
            raise
        _refuse_strangers(layout)
        _write_about(layout)
        return _check_about(layout)


def _refuse_strangers(layout: Layout) -> None:
    ours = {os.path.basename(directory) for directory in layout.directories()}
    others = [name for name in os.listdir(layout.root) if name not in ours and name[:5] != "about"]
    if others:
        raise StoreUnusable(
            Path(layout.root),
            f"it holds other things ({others[0]!r}) and no store.json",
            "name an empty or a new directory as the store",
        )


def _write_about(layout: Layout) -> None:
    about = {
        "format": FORMAT,
        "min_reader": FORMAT,
        "min_writer": FORMAT,
        "id": os.urandom(16).hex(),
        "owner": os.geteuid(),
    }
    temporary = f"{layout.root}/about-{os.urandom(8).hex()}"
    write_new(temporary, json.dumps(about, indent=1).encode() + b"\n", 0o644)
    barrier(layout.root, [temporary], [])
    with suppress(FileExistsError):  # the first of two who make the same store wins
        os.link(temporary, layout.about)
    os.unlink(temporary)
    barrier(layout.root, [], [layout.root])


def _check_about(layout: Layout) -> float:
    """The store's lease. Raises StoreUnusable if it is not to be used by us."""
    path = Path(layout.root)
    with open(layout.about, encoding="utf-8") as file:
        text = file.read()
    try:
        about = cast(dict[str, int], json.loads(text))
        owner, needed = about["owner"], max(about["min_reader"], about["min_writer"])
        lease = float(about.get("lease", LEASE))
    except (ValueError, KeyError, TypeError) as error:
        what = f"its store.json is damaged ({error})"
        raise StoreUnusable(
            path, what, "bring it back from a backup, or use another store"
        ) from error
    if needed > FORMAT:
        what = f"it needs format {needed}; this program knows {FORMAT}"
        raise StoreUnusable(path, what, "upgrade fusionpipe")
    if owner != os.geteuid():
        what = f"it belongs to user {owner}, and this is user {os.geteuid()}"
        mend = "a store has one owner: share results through a remote, and " + ELSEWHERE
        raise StoreUnusable(path, what, mend)
    return lease


def _unusable(path: Path, error: OSError) -> Exception:
    match error.errno:
        case errno.ENOENT:
            return StoreUnusable(path, "it is not there", "`fp build` makes it")
        case errno.EACCES | errno.EPERM:
            what = f"no permission ({error.filename or path})"
            return StoreUnusable(path, what, "make it yours (chown, chmod), or " + ELSEWHERE)
        case errno.EROFS:
            return StoreUnusable(path, "it is on a read-only file system", ELSEWHERE)
        case errno.ENOTDIR | errno.EEXIST:
            return StoreUnusable(path, "it is not a directory", ELSEWHERE)
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFull(path)
    return StoreUnusable(path, error.strerror or str(error), ELSEWHERE)
