"""Whether a record that was made elsewhere says one thing throughout: pure, and asked before it is stored.

The store has compared every digest. What only we can tell is whether the manifest gives the record's key, and
whether the trees it keeps are those of the manifest: else a run of other code could vouch for this key.
"""

from __future__ import annotations

from fusionpipe.action import key_of
from fusionstore.bundle_record import is_digest, is_path, is_plain
from fusionstore.contract import FullRecord, Json, JsonObject
from fusionstore.digest import Digest
from fusionstore.errors import Corrupt
from fusionstore.tree import Entry, Kind, Tree, build

_KINDS = {kind.name.lower(): kind for kind in Kind if kind is not Kind.SYMLINK}
_TOLD = ("node", "user", "host", "build")


def complaint(full: FullRecord) -> str | None:
    """What is wrong with a record, as the end of a sentence; None if nothing is."""
    manifest = full.body.get("manifest")
    if not isinstance(manifest, dict):
        return "does not say what it was made from"
    try:
        if key_of(manifest) != full.record.key:
            return "has another key than its manifest gives"
        return _of_manifest(manifest, full) or _of_body(full)
    except (KeyError, TypeError, ValueError, RecursionError, Corrupt):
        return "has a manifest that cannot be read"


def _of_manifest(manifest: JsonObject, full: FullRecord) -> str | None:
    """What reproducing it lays out: names that stay where they are laid, bytes that are in the key."""
    main = _list(manifest["entry"])[1]
    given = {
        f"{place}/{name}": material
        for place in ("libs", "inputs")
        for name, material in _object(manifest[place]).items()
    }
    code: Json = manifest["code"]
    if code is not None:
        given["code"] = ["directory", code]
    for name, tree in full.keeps.items():
        if name not in given or not _is_made_of(full, tree, name, _list(given[name])):
            return f"keeps other bytes as {name} than its key tells of"
    names = [*given, *_parent_paths(manifest)]
    if main:
        names.append(_text(main))
    bad = next((name for name in names if not is_path(name)), None)
    return None if bad is None else f"names a file {bad!r}, which may lead elsewhere"


def _of_body(full: FullRecord) -> str | None:
    if "data" not in full.record.slots:
        return "has no data"
    for name in _TOLD:
        told = full.body.get(name, "")
        if not isinstance(told, str) or not is_plain(told):
            return f"has a {name} that is no plain text"
    node = full.body.get("node", "")
    return None if not node or is_path(_text(node)) else "has no proper node's name"


def _is_made_of(full: FullRecord, root: Digest, name: str, material: list[Json]) -> bool:
    kind, digest = _KINDS[_text(material[0])], Digest(_text(material[1]))
    if kind is Kind.DIRECTORY:
        return digest == root
    entries = Tree(root, full.trees).entries()
    size = entries[0].size if len(entries) == 1 else 0
    alone = Entry("", kind, digest, size)
    return is_digest(digest) and build({name.partition("/")[2]: alone}).root == root


def _parent_paths(manifest: JsonObject) -> list[str]:
    """Where parents are laid: the alias, and below it the members of a group."""
    paths: list[str] = []
    for alias, members in _object(manifest["parents"]).items():
        for member, digest in _object(members).items():
            if not is_digest(digest):
                raise ValueError("a parent that is no digest")
            paths.append(f"{alias}/{member}" if member else alias)
    return paths


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
