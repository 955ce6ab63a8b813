"""What a build saw of the disk, as `hot.Snapshot` keeps it for the next one to compare."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from fusionpipe.hot import ROOT
from fusionpipe.workspace import Workspace

if TYPE_CHECKING:
    from fusionpipe.hot import Packed, Snapshot


_N = TypeVar("_N", bound=str)


class Seen(NamedTuple):
    """Everything that was asked of the disk, as it is compared."""

    prints: Packed
    kinds: dict[str, str | None]
    links: dict[str, str | None]
    real_paths: dict[str, str]


def root_words(inode: int, mtime_ns: int) -> bytes:
    """Where a node's data is, as it is compared."""
    return _ROOT.pack(inode, mtime_ns & _WORD)


def words_of(packed: tuple[tuple[_N, ...], bytes], names: Container[str]) -> dict[_N, bytes]:
    """What is kept of some."""
    every, words = packed
    width = len(words) // len(every) if every else 0
    return {
        name: words[at * width : (at + 1) * width] for at, name in enumerate(every) if name in names
    }


def patched(
    packed: tuple[tuple[_N, ...], bytes], anew: Mapping[_N, bytes], forgotten: Container[str] = ()
) -> tuple[tuple[_N, ...], bytes]:
    """The same with what is new in place of what was, or behind it, and without what is forgotten."""
    names, words = packed
    new = dict(anew)
    if not forgotten and not new.keys() - names:
        return names, _overwritten(names, words, new)
    width = len(words) // len(names) if names else 0
    kept: list[_N] = []
    parts: list[bytes] = []
    for at, name in enumerate(names):
        if name in new or name not in forgotten:
            kept.append(name)
            parts.append(new.pop(name, b"") or words[at * width : (at + 1) * width])
    return (*kept, *new), b"".join((*parts, *new.values()))


def _overwritten(names: tuple[_N, ...], words: bytes, anew: Mapping[_N, bytes]) -> bytes:
    """What most builds after one edit need: a few words are others."""
    width = len(words) // len(names) if names else 0
    changed = bytearray(words)
    for at, name in enumerate(names):
        if name in anew:
            changed[at * width : (at + 1) * width] = anew[name]
    return bytes(changed)


def seen_by(disk: Workspace) -> Seen:
    """What a build that looked at everything saw."""
    seen = disk.sightings
    paths = tuple([path or ROOT for path, of in seen.items() if isinstance(of, bytes)])
    words = b"".join([of for of in seen.values() if isinstance(of, bytes)])
    return Seen((paths, words), _kinds(disk), disk.links, disk.real_paths)


def seen_since(before: Snapshot, disk: Workspace, forgotten: Iterable[str]) -> Seen:
    """What the last snapshot saw, and a build saw anew that looked at what differed from it.

    `forgotten` are the paths that are not to be compared any more, unless they were seen anew.
    """
    seen = disk.sightings.items()
    anew = {path or ROOT: of for path, of in seen if isinstance(of, bytes)}
    merged = patched(before.prints, anew, frozenset(forgotten))
    kinds = {**before.kinds, **_kinds(disk)}
    known = kinds.keys() & merged[0]  # a kind that is asked of one of these paths says less
    return Seen(
        merged,
        {path: seen for path, seen in kinds.items() if path not in known},
        {**before.links, **disk.links},
        {**before.real_paths, **disk.real_paths},
    )


def _kinds(disk: Workspace) -> dict[str, str | None]:
    return {path: seen for path, seen in disk.sightings.items() if not isinstance(seen, bytes)}


_ROOT = Struct("=2Q")
_WORD = (1 << 64) - 1
