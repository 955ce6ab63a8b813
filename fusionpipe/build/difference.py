"""How two stored results differ: what they were made of, and what came out. Reads, never writes.

Works from records alone, so in a project whose nodes cannot be read, and for results whose bytes are gone:
which files differ is known then, though not how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import BinaryIO, NamedTuple

from fusionpipe.build.archive import Archive
from fusionpipe.build.refs import Found
from fusionpipe.compare import Difference, Looks, ReadBlob, compare_trees
from fusionpipe.explain import Change, Field, compare
from fusionstore.contract import FullRecord, Json, JsonObject, ResultStore
from fusionstore.digest import Digest
from fusionstore.errors import Corrupt
from fusionstore.tree import EMPTY_TREE, Entry, Kind, Tree

_FILES = (Field.CODE, Field.LIB, Field.INPUT)


class Part(StrEnum):
    """What of a result is compared."""

    PARAMS = "params"
    CODE = "code"  # and libs
    GIVEN = "given"  # inputs, parents, environment, tools, packages
    DATA = "data"  # and reports


ALL_PARTS = frozenset(Part)


class Scope(NamedTuple):
    """What is compared, and how closely. `paths` are as shown, `data/x.csv`, or below `data/`."""

    parts: frozenset[Part] = ALL_PARTS
    paths: Sequence[str] = ()
    data: Looks | None = Looks()  # None: only which files differ
    code: Looks | None = Looks()


class Parent(NamedTuple):
    """Other data of a parent. `old` and `new` are digests, None where there was no such parent."""

    alias: str
    old: str | None
    new: str | None
    node: str = ""  # which node made them, "" if nobody knows


class ResultDifference(NamedTuple):
    """Two results. `trees` has those that differ, by what their paths begin with: "code/", "data/"."""

    old: Found
    new: Found
    changes: tuple[Change, ...]
    parents: tuple[Parent, ...]
    trees: Mapping[str, Difference]

    @property
    def is_equal(self) -> bool:
        """True if nothing that was compared differs."""
        return not (self.changes or self.parents or self.trees)


def compare_results(archive: Archive, old: Found, new: Found, scope: Scope) -> ResultDifference:
    """How two results differ, within the scope."""
    trees = {}
    for prefix, (part, before, after) in _trees(old.full, new.full).items():
        looks = scope.data if part is Part.DATA else scope.code
        if part in scope.parts and before.root != after.root:
            reader = None if looks is None else blob_reader(archive.store)
            wanted = _wanted(scope.paths, prefix)
            difference = compare_trees(before, after, reader, looks or Looks(), wanted)
            if not difference.is_equal:
                trees[prefix] = difference
    changes = () if scope.paths else _changes(archive, old.full, new.full, scope.parts, trees)
    return ResultDifference(
        old,
        new,
        tuple(change for change in changes if change.field is not Field.PARENT),
        tuple(_parent(archive, change) for change in changes if change.field is Field.PARENT),
        trees,
    )


def blob_reader(store: ResultStore) -> ReadBlob:
    """Opens blobs of a store, their bytes proven."""

    def open_blob(entry: Entry) -> BinaryIO:
        is_executable = entry.kind is Kind.EXECUTABLE
        return open(store.object_path(entry.digest, executable=is_executable), "rb")

    return open_blob


def _trees(old: FullRecord, new: FullRecord) -> dict[str, tuple[Part, Tree, Tree]]:
    """Everything two records name, side by side, in the order it is told; what one lacks is empty."""
    found = {}
    for name in dict.fromkeys(("code", *sorted({*old.keeps, *new.keeps}))):
        part = Part.GIVEN if name.startswith("inputs/") else Part.CODE
        before, after = old.keeps.get(name), new.keeps.get(name)
        found[_prefix(name, old, new)] = (part, _tree(old, before), _tree(new, after))
    for name in dict.fromkeys(("data", *sorted({*old.record.slots, *new.record.slots}))):
        before, after = old.record.slots.get(name), new.record.slots.get(name)
        found[f"{name}/"] = (Part.DATA, _tree(old, before), _tree(new, after))
    return found


def _tree(full: FullRecord, root: Digest | None) -> Tree:
    return EMPTY_TREE if root is None else Tree(root, full.trees)


def _prefix(name: str, old: FullRecord, new: FullRecord) -> str:
    """What paths of a kept tree begin with: a single file is kept as a tree of that file."""
    kind, _, given = name.partition("/")
    for full in (old, new):
        named = _manifest(full).get(kind)
        material = named.get(given) if isinstance(named, dict) else None
        if isinstance(material, list) and material[0] != Kind.DIRECTORY.name.lower():
            return f"{kind}/" if given.count("/") == 0 else f"{name.rpartition('/')[0]}/"
    return f"{name}/"


def unknown_paths(old: FullRecord, new: FullRecord, paths: Sequence[str]) -> list[str]:
    """Those of these paths that name nothing in either result."""
    unknown = []
    for path in paths:
        for prefix, (_, before, after) in _trees(old, new).items():
            is_wanted = _wanted([path], prefix)
            if any(is_wanted(at) for tree in (before, after) for at, _ in tree.walk()):
                break
        else:
            unknown.append(path)
    return unknown


def _wanted(paths: Sequence[str], prefix: str) -> Callable[[str], bool]:
    if not paths:
        return lambda path: True
    asked = [one.removeprefix("./").rstrip("/") for one in paths]

    def is_wanted(path: str) -> bool:
        names = [prefix + path] + ([path] if prefix == "data/" else [])
        return any(
            name == one or name.startswith(f"{one}/") or fnmatchcase(name, one)
            for name in names
            for one in asked
        )

    return is_wanted


def _changes(
    archive: Archive,
    old: FullRecord,
    new: FullRecord,
    parts: frozenset[Part],
    trees: Mapping[str, Difference],
) -> tuple[Change, ...]:
    """What differs besides the files that are told file by file."""
    told = {
        path
        for prefix, difference in trees.items()
        for file in difference.files
        for path in (prefix + file.path, prefix + (file.was or file.path))
    }
    changes = [
        *compare(_manifest(old), _manifest(new), _tree_reader(archive, old, new)),
        *_packages(old.record.observed, new.record.observed),
    ]
    return tuple(
        change
        for change in changes
        if _part_of(change.field) in parts
        and not (change.field in _FILES and _is_told(change.name, told))
    )


def _is_told(name: str, told: set[str]) -> bool:
    return name in told or (name.endswith("/") and any(one.startswith(name) for one in told))


def _part_of(field: Field) -> Part:
    match field:
        case Field.PARAM:
            return Part.PARAMS
        case Field.CODE | Field.LIB | Field.ENTRY:
            return Part.CODE
        case _:
            return Part.GIVEN


def _tree_reader(
    archive: Archive, old: FullRecord, new: FullRecord
) -> Callable[[Digest], Tree | None]:
    def read_tree(digest: Digest) -> Tree | None:
        for full in (old, new):
            if digest in full.trees:
                return Tree(digest, full.trees)
        try:
            return archive.store.read_tree(digest)
        except KeyError:
            return None

    return read_tree


def _packages(old: Json, new: Json) -> Iterator[Change]:
    """Packages that the runs were seen to use in other versions, or only one of them.

    Of a run that could not be watched all that was installed is noted: what only that has says nothing.
    """
    before, after = _observed(old), _observed(new)
    names = before.versions.keys() | after.versions.keys()
    if before.is_watched != after.is_watched:
        names = before.versions.keys() & after.versions.keys()
    for name in sorted(names):
        was, now = before.versions.get(name), after.versions.get(name)
        if was != now:
            yield Change(Field.PACKAGE, name, was, now)


class _Observed(NamedTuple):
    versions: Mapping[str, Json]
    is_watched: bool


def _observed(observed: Json) -> _Observed:
    python = observed.get("python") if isinstance(observed, dict) else None
    told = python if isinstance(python, dict) else {}
    versions = told.get("uses", told.get("everything"))
    return _Observed(versions if isinstance(versions, dict) else {}, "everything" not in told)


def _parent(archive: Archive, change: Change) -> Parent:
    old = change.old if isinstance(change.old, str) else None
    new = change.new if isinstance(change.new, str) else None
    nodes = (_maker_of(archive, Digest(one)) for one in (new, old) if one)
    return Parent(change.name, old, new, next((one for one in nodes if one), ""))


def _maker_of(archive: Archive, data: Digest) -> str:
    """The node whose output these data are, "" if it is a source or nobody knows."""
    for id in archive.store.holders(data):
        try:
            full = archive.store.read_record(id)
        except (KeyError, Corrupt):
            continue
        if full.record.slots.get("data") == data:
            return str(full.body.get("node") or "")
    return ""


def _manifest(full: FullRecord) -> JsonObject:
    manifest = full.body.get("manifest")
    return manifest if isinstance(manifest, dict) else {}
