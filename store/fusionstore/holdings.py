"""What lies in objects/, against the index and against its own names. Reads only.

The index is read a shard before the shard's directory, so what a build adds meanwhile is at most unknown;
what is missing or altered is looked at a second time before anything is said.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field

from fusionstore.digest import digest_fd, digest_file
from fusionstore.findings import Fault, Finding, Progress, Tell
from fusionstore.index import Index
from fusionstore.ingest import is_quiet
from fusionstore.layout import Layout
from fusionstore.seal import Stamp, stamp

_NAME = re.compile(r"[0-9a-f]{64}x?")
_SHARD = re.compile(r"[0-9a-f]{2}")
_TELL_EVERY = 1 << 24  # bytes
_MMAP_FROM = 128 * 1024


@dataclass(slots=True)
class Holdings:
    """The objects there are: about 300 bytes of memory each."""

    objects: dict[str, Stamp] = field(default_factory=dict)
    unproven: set[str] = field(default_factory=set)  # of whose bytes the index knows nothing
    touched: list[str] = field(default_factory=list)  # not as the index remembers them
    altered: dict[str, str] = field(default_factory=dict)  # name to what is wrong
    rows_without_file: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    hashed: int = 0

    @property
    def stored(self) -> int:
        """The bytes of all objects."""
        return sum(known.size for known in self.objects.values())

    def has(self, name: str) -> bool:
        """True if the blob of this name, or its twin, is there with good bytes."""
        twin = name[:64] if name.endswith("x") else name + "x"
        return any(one in self.objects and one not in self.altered for one in (name, twin))


def take_holdings(layout: Layout, index: Index, tell: Tell) -> Holdings:
    """All objects, by one `lstat` each."""
    found = Holdings()
    shards = sorted(os.listdir(layout.objects))
    for number, shard in enumerate(shards):
        tell(Progress("objects", number, len(shards)))
        path = f"{layout.objects}/{shard}"
        if _SHARD.fullmatch(shard) and os.path.isdir(path):
            _shard(found, layout, index, shard)
        else:
            found.findings.append(Finding(Fault.STRANGER, path))
    for shard in _all_shards() - set(shards):
        _rows_left(found, layout, index, index.stamps(shard))
    return found


def hash_objects(layout: Layout, found: Holdings, tell: Tell, *, deep: bool) -> None:
    """Reads what is not as the index remembers it; with `deep`, every object once."""
    names = sorted(found.objects) if deep else found.touched
    total = sum(found.objects[name].size for name in names)
    told = 0
    for name in names:
        if found.hashed >= told:
            tell(Progress("hashing", found.hashed, total))
            told = found.hashed + _TELL_EVERY
        wrong = what_is_wrong(layout.object(name), name)
        found.hashed += found.objects[name].size
        if wrong:
            found.altered[name] = wrong
    tell(Progress("hashing", found.hashed, total))


def what_is_wrong(path: str, name: str) -> str:
    """Why a file does not hold the bytes its name promises; "" if it does, or is no longer there."""
    try:
        return "" if _digest(path) == name[:64] else "its bytes are not what its name says"
    except (FileNotFoundError, PermissionError):  # collected meanwhile; told as a wrong mode
        return ""
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"


def _digest(path: str) -> str:
    """A large file is read through a memory map, if a lease shows that nobody can write to it meanwhile."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        size = os.fstat(fd).st_size
        if size >= _MMAP_FROM and is_quiet(fd):
            return digest_file(path, quiet=True)
        return digest_fd(fd, size_hint=size)
    finally:
        os.close(fd)  # and the lease with it


def _shard(found: Holdings, layout: Layout, index: Index, shard: str) -> None:
    rows = index.stamps(shard)
    with os.scandir(f"{layout.objects}/{shard}") as names:
        for entry in names:
            status = _status(entry)
            if status is None:
                continue
            if not _belongs(entry.name, shard, status):
                found.findings.append(Finding(Fault.STRANGER, entry.path))
                continue
            name, now = entry.name, stamp(status)
            found.objects[name] = now
            mode = 0o555 if name.endswith("x") else 0o444
            if stat.S_IMODE(status.st_mode) != mode:
                what = f"its mode is {stat.S_IMODE(status.st_mode):o}, not {mode:o}"
                found.findings.append(Finding(Fault.OBJECT_MODE, entry.path, what, name))
            known = rows.pop(name, None)
            if known is None:
                found.unproven.add(name)
            elif known != now:
                found.touched.append(name)
    _rows_left(found, layout, index, rows)


def _rows_left(found: Holdings, layout: Layout, index: Index, rows: dict[str, Stamp]) -> None:
    """Rows of objects that were not seen: seen again, since a collection may have passed by."""
    for name in rows:
        if index.stamp(name) is not None and not os.path.lexists(layout.object(name)):
            found.rows_without_file.add(name)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _belongs(name: str, shard: str, status: os.stat_result) -> bool:
    is_named = _NAME.fullmatch(name) is not None and name.startswith(shard)
    return is_named and stat.S_ISREG(status.st_mode)


def _all_shards() -> set[str]:
    return {f"{number:02x}" for number in range(256)}
