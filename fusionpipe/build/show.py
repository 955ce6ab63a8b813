"""Everything there is to say of one past result, gathered from its record and its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.archive import Archive, maker, read, shows
from fusionpipe.build.past import manifest_of
from fusionpipe.build.refs import Found
from fusionpipe.build.repute import Repute, Reputes
from fusionpipe.model import NodeName
from fusionstore.contract import FullRecord, Record
from fusionstore.digest import Digest, RecordId
from fusionstore.errors import Corrupt
from fusionstore.tree import Entry, Kind, Tree


class Parent(NamedTuple):
    """What a run read of a parent: its data, and the result that first wrote them, if one did here.

    Of a source `node` is its present name, if it still holds these data.
    """

    alias: str
    member: str
    data: Digest
    record: RecordId | None
    node: NodeName
    made: float
    is_source: bool

    @property
    def name(self) -> str:
        """As the code found it below parents/."""
        return f"{self.alias}/{self.member}" if self.member else self.alias


class Result(NamedTuple):
    """A result with what belongs to it. `linked` are the nodes of this project that show it now."""

    found: Found
    repute: Repute
    linked: Sequence[NodeName]
    parents: Sequence[Parent]
    rivals: Sequence[Record]  # of the same key: other observations, other bytes

    @property
    def full(self) -> FullRecord:
        """Its record."""
        return self.found.full


def result_of(archive: Archive, found: Found) -> Result:
    """Gathers it. Raises StoreError."""
    record = found.full.record
    names = archive.state.names
    return Result(
        found,
        Reputes(archive).of(found.full),
        [name for name in names if shows(archive, name, record.id)],
        list(_parents(archive, found.full)),
        [one for one in archive.store.records(record.key) if one.id != record.id],
    )


def trees_of(full: FullRecord) -> Mapping[str, Tree]:
    """Its outputs, then what was kept to explain and repeat it, by name."""
    named = {**full.record.slots, **full.keeps}
    return {name: Tree(root, full.trees) for name, root in named.items()}


def files_of(tree: Tree) -> Iterator[tuple[str, Entry]]:
    """Its files and links, by path."""
    return ((path, entry) for path, entry in tree.walk() if entry.kind is not Kind.DIRECTORY)


def log_path(archive: Archive, full: FullRecord) -> Path | None:
    """Where the run's log lies; None if it is gone, or there never was one."""
    log = full.record.log
    return None if log is None else blob_path(archive, log)


def blob_path(archive: Archive, digest: Digest) -> Path | None:
    """Where a stored file lies, None if it is gone."""
    for is_executable in (False, True):
        try:
            return archive.store.object_path(digest, executable=is_executable)
        except (KeyError, Corrupt):
            continue
    return None


def _parents(archive: Archive, full: FullRecord) -> Iterator[Parent]:
    sources = {archive.state.row(name).source: name for name in archive.state.names}
    parents = manifest_of(full).get("parents")
    for alias, members in parents.items() if isinstance(parents, dict) else ():
        for member, data in members.items() if isinstance(members, dict) else ():
            digest = Digest(str(data))
            writer = None if digest in sources else _writer(archive, digest, full)
            if writer is None:
                node = sources.get(digest, NodeName(""))
                yield Parent(alias, member, digest, None, node, 0.0, is_source=digest in sources)
            else:
                one = writer.record
                yield Parent(
                    alias, member, digest, one.id, maker(writer), one.made, is_source=False
                )


def _writer(archive: Archive, data: Digest, reader: FullRecord) -> FullRecord | None:
    """The first result with these data, of those made before they were read: a copy of them is not meant."""
    fulls = (read(archive, id) for id in archive.store.holders(data))
    writers = [
        full
        for full in fulls
        if full is not None
        and full.record.slots.get("data") == data
        and full.record.made < reader.record.made
    ]
    return min(writers, key=lambda one: one.record.made, default=None)
