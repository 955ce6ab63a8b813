"""Why a node's key is what it is not any more: two manifests compared, field by field (L11). Pure.

A manifest is what `Action.manifest` gave, now or when a record was made. Trees named in it are read
through a function the caller brings, so that a change of code is told file by file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from fusionpipe.action import encode
from fusionpipe.params import plain
from fusionstore.contract import Json, JsonObject
from fusionstore.digest import Digest
from fusionstore.tree import Entry, Kind, Tree

ReadTree = Callable[[Digest], Tree | None]
"""The encodings of a tree, or None when they are not to be had any more."""

_T = TypeVar("_T")


class Field(StrEnum):
    """Which part of the action differs."""

    FORMAT = "format"
    CODE = "code"
    ENTRY = "entry"
    TOOL = "tool"
    LIB = "lib"
    INPUT = "input"
    PARAM = "param"
    PARENT = "parent"
    LOCK = "lock"
    ENV = "env"
    SEED = "seed"
    VERSION = "version"
    NAME = "name"
    PACKAGE = "package"


class Change(NamedTuple):
    """One difference. `old` or `new` is None where the thing was or is not there.

    For files of code, libs and inputs they are blob digests; for parents, data digests.
    """

    field: Field
    name: str
    old: Json
    new: Json

    def __str__(self) -> str:
        match self.field:
            case Field.CODE | Field.LIB | Field.INPUT:
                if self.old == self.new:
                    return f"{self.name} changed its executable bit"
                return f"{self.name} {self._verb('edited')}"
            case Field.PARENT:
                return f"{self.name} {self._verb('produced other data', 'parent added', 'parent removed')}"
            case Field.LOCK:
                return f"{self.name} {self._verb('locks other packages')}"
            case Field.FORMAT:
                return "made by a version of fusionpipe that gave runs something else"
            case Field.ENTRY:
                return "it is started differently"
            case Field.NAME:
                return f"name {_text(self.old)} → {_text(self.new)}"
            case Field.PARAM:
                return f"{self.name}: {_param(self.old)} → {_param(self.new)}"
            case Field.ENV:
                return f"{self.name}: {_text(self.old)} → {_text(self.new)}"
            case Field.PACKAGE if _release(self.old) == _release(self.new):
                return f"{self.name} {_release(self.new)}: its installed files were edited"
            case Field.TOOL | Field.PACKAGE | Field.SEED | Field.VERSION:
                return f"{self.name} {_text(self.old)} → {_text(self.new)}"

    def _verb(self, changed: str, added: str = "added", removed: str = "removed") -> str:
        if self.old is None:
            return added
        return removed if self.new is None else changed


def compare(old: JsonObject, new: JsonObject, read: ReadTree) -> tuple[Change, ...]:
    """Every difference between two manifests, what the user most likely did first."""
    changes: list[Change] = []
    changes += _code(old.get("code"), new.get("code"), read)
    changes += _params("", old.get("params"), new.get("params"))
    changes += _materials(Field.LIB, old.get("libs"), new.get("libs"), read)
    changes += _materials(Field.INPUT, old.get("inputs"), new.get("inputs"), read)
    changes += _parents(old.get("parents"), new.get("parents"))
    changes += _values(Field.LOCK, old.get("locks"), new.get("locks"))
    changes += _values(Field.ENV, _told(old.get("env")), _told(new.get("env")))
    changes += _tool(old.get("tool"), new.get("tool"))
    changes += _values(Field.TOOL, old.get("tools"), new.get("tools"))
    for field in (Field.ENTRY, Field.SEED, Field.VERSION, Field.NAME, Field.FORMAT):
        if encode(old.get(field)) != encode(new.get(field)):
            changes.append(Change(field, field.value, old.get(field), new.get(field)))
    return tuple(changes)


def nearest(
    candidates: Sequence[tuple[_T, JsonObject]], new: JsonObject, read: ReadTree
) -> tuple[_T, tuple[Change, ...]] | None:
    """Of earlier manifests, latest first, the one with the fewest differences; the latest of equals."""
    compared = [(one, compare(manifest, new, read)) for one, manifest in candidates]
    return min(compared, key=lambda pair: len(pair[1]), default=None)


def summary(changes: Sequence[Change], most: int = 2) -> str:
    """One line that names the first few changes."""
    told = "; ".join(str(change) for change in changes[:most])
    return told + (f" (+{len(changes) - most} more)" if len(changes) > most else "")


def _code(old: Json, new: Json, read: ReadTree) -> Iterable[Change]:
    if old == new:
        return ()
    return _trees(Field.CODE, "code", old, new, read)


def _materials(field: Field, old: Json, new: Json, read: ReadTree) -> Iterable[Change]:
    for name, (was, now) in _pairs(old, new).items():
        where = f"{field.value}s/{name}"
        if _is_directory(was) and _is_directory(now):
            yield from _trees(field, where, _digest(was), _digest(now), read)
        else:
            yield Change(field, where, _digest(was), _digest(now))


def _trees(field: Field, where: str, old: Json, new: Json, read: ReadTree) -> Iterable[Change]:
    before, after = _files(old, read), _files(new, read)
    if before is None or after is None:
        return (Change(field, f"{where}/", old, new),)
    names = sorted(before.keys() | after.keys())
    changes = tuple(
        Change(field, f"{where}/{name}", _content(before.get(name)), _content(after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    )
    return changes or (Change(field, f"{where}/", old, new),)  # only empty directories differ


def _files(digest: Json, read: ReadTree) -> Mapping[str, Entry] | None:
    if digest is None:
        return {}
    tree = read(Digest(str(digest)))
    if tree is None:
        return None
    return {path: entry for path, entry in tree.walk() if entry.kind is not Kind.DIRECTORY}


def _content(entry: Entry | None) -> Json:
    if entry is None:
        return None
    return entry.digest or f"→ {entry.target}"


def _params(prefix: str, old: Json, new: Json) -> Iterable[Change]:
    for name, (was, now) in _pairs(old, new).items():
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _params(f"{prefix}{name}.", was, now)
        else:
            yield Change(Field.PARAM, f"param {prefix}{name}", was, now)


def _parents(old: Json, new: Json) -> Iterable[Change]:
    for alias, (was, now) in _pairs(old, new).items():
        members = _pairs(was, now)
        if not members:
            yield Change(Field.PARENT, alias, was, now)
        for member, (before, after) in members.items():
            yield Change(Field.PARENT, f"{alias}/{member}" if member else alias, before, after)


def _values(field: Field, old: Json, new: Json) -> Iterable[Change]:
    for name, (was, now) in _pairs(old, new).items():
        yield Change(field, name, was, now)


def _tool(old: Json, new: Json) -> Iterable[Change]:
    if old == new or not isinstance(old, list) or not isinstance(new, list):
        return ()
    if old[0] == new[0]:
        return (Change(Field.TOOL, str(new[0]), old[1], new[1]),)
    return (Change(Field.TOOL, "tool", " ".join(map(str, old)), " ".join(map(str, new))),)


def _pairs(old: Json, new: Json) -> dict[str, tuple[Json, Json]]:
    """The names whose values differ, with both values."""
    before = old if isinstance(old, dict) else {}
    after = new if isinstance(new, dict) else {}
    names = sorted(before.keys() | after.keys())
    return {
        name: (before.get(name), after.get(name))
        for name in names
        if name not in before
        or name not in after
        or encode(before[name]) != encode(after[name])  # as the key sees it: 1 is not 1.0
    }


def _told(env: Json) -> Json:
    """Variables as people read them: one that is declared and unset is not one that is not declared."""
    if not isinstance(env, dict):
        return env
    return {name: "(unset)" if value is None else value for name, value in env.items()}


def _is_directory(material: Json) -> bool:
    return isinstance(material, list) and material[0] == "directory"


def _digest(material: Json) -> Json:
    return material[1] if isinstance(material, list) else None


def _release(version: Json) -> str:
    """A package's version without the digests of files that can change under it."""
    return str(version).partition(" ")[0]


def _text(value: Json) -> str:
    if value is None:
        return "(none)"
    shown = plain(value)  # dates are kept tagged
    return shown if isinstance(shown, str) and shown else repr(shown)


def _param(value: Json) -> str:
    """A parameter as TOML has it: the text "1" is told from the number, true from a word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if not isinstance(value, str) or _is_word(value) else repr(value)


def _is_word(text: str) -> bool:
    """Whether a text shows without quotes that it is one."""
    try:
        float(text)
    except ValueError:
        return text not in ("true", "false")
    return False
