"""Nodes and settings as plain values that `marshal` takes, and back: field by field, in their order.

A field that is added to `model` is packed too; what is no plain value needs its line in `unpack_node`.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from fusionpipe.model import (
    Entry,
    FileSet,
    Laid,
    Language,
    Node,
    NodeName,
    Parent,
    ProjectSettings,
    Source,
)

SHAPE = tuple(
    (kind.__name__, *kind.__match_args__)
    for kind in (Node, ProjectSettings, FileSet, Laid, Parent, Entry, Source)
)
"""The fields of all that is packed: kept beside it, so that another version's is not taken for ours."""


class PackedNodes(Mapping[NodeName, Node]):
    """Nodes that are unpacked when they are asked for: a build after one edit needs few of them."""

    def __init__(self, packed: Mapping[NodeName, bytes]) -> None:
        self._packed = packed
        self._nodes: dict[NodeName, Node] = {}

    def __getitem__(self, name: NodeName) -> Node:
        node = self._nodes.get(name)
        if node is None:
            node = self._nodes[name] = unpack_node(self._packed[name])
        return node

    def __contains__(self, name: object) -> bool:
        return name in self._packed

    def __iter__(self) -> Iterator[NodeName]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def pack(value: object) -> bytes:
    """A node, or the project's settings, as bytes."""
    return marshal.dumps(_plain(value))  # type: ignore[arg-type]  # checked when it is dumped


def unpack_node(data: bytes) -> Node:
    """The node that was packed."""
    given = dict(zip(Node.__match_args__, marshal.loads(data), strict=True))
    given["parents"] = tuple(Parent(*parent) for parent in given["parents"])
    given["code"] = given["code"] and _file_set(given["code"])
    given["libs"] = tuple(map(_file_set, given["libs"]))
    given["inputs"] = tuple(map(_file_set, given["inputs"]))
    entry, source = given["entry"], given["source"]
    given["entry"] = None if entry is None else Entry(Language(entry[0]), *entry[1:])
    given["source"] = None if source is None else Source(*source)
    return Node(**given)


def unpack_settings(data: bytes) -> ProjectSettings:
    """The settings that were packed."""
    return ProjectSettings(*marshal.loads(data))


def _file_set(plain: tuple[Any, ...]) -> FileSet:
    name, files, *rest = plain
    return FileSet(name, tuple(Laid(*laid) for laid in files), *rest)


def _plain(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case tuple():
            return tuple(map(_plain, value))
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case Node() | FileSet() | ProjectSettings():
            return tuple(_plain(getattr(value, name)) for name in value.__match_args__)
        case _:
            return value
