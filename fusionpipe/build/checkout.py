"""A stored result as plain files of the user's own: all of it or nothing, never over what is theirs.

It is laid out under a temporary name beside its place, from bytes that were proven just now, and renamed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.archive import Archive, BytesGone, maker
from fusionpipe.build.nodetext import node_text
from fusionpipe.build.refs import Found
from fusionpipe.build.replay import Present, parents_now
from fusionpipe.build.way import clear_way, refuse_what_is_there
from fusionpipe.errors import UsageError
from fusionpipe.model import Params
from fusionpipe.params import canonical_json
from fusionstore.contract import FullRecord, JsonObject
from fusionstore.copying import copy_file
from fusionstore.digest import Digest
from fusionstore.errors import Corrupt, TreeLost
from fusionstore.tree import EMPTY_TREE, Entry, Kind, Tree


class Part(StrEnum):
    """What of a result is wanted."""

    DATA = "data"
    CODE = "code"
    ALL = "all"  # the node as it was


class CheckedOut(NamedTuple):
    """What was laid out, and where. `missing` could not be; `aside` is where the user's own is now."""

    found: Found
    part: Part
    place: Path
    files: int
    size: int
    is_linked: bool
    missing: tuple[str, ...] = ()
    aside: Path | None = None
    is_node_here: bool = False  # it lies in the project, whose builds take it for a node


_NOT_MADE = "fp verify tells what else is lost; no run makes these, only the import of a bundle that has them"

_SourceOf = Callable[[str, Entry], Path]


class _Piece(NamedTuple):
    """A tree to be laid out at a path ("" for the place itself), and where its files' bytes lie."""

    at: str
    tree: Tree
    source_of: _SourceOf
    stands: Path | None  # where the whole tree lies, if it does
    what: str


@dataclass(slots=True)
class _Plan:
    pieces: list[_Piece] = field(default_factory=list)
    links: list[tuple[str, Path]] = field(default_factory=list)
    texts: list[tuple[str, bytes]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def checkout(
    archive: Archive,
    found: Found,
    place: Path,
    part: Part,
    *,
    is_linked: bool = False,
    is_forced: bool = False,
) -> CheckedOut:
    """Lays a result out at `place`. Raises UsageError, BytesGone, StoreError, OSError; then nothing is there."""
    _refuse_what_holds_us(archive, place)
    if not is_forced:
        refuse_what_is_there(place)
    archive.store.hold([found.id])  # a clean-up meanwhile leaves it alone
    plan = _planned(archive, found.full, part)
    files = [entry for piece in plan.pieces for _, entry in piece.tree.walk() if _has_bytes(entry)]
    size = sum(entry.size for entry in files)
    if is_linked and part is not Part.ALL:
        aside = _link(archive, plan.pieces[0], place)
    else:
        if not is_linked:
            refuse_without_room(place, size)
        aside = _lay_all(archive, plan, place, is_linked=is_linked)
    is_node_here = part is Part.ALL and place.is_relative_to(archive.root)
    missing = tuple(plan.missing)
    return CheckedOut(found, part, place, len(files), size, is_linked, missing, aside, is_node_here)


# -- what there is to lay ------------------------------------------------------------------------
def _refuse_what_holds_us(archive: Archive, place: Path) -> None:
    """Neither the project nor the store is ever moved aside, and nothing is laid into the store."""
    absolute = Path(os.path.abspath(place))  # a link at its end is itself what would be moved
    there, store = absolute.parent.resolve() / absolute.name, archive.store.path.resolve()
    if any(held.is_relative_to(there) for held in (archive.root.resolve(), store)):
        raise UsageError(f"{place} holds the project or its store", "name another directory")
    if there.is_relative_to(store):
        raise UsageError(f"{place} lies in the store", "name another directory")
    node = _node_around(archive, there)
    if (
        node is not None
    ):  # its code is never written to (L9), and all else there is a build's to make
        raise UsageError(
            f"{place} lies in the node {node}",
            "name a directory outside of nodes, and copy from there what you want back",
        )


def _node_around(archive: Archive, place: Path) -> str | None:
    """The node of this project whose directory a place lies in; it may be that directory itself."""
    root = archive.root.resolve()
    names = set(archive.state.names)
    above = [one for one in place.parents if one.is_relative_to(root)]
    inside = (one.relative_to(root).as_posix() for one in above)
    return next((name for name in inside if name in names and (root / name).is_dir()), None)


def _planned(archive: Archive, full: FullRecord, part: Part) -> _Plan:
    plan = _Plan()
    match part:
        case Part.DATA:
            plan.pieces.append(_output(archive, full, "data", ""))
        case Part.CODE:
            if "code" not in full.keeps:
                raise UsageError(
                    f"the result {full.record.id[:12]} has no code: only a command ran"
                )
            plan.pieces.append(_kept(archive, full, "code", ""))
        case Part.ALL:
            _plan_node(archive, full, plan)
    return plan


def _plan_node(archive: Archive, full: FullRecord, plan: _Plan) -> None:
    """Everything of a node as it was: see the design's picture of one."""
    plan.pieces += (_output(archive, full, slot, slot) for slot in sorted(full.record.slots))
    manifest = full.body.get("manifest")
    told: JsonObject = manifest if isinstance(manifest, dict) else {}
    for name in sorted(full.keeps):
        directory, _, rest = name.partition("/")
        if directory not in ("code", "libs", "inputs") or "/" in rest or not _is_inside(name):
            raise Corrupt(f"record {full.record.id}", f"it keeps something called {name!r}")
        is_file = rest and _material(told, directory, rest) != full.keeps[name]
        plan.pieces.append(_kept(archive, full, name, directory if is_file else name))
    for directory in ("libs", "inputs"):
        names = told.get(directory)
        for name in names if isinstance(names, dict) else ():
            if f"{directory}/{name}" not in full.keeps:
                plan.missing.append(f"{directory}/{name}: it was read in place, and not stored")
    _plan_parents(archive, full, told, plan)
    params = told.get("params")
    plan.texts.append(("params.json", canonical_json(_params(params))))
    plan.texts.append(("node.toml", node_text(full).encode("utf-8", "surrogateescape")))
    if full.record.log is not None:
        try:
            plan.texts.append(("logs.txt", archive.store.object_path(full.record.log).read_bytes()))
        except (KeyError, Corrupt):
            plan.missing.append("logs.txt: its bytes are not stored any more")


def _plan_parents(archive: Archive, full: FullRecord, told: JsonObject, plan: _Plan) -> None:
    parents = told.get("parents")
    present: Present | None = None
    for alias, members in parents.items() if isinstance(parents, dict) else ():
        for member, digest in members.items() if isinstance(members, dict) else ():
            at = f"parents/{alias}/{member}" if member else f"parents/{alias}"
            if not _is_inside(at):
                raise Corrupt(f"record {full.record.id}", f"it has a parent called {at!r}")
            try:
                plan.links.append((at, archive.store.check(Digest(str(digest)))))
                continue
            except (TreeLost, KeyError):
                present = present or Present.of(archive)
            likely = parents_now(present.nodes.get(maker(full)), alias, member)
            source = present.source_with(Digest(str(digest)), likely)
            if source is not None:
                plan.links.append((at, source[0]))
            else:
                plan.missing.append(f"{at}: its data ({str(digest)[:12]}) are not stored")


def _output(archive: Archive, full: FullRecord, slot: str, at: str) -> _Piece:
    root = full.record.slots[slot]
    if not _is_inside(slot) or "/" in slot:
        raise Corrupt(f"record {full.record.id}", f"it has an output called {slot!r}")
    try:
        stands = archive.store.check(root)
    except (TreeLost, KeyError):
        raise BytesGone(full, f"its {slot}") from None
    tree = EMPTY_TREE if root == EMPTY_TREE.root else Tree(root, full.trees)
    return _Piece(at, tree, lambda path, entry: stands / path, stands, slot)


def _kept(archive: Archive, full: FullRecord, name: str, at: str) -> _Piece:
    def source_of(path: str, entry: Entry) -> Path:
        is_executable = entry.kind is Kind.EXECUTABLE
        try:
            return archive.store.object_path(entry.digest, executable=is_executable)
        except (KeyError, Corrupt):
            raise BytesGone(full, f"its {name}", _NOT_MADE) from None

    return _Piece(at, Tree(full.keeps[name], full.trees), source_of, None, name)


# -- laying it -----------------------------------------------------------------------------------
def _link(archive: Archive, piece: _Piece, place: Path) -> Path | None:
    target = piece.stands or archive.store.adopt(piece.tree)
    place.parent.mkdir(parents=True, exist_ok=True)
    with clear_way(archive.store, place) as aside:
        os.symlink(target, place)
    return aside


def _lay_all(archive: Archive, plan: _Plan, place: Path, *, is_linked: bool) -> Path | None:
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}.{os.urandom(4).hex()}.part")
    try:
        os.mkdir(temporary)
        for piece in plan.pieces:
            at = temporary / piece.at
            if is_linked and piece.stands is not None:
                at.parent.mkdir(parents=True, exist_ok=True)
                os.symlink(piece.stands, at)
            else:
                _lay(piece, at)
        for name, target in plan.links:
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            os.symlink(target, temporary / name)
        for name, data in plan.texts:
            (temporary / name).write_bytes(data)
        with clear_way(archive.store, place) as aside:
            os.rename(temporary, place)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return aside


def _lay(piece: _Piece, at: Path) -> None:
    at.mkdir(parents=True, exist_ok=True)
    for path, entry in piece.tree.walk():
        target = at / path
        match entry.kind:
            case Kind.DIRECTORY:
                target.mkdir()
            case Kind.SYMLINK:
                target.symlink_to(entry.target)
            case Kind.FILE | Kind.EXECUTABLE:
                mode = 0o755 if entry.kind is Kind.EXECUTABLE else 0o644
                copy_file(str(piece.source_of(path, entry)), str(target), mode)


def refuse_without_room(place: Path, size: int) -> None:
    """Raises UsageError if so many bytes do not fit on the disk of a place that need not be there yet."""
    there = next(above for above in place.absolute().parents if above.exists())
    disk = os.statvfs(there)
    free = disk.f_bavail * disk.f_frsize
    if size > free:
        raise UsageError(
            f"{place} would take {size / 1e9:.1f} GB, and only {free / 1e9:.1f} GB are free there",
            "choose a directory on another disk, or have links instead: --link",
        )


def _has_bytes(entry: Entry) -> bool:
    return entry.kind in (Kind.FILE, Kind.EXECUTABLE)


def _is_inside(name: str) -> bool:
    """A record that came from elsewhere must not lead out of the directory."""
    return all(part not in ("", ".", "..") for part in name.split("/"))


def _material(manifest: JsonObject, directory: str, name: str) -> object:
    names = manifest.get(directory)
    material = names.get(name) if isinstance(names, dict) else None
    return material[1] if isinstance(material, list) and len(material) == 2 else None


def _params(value: object) -> Params:
    return value if isinstance(value, dict) else {}
