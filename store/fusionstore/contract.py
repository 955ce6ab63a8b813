"""What every store promises: the facts it takes and gives, and the protocol between.

`Store` keeps this on disk, `MemoryStore` in memory, wrappers add faults. The suite in `testing.py`
holds all of them to it. Nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.tree import Tree

if TYPE_CHECKING:
    from fusionstore.findings import Audit, Finding, Repair, Tell
    from fusionstore.inventory import Choose, Collected

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Json]

NO_BODY: JsonObject = {}
"""Nothing, for whoever has nothing to say. Never changed: it is shared."""


class Standing(StrEnum):
    """How a record came to stand beside others of its key."""

    REALISATION = "realisation"  # the first published for its key and observations: *the* result
    DISAGREES = "disagrees"  # a later run with equal key and observations gave other bytes
    ASSERTED = "asserted"  # nobody ran it: a user declared these bytes valid
    IMPORTED = (
        "imported"  # made in another store; answers who asks for it, and no key, until trusted
    )


class Draft(NamedTuple):
    """A finished run, hashed and in place, asking to be published.

    `slots` are its outputs (slot name to the root of an ingested tree); `keeps` names trees stored only
    to explain and repeat it (code, libs, inputs); `log` is a stored blob. `observed` is what the run
    was seen to use, `body` whatever else the caller wants back: both are opaque to the store.
    """

    key: ActionKey
    slots: Mapping[str, Tree]
    keeps: Mapping[str, Tree] = {}
    log: Digest | None = None
    observed: Json = None
    body: JsonObject = NO_BODY
    asserted: bool = False


class Record(NamedTuple):
    """One published result, as the index knows it. `Store.read_record` gives the rest."""

    id: RecordId
    key: ActionKey
    slots: Mapping[str, Digest]
    log: Digest | None
    observed: Json
    standing: Standing
    seconds: float  # what the run took (body["seconds"]), 0.0 if untold
    made: float  # when (body["made"]), seconds since the epoch, 0.0 if untold


class FullRecord(NamedTuple):
    """A record with everything its action file holds."""

    record: Record
    keeps: Mapping[str, Digest]
    body: JsonObject
    trees: Mapping[Digest, bytes]  # the encoding of every directory of slots and keeps


class NamedAs(StrEnum):
    """What a hash names."""

    KEY = "key"
    RECORD = "record"
    TREE = "tree"


class Named(NamedTuple):
    """Something in the store by its whole hash."""

    kind: NamedAs
    hash: str


class Published(NamedTuple):
    """A draft is durable and visible.

    `record` is the one that now answers for the draft's own bytes: its own, or the earlier one it
    agrees with. `disagrees_with` is the realisation whose bytes differ from it, if there is one.
    """

    record: Record
    is_new: bool
    disagrees_with: Record | None = None


class NotPublished(NamedTuple):
    """A draft was refused: its bytes changed between hash and barrier, or the disk failed."""

    key: ActionKey
    error: Exception


class Claim(NamedTuple):
    """The right to run a key: held until published, failed or released."""

    key: ActionKey
    token: int  # the store's own


class Busy(NamedTuple):
    """Somebody else holds the key now. `Store.wait` waits for them."""

    key: ActionKey
    failure_seen: str  # the store's own: which failure of this key was already known


class FailedElsewhere(NamedTuple):
    """Who held the key failed; `failure` is what they left (see `fail`)."""

    key: ActionKey
    failure: JsonObject


Accepts = Callable[[Record], bool]
"""Whether a record's observations still hold for the caller."""


class Root(NamedTuple):
    """Something that keeps results alive: a pin, a project, or a user's own data.

    `records` and `trees` are kept with everything they name. `encodings` must hold the directories of
    `trees` that no record names. `body` is the caller's.
    """

    name: str  # a file name: "project-<id>", "kept-<digest>", "pin-<name>"
    records: Sequence[RecordId] = ()
    trees: Sequence[Digest] = ()
    encodings: Mapping[Digest, bytes] = {}
    body: JsonObject = NO_BODY


class Brought(NamedTuple):
    """Records that were made elsewhere, with what they need; every byte was compared with its digest.

    See `bundle_read`, which is where they come from.
    """

    records: Mapping[RecordId, bytes]  # their files
    encodings: Mapping[Digest, bytes]  # of all directories of all their trees, and of the root's
    spilled: frozenset[Digest]  # directories that have to be objects
    files: Mapping[str, Path]  # blob name -> a private, read-only file of that mode
    needs: frozenset[str]  # blob names: what has to be stored in the end, `files` or not
    root: Root  # what keeps them


class NotTrusted(NamedTuple):
    """An imported record stays one: the sentence says why."""

    record: Record
    why: str


class ResultStore(Protocol):
    """A content store of results.

    Every method may be called from any thread. Paths given back are absolute. All raise StoreError.
    """

    # -- finding ----------------------------------------------------------------------------
    def lookup(
        self, key: ActionKey, accepts: Accepts, choice: RecordId | None = None
    ) -> Record | None:
        """The result of a key: the caller's choice if it is there, else the first accepted record.

        A key the index does not know is looked for on disk, checked and indexed.
        """

    def records(self, key: ActionKey) -> Sequence[Record]:
        """All records of a key, the realisation first, then by time."""

    def read_record(self, id: RecordId) -> FullRecord:
        """Everything about a record. Raises Corrupt if its file is gone or torn, KeyError if unknown."""

    def named(self, prefix: str, limit: int = 100) -> Sequence[Named]:
        """The keys, records and trees whose hash begins with these hexadecimal characters, some of each."""

    def holders(self, tree: Digest) -> Sequence[RecordId]:
        """The records that name a tree, as an output or to explain and repeat a run."""

    # -- single flight ----------------------------------------------------------------------
    def claim(
        self,
        key: ActionKey,
        accepts: Accepts,
        choice: RecordId | None = None,
        *,
        rerun: bool = False,
    ) -> Record | Claim | Busy:
        """A hit, or the right to run the key, or word that somebody else has it. Never waits.

        With `rerun` a hit is not looked for.
        """

    def wait(
        self, busy: Busy, accepts: Accepts, choice: RecordId | None = None, *, rerun: bool = False
    ) -> Record | Claim | FailedElsewhere:
        """Blocks this thread until the holder ends: its result, its failure, or (it died) the claim."""

    def fail(self, claim: Claim, failure: JsonObject) -> None:
        """Gives the claim up and leaves word for those who wait. Nothing is published."""

    def release(self, claim: Claim) -> None:
        """Gives the claim up; a waiter takes the work over. Harmless when already given up."""

    # -- bringing in ------------------------------------------------------------------------
    def ingest(self, directory: Path) -> Tree:
        """Takes over a private, quiet directory on the store's file system: it *becomes* the stored tree.

        Files are made read-only, fingerprinted, hashed and linked into objects; the directory is renamed
        to its place. Not yet durable: that is `commit`. Raises UnstorableFile, ChangedWhileStored, DiskFull.
        """

    def ingest_copy(self, directory: Path) -> Tree:
        """Like `ingest`, from copies (or reflinks): the caller's directory is left as it is."""

    def store_file(self, path: Path, *, executable: bool = False) -> Digest:
        """Copies a user's file into objects: the digest is of exactly the bytes copied."""

    def ingest_file(self, path: Path) -> Digest:
        """Takes over a private, quiet file (a log) as an object; `path` remains a name of it."""

    def adopt(self, tree: Tree) -> Path:
        """Makes a tree stand at its path whose blobs are all stored; proven as by `check`.

        It lasts while a record or a root names it. Raises TreeLost for a blob that is not stored.
        """

    def object_path(self, digest: Digest, *, executable: bool = False) -> Path:
        """Where a stored blob lies; its bytes are checked by fingerprint. Raises Corrupt, KeyError."""

    def commit(self, drafts: Sequence[Draft]) -> Sequence[Published | NotPublished]:
        """Publishes finished runs together: one durability barrier, one transaction.

        Records become visible in the order given. Claims on the keys are given up. A draft that equals a
        record of its key adds none; one that differs is added as disagreeing, and the realisation stays.
        """

    # -- using ------------------------------------------------------------------------------
    def tree_path(self, tree: Digest) -> Path:
        """Where a tree lies when it is materialised: all in one directory, by digest. Looks at nothing."""

    def materialise(self, tree: Digest) -> Path:
        """Makes sure a tree stands at its path (one stat when it does). Raises TreeLost."""

    def check(self, tree: Digest) -> Path:
        """A tree's path, after proof that every file and name is as published.

        Files are compared by (size, mtime, inode), re-hashed where that is unknown. What was added is
        moved to quarantine and named in `take_findings`; what was changed or removed is healed from
        objects, or TreeLost.
        """

    def check_small(self, tree: Digest, most: int) -> bool:
        """As `check`, unless the tree has more names than `most`: then only that it stands, and False."""

    def take_findings(self) -> Sequence[str]:
        """Sentences about what `check` found and did since last asked."""

    def read_tree(self, tree: Digest) -> Tree:
        """The encodings of a stored tree. Raises KeyError if no record or root names it."""

    # -- keeping ----------------------------------------------------------------------------
    def write_root(self, root: Root) -> None:
        """Writes a root, whole and durable, replacing one of the same name."""

    def read_root(self, name: str) -> Root | None:
        """A root by name."""

    def roots(self, prefix: str = "") -> Sequence[Root]:
        """All roots whose names begin so, by name."""

    def delete_root(self, name: str) -> None:
        """Forgets a root; harmless if there is none."""

    def hold(self, ids: Sequence[RecordId]) -> Sequence[RecordId]:
        """Keeps gc from these results while the store is open; those whose bytes are there."""

    def collect(
        self, choose: Choose, *, dry_run: bool = False, now: float | None = None
    ) -> Collected:
        """Gives up the results that `choose` names, but for those that roots name or that were needed lately
        (or by a process that lives), and deletes every tree and object that nothing names any more.

        A record given up can still be read, and is no result. Raises Corrupt, before anything goes, if a root
        or a record cannot be read.
        """

    def reindex(self) -> None:
        """Makes the index anew from the files. Raises nothing for damaged ones: they are set aside."""

    # -- from store to store ----------------------------------------------------------------
    def record_file(self, id: RecordId) -> bytes:
        """A record's file as it is; its last line tells the id. Raises as `read_record`."""

    def bring_in(self, brought: Brought) -> Sequence[Record]:
        """Stores records made elsewhere, all of them or none, and what keeps them; those that were new.

        They stand as IMPORTED: `records` and `read_record` know them, `lookup` and `claim` do not answer
        with them. A record that is here already stays what it is. Raises Corrupt for bytes that are missing.
        """

    def trust(self, id: RecordId) -> Record | NotTrusted:
        """Makes an imported record what it was where it was made: a result of its key.

        Only where its bytes are here and its key has no result with its observations (L5). Harmless for a
        record that is not imported. Not for who holds the claim on its key. Raises KeyError.
        """

    # -- auditing ---------------------------------------------------------------------------
    def audit(self, tell: Tell | None = None, *, deep: bool = False) -> Audit:
        """Looks for damage: everything stored against everything that names it; changes nothing.

        Quick, it trusts what has the size, time and inode it had; `deep`, it reads every byte once.
        """

    def repair(self, finding: Finding) -> Repair:
        """Mends what a finding tells, or says why that cannot be done. May be repeated.

        What is damaged is set aside, never deleted; what is stored twice heals; a record whose bytes
        are nowhere is told from then on as gone, and is no result.
        """

    def close(self) -> None:
        """Gives up all claims and file handles."""
