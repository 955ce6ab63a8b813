"""A node's own part of its key, hashed now: code, libs, inputs and locks, through the `Disk` alone.

What is frozen here is what must run: whoever copies these files for a run compares the digest of the
bytes copied with the digest found here (L3). Nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from fusionpipe.action import Action, Material, encode
from fusionpipe.model import FileSet, Node
from fusionpipe.prints import Print, print_of
from fusionpipe.workspace import Workspace
from fusionstore.contract import Json
from fusionstore.digest import Digest, digest_bytes
from fusionstore.tree import Entry, Kind, Tree, build

FROZEN_UP_TO = 64 << 20
"""Bytes of one declared input up to which it is copied for the run; larger ones are read in place."""


class CannotFreeze(Exception):
    """A part of the key cannot be computed, so there is no key (L2)."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why

    def __str__(self) -> str:
        return f"cannot read {self.path}: {self.why}"


class FrozenFile(NamedTuple):
    """One file at its place in a set, with what it was when it was hashed."""

    at: str
    path: str
    entry: Entry
    seen: Print | None  # None for a symlink that is kept as one


class FrozenSet(NamedTuple):
    """A file set, hashed. `tree` is None for a single file."""

    name: str
    material: Material
    tree: Tree | None
    files: tuple[FrozenFile, ...]
    size: int

    @property
    def is_in_place(self) -> bool:
        """True when it is too large to be copied for each change of it."""
        return self.size > FROZEN_UP_TO


class Frozen(NamedTuple):
    """The part of a node's action that does not depend on its parents or its tools."""

    code: FrozenSet | None
    libs: Mapping[str, FrozenSet]
    inputs: Mapping[str, FrozenSet]
    locks: Mapping[str, Digest]


def freeze(node: Node, disk: Workspace) -> Frozen:
    """Hashes what a node is made of. Raises CannotFreeze."""
    return Frozen(
        code=None if node.code is None else _freeze_set(node.code, disk),
        libs={lib.name: _freeze_set(lib, disk) for lib in node.libs},
        inputs={given.name: _freeze_set(given, disk) for given in node.inputs},
        locks={os.path.basename(path): _lock_digest(path, disk) for path in node.locks},
    )


def action_of(
    node: Node,
    frozen: Frozen,
    parents: Mapping[str, Mapping[str, Digest]],
    tool: tuple[str, str],
    env: Mapping[str, str | None],
) -> Action:
    """The whole action of a node. `parents` are data digests by alias and member."""
    assert node.entry is not None, "a source has no action"
    return Action(
        code=None if frozen.code is None else frozen.code.material.digest,
        entry=node.entry,
        tool=tool,
        libs={name: lib.material for name, lib in frozen.libs.items()},
        inputs={name: given.material for name, given in frozen.inputs.items()},
        params=node.params,
        parents=parents,
        tools={name: version for name, version in node.tools.items() if name != tool[0]},
        locks=frozen.locks,
        env=env,
        seed=node.seed,
        version=node.version,
        name=node.name if node.is_named else None,
    )


def _freeze_set(files: FileSet, disk: Workspace) -> FrozenSet:
    frozen = tuple(_freeze_file(laid.at, laid.path, laid.is_link, disk) for laid in files.files)
    size = sum(file.entry.size for file in frozen)
    if files.is_file:
        entry = frozen[0].entry
        return FrozenSet(files.name, Material(entry.kind, entry.digest), None, frozen, size)
    entries = {file.at: file.entry for file in frozen}
    entries |= {at: Entry("", Kind.DIRECTORY) for at in files.empty}
    tree = build(entries)
    return FrozenSet(files.name, Material(Kind.DIRECTORY, tree.root), tree, frozen, size)


def _freeze_file(at: str, path: str, is_link: bool, disk: Workspace) -> FrozenFile:
    if is_link:
        text = disk.read_link(path)
        if text is None:
            raise CannotFreeze(path, "the symlink is gone")
        return FrozenFile(at, path, Entry("", Kind.SYMLINK, target=text), None)
    try:
        digest, status = disk.digest_seen(path)
    except OSError as error:
        raise CannotFreeze(path, os.strerror(error.errno or 0)) from error
    kind = Kind.EXECUTABLE if status.st_mode & 0o111 else Kind.FILE
    return FrozenFile(at, path, Entry("", kind, digest, status.st_size), print_of(status))


def _lock_digest(path: str, disk: Workspace) -> Digest:
    try:
        data = disk.read(path)
    except OSError as error:
        raise CannotFreeze(path, os.strerror(error.errno or 0)) from error
    if data is None:
        raise CannotFreeze(path, "the lock file is gone")
    return digest_bytes(encode(_parse_lock(data)))


def _parse_lock(data: bytes) -> Json:
    """A lock's content without comments and layout: TOML, JSON, or lines (requirements.txt)."""
    import json  # few nodes have a lock, and every build would pay for these
    import re
    import tomllib

    text = data.decode("utf-8", "surrogateescape")
    try:
        return _plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        pass
    try:
        value: Json = json.loads(text)
        return value
    except ValueError:
        pass
    comment = re.compile(rb"(?:^|\s)#.*")
    unquoted = re.compile(rb"[^'\"]*?(?:^|\s)#")  # after a quote a # may be part of a text
    # the indentation stays: in a conda environment it tells whose item a line is
    lines = (
        (comment.sub(b"", line) if unquoted.match(line) else line).rstrip()
        for line in data.splitlines()
    )
    return [line.decode("utf-8", "surrogateescape") for line in lines if line]


def _plain(value: object) -> Json:
    """TOML as JSON: dates and times become their ISO text."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
