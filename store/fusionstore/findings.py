"""What an audit of a store finds, and how far it has come. Facts only: nothing here looks at a disk.

A finding is told only after it was seen twice: builds go on while a store is audited, and what they are
just doing must not look like damage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from fusionstore.digest import ActionKey, Digest, RecordId


class Fault(StrEnum):
    """What is wrong with something stored."""

    OBJECT_ALTERED = "object altered"  # its bytes are not what its name says
    OBJECT_MISSING = "object missing"  # something stored names it
    OBJECT_MODE = "object writable"  # not read-only, or not readable at all
    TREE_ALTERED = "tree altered"
    TREE_MISSING = "tree missing"  # it stood; links to it lead nowhere
    RECORD_TORN = "record torn"
    RECORD_MISSING = "record missing"  # the index knows it
    RECORD_UNINDEXED = "record unindexed"  # or indexed in another place
    ROOT_TORN = "root torn"
    ROOT_DANGLING = "root dangling"  # it names a record or a tree that is not there
    ROOT_UNINDEXED = "root unindexed"
    INDEX_DAMAGED = "index damaged"
    STRANGER = "stranger"  # it does not belong where it lies
    INCOMPLETE = "incomplete"  # the result is whole; what explains or repeats it is lost
    KEPT_GONE = "kept, but gone"  # a root names a record whose bytes were lost
    INDEX_STALE = "index stale"  # rows that nothing needs, of files that are gone

    @property
    def is_damage(self) -> bool:
        """False for what costs nobody a byte that could still be had."""
        return self not in _HARMLESS


_HARMLESS = frozenset(
    {
        Fault.RECORD_UNINDEXED,  # files are the truth: a lookup finds it, and indexes it
        Fault.INCOMPLETE,
        Fault.KEPT_GONE,
        Fault.INDEX_STALE,
        Fault.STRANGER,
    }
)


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    fault: Fault
    path: str  # where, absolute
    what: str = ""  # more, in a few words
    name: str = ""  # of the object, tree, record or root
    key: ActionKey = ActionKey("")  # of the record
    trees: tuple[Digest, ...] = ()  # the trees that suffer
    records: tuple[RecordId, ...] = ()  # the records that suffer
    paths: tuple[str, ...] = ()  # of an object: the first name it has in each of the trees


class Repair(NamedTuple):
    """What became of one finding."""

    finding: Finding
    is_mended: bool
    done: str  # a sentence: what was done, or why nothing could be
    lost: Sequence[RecordId] = ()  # records that are no results any more, since bytes are lost


class Audit(NamedTuple):
    """What was looked at, and what was found."""

    findings: Sequence[Finding]
    objects: int = 0
    stored: int = 0  # bytes of all objects
    hashed: int = 0  # bytes read and compared
    unproven: int = 0  # objects whose bytes nobody looked at since the index was made
    trees: int = 0
    records: int = 0
    gone: int = 0
    roots: int = 0

    @property
    def is_sound(self) -> bool:
        """True if nothing is damaged."""
        return not any(finding.fault.is_damage for finding in self.findings)


class Progress(NamedTuple):
    """How far an audit has come: of `total` things (bytes while hashing), `done`."""

    doing: str  # "objects", "hashing", "records", "trees"
    done: int
    total: int  # 0 where it is not known


Tell = Callable[[Progress], None]


def tell_nobody(progress: Progress) -> None:
    """Nobody watches."""
