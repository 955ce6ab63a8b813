"""A record read as a recipe: the action that gave it, and the files that were laid out for it. Pure.

What a record says is believed only as far as its key bears it out, since it may have come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from fusionpipe.action import FORMAT, Action, Material, key_of
from fusionpipe.errors import FusionpipeError
from fusionpipe.freeze import FrozenFile, FrozenSet
from fusionpipe.model import Entry, FileSet, Laid, Language, Node, NodeName, Params, Parent
from fusionstore.contract import FullRecord, JsonObject
from fusionstore.digest import Digest
from fusionstore.tree import Kind, Tree


class NotRepeatable(FusionpipeError):
    """A recorded action cannot be run again here: what is missing, and what to do about it."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what, mend)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return self.what + (f"\n  {self.mend}" if self.mend else "")


def action_of_record(full: FullRecord) -> Action:
    """The action that a record is of. Raises NotRepeatable unless it has the record's key."""
    manifest = full.body.get("manifest")
    if not isinstance(manifest, dict):
        raise NotRepeatable("its record does not tell what was run")
    if key_of(manifest) != full.record.key:
        raise NotRepeatable(
            "what its record says was run does not have the record's key",
            "the record is not to be trusted: fp verify looks at the whole store",
        )
    if manifest.get("format") != FORMAT:
        raise NotRepeatable(
            "it was made by a version of fusionpipe that gave runs something else",
            f"its record says {manifest.get('format')!r}, this is {FORMAT!r}",
        )
    try:
        action = _action(manifest)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise NotRepeatable(f"what its record says was run cannot be read: {error}") from error
    if action.key() != full.record.key:
        raise NotRepeatable("its record says more of what was run than this fusionpipe knows")
    return action


def _action(manifest: JsonObject) -> Action:
    language, main, argv = cast("tuple[str, str, list[str]]", manifest["entry"])
    kind, version = cast("tuple[str, str]", manifest["tool"])
    parents = cast("dict[str, dict[str, Digest]]", manifest["parents"])
    return Action(
        code=cast("Digest | None", manifest["code"]),
        entry=Entry(Language(language), main, tuple(argv)),
        tool=(kind, version),
        libs=_materials(manifest["libs"]),
        inputs=_materials(manifest["inputs"]),
        params=cast(Params, manifest["params"]),
        parents={alias: dict(members) for alias, members in parents.items()},
        tools=cast("dict[str, str]", manifest["tools"]),
        locks=cast("dict[str, Digest]", manifest["locks"]),
        env=cast("dict[str, str | None]", manifest["env"]),
        seed=cast(int, manifest["seed"]),
        version=cast(str, manifest["version"]),
        name=cast("str | None", manifest["name"]),
    )


def _materials(told: object) -> Mapping[str, Material]:
    pairs = cast("dict[str, tuple[str, Digest]]", told)
    return {name: Material(Kind[kind.upper()], digest) for name, (kind, digest) in pairs.items()}


def kept_tree(full: FullRecord, name: str, wanted: Digest) -> Tree | None:
    """A tree that the record keeps to repeat its run, if it is the one that the key names."""
    root = full.keeps.get(name)
    if root is None:
        return None
    tree = Tree(root, full.trees)
    if root == wanted:
        return tree
    entries = tree.entries()  # a single file is kept as a tree of that one
    is_it = [entry.digest for entry in entries] == [wanted] and entries[
        0
    ].kind is not Kind.DIRECTORY
    return tree if is_it else None


def frozen_set(name: str, material: Material, tree: Tree, below: str) -> FrozenSet:
    """A kept tree as the set of files that it was; `below` is where the project had them."""
    if material.kind is not Kind.DIRECTORY:
        (entry,) = tree.entries()
        only = FrozenFile("", f"{below}/{entry.name}", entry, None)
        return FrozenSet(name, material, None, (only,), 0)
    files = tuple(
        FrozenFile(at, f"{below}/{at}", entry, None)
        for at, entry in tree.walk()
        if entry.kind is not Kind.DIRECTORY
    )
    return FrozenSet(name, material, tree, files, 0)


def node_of(name: NodeName, action: Action, present: Node | None, code: Tree | None) -> Node:
    """The node as it was, as far as its key tells; `present` says which variables it is passed unkeyed."""
    return Node(
        name=name,
        parents=tuple(
            Parent(alias, {member: reader_name(alias, member) for member in members})
            for alias, members in action.parents.items()
        ),
        code=None if code is None else _file_set(code),
        entry=action.entry,
        libs=tuple(FileSet(lib, ()) for lib in action.libs),
        params=action.params,
        env=tuple(action.env),
        passed=() if present is None else present.passed,
        secrets=() if present is None else present.secrets,
        tools=action.tools,
        locks=tuple(action.locks),
        version=action.version,
        is_named=action.name is not None,
        seed=action.seed,
    )


def reader_name(alias: str, member: str) -> NodeName:
    """What stands for the parent at an alias: a record does not tell its node."""
    return NodeName(f"{alias}/{member}" if member else alias)


def _file_set(code: Tree) -> FileSet:
    entries = dict(code.walk())
    files = (Laid(at, at) for at, entry in entries.items() if entry.kind is not Kind.DIRECTORY)
    directories = (at for at, entry in entries.items() if entry.kind is Kind.DIRECTORY)
    return FileSet("code", tuple(files), tuple(directories))
