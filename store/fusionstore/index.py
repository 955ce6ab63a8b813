"""The LMDB index: what the files say, findable fast. It is derived: deleting it loses nothing.

One database; the first byte of a key says what it is:
  r<key>             the rows of an action key, as JSON (a lookup decodes one in 3 µs)
  i<record>          the action key and the place of a record's file
  t<tree>            the seal of the materialised tree
  b<blob>[x]         the stamp of an object known good and durable
  n<tree><holder>    who names a tree: r<record> or k<root name>
  m<word>            figures about the store

Transactions are short and none is held across anything slow. Never used in a forked child.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import lmdb

from fusionstore.contract import Named, NamedAs, Record, Standing
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.errors import Corrupt, DiskFull, DiskRefused
from fusionstore.seal import STAMP, Stamp

_MAP_SIZE = 1 << 40
_NAMED = {b"r": NamedAs.KEY, b"i": NamedAs.RECORD, b"n": NamedAs.TREE}
_DAMAGED = (
    lmdb.CorruptedError,
    lmdb.InvalidError,
    lmdb.PageNotFoundError,
    lmdb.VersionMismatchError,
)


class Place(IntEnum):
    """Which file holds a record."""

    FIRST = 0  # actions/ab/<key>
    FURTHER = 1  # actions/ab/<key>.<record>
    GONE = 2  # actions/ab/<key>.<record>.gone: its bytes are no longer there
    IMPORTED = 3  # actions/ab/<key>.<record>.imported: made in another store


class Row(NamedTuple):
    """A record in the index. One that is not `proven` has bytes nobody has looked at since a reindex."""

    record: Record
    place: Place
    proven: bool


class Transaction(Protocol):
    """The part of an LMDB transaction that is used."""

    def get(self, key: bytes) -> bytes | None: ...
    def put(self, key: bytes, value: bytes) -> bool: ...
    def delete(self, key: bytes) -> bool: ...


class Index:
    """The index of one store, open in this process. Any thread may use it."""

    def __init__(self, path: str) -> None:
        """Opens or makes it. Raises Corrupt if what is there is damaged, DiskFull, DiskRefused."""
        self._path = path
        self._pid = os.getpid()
        with self._told():
            self._env = _open(path)
        try:
            with self._told():
                self._env.reader_check()
                _check_length(path, self._env)
        except Corrupt:
            self._env.close()
            raise

    # -- reading ----------------------------------------------------------------------------
    def rows(self, key: ActionKey) -> list[Row]:
        """The rows of a key, the realisation first; none if it is unknown."""
        data = self._get(b"r" + bytes.fromhex(key))
        return [] if data is None else _decode_rows(key, data)

    def place(self, id: RecordId) -> tuple[ActionKey, Place] | None:
        """Where a record's file is."""
        data = self._get(b"i" + bytes.fromhex(id))
        return None if data is None else (ActionKey(data[:32].hex()), Place(data[32]))

    def seal(self, tree: Digest) -> bytes | None:
        """The seal a materialised tree has when nobody touched it."""
        return self._get(b"t" + bytes.fromhex(tree))

    def seals_of(self, trees: Iterable[Digest]) -> dict[Digest, bytes | None]:
        """The same for many, in one transaction."""
        with self.reading() as transaction:
            return {tree: transaction.get(b"t" + bytes.fromhex(tree)) for tree in trees}

    def stamp(self, name: str) -> Stamp | None:
        """The stamp of an object known good and durable."""
        data = self._get(_blob_key(name))
        return None if data is None else Stamp._make(STAMP.unpack(data))

    def figure(self, word: str) -> int:
        """A figure about the store, 0 if it was never set."""
        data = self._get(b"m" + word.encode())
        return 0 if data is None else int(data)

    def holders(self, tree: Digest) -> list[bytes]:
        """Who names a tree: b"r" and a raw record id, or b"k" and a root's name."""
        prefix = b"n" + bytes.fromhex(tree)
        with self.reading() as transaction:
            return [key[33:] for key in _keys(transaction, prefix)]

    def named(self, prefix: str, limit: int) -> list[Named]:
        """What has a hash that begins with these hexadecimal characters, at most `limit` of a kind."""
        found: list[Named] = []
        with self.reading() as transaction:
            for letter, kind in _NAMED.items():
                start = letter + bytes.fromhex(prefix[: len(prefix) // 2 * 2])
                hashes = (key[1:33].hex() for key in _keys(transaction, start))
                fitting = (one for one, _ in groupby(hashes) if one.startswith(prefix))
                found += (Named(kind, one) for one in islice(fitting, limit))
        return found

    # -- reading all (audits) ---------------------------------------------------------------
    def stamps(self, shard: str) -> dict[str, Stamp]:
        """The stamps of all objects whose names begin with these two characters."""
        return {
            _blob_name(key): Stamp._make(STAMP.unpack(value))
            for key, value in self._items(b"b" + bytes.fromhex(shard))
        }

    def seals(self) -> dict[Digest, bytes]:
        """The seal of every tree that was laid out."""
        return {Digest(key[1:].hex()): value for key, value in self._items(b"t")}

    def places(self) -> dict[RecordId, tuple[ActionKey, Place]]:
        """Where the file of every record is."""
        return {
            RecordId(key[1:].hex()): (ActionKey(value[:32].hex()), Place(value[32]))
            for key, value in self._items(b"i")
        }

    def holdings(self) -> set[bytes]:
        """Who names which tree: the raw digest, then the holder as `holders` gives it."""
        return {key[1:] for key, _ in self._items(b"n")}

    def _items(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        with self.reading() as transaction:
            cursor = cast("lmdb.Transaction", transaction).cursor()
            found: list[tuple[bytes, bytes]] = []
            if cursor.set_range(prefix):
                for key, value in cursor:
                    if not bytes(key).startswith(prefix):
                        break
                    found.append((bytes(key), bytes(value)))
            return found

    # -- writing ----------------------------------------------------------------------------
    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One transaction: all of it becomes durable and visible at the end, or none of it."""
        self._stay_in_process()
        with self._told(), self._env.begin(write=True) as transaction:
            yield Writer(transaction)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A short snapshot, for several reads."""
        self._stay_in_process()
        with self._told(), self._env.begin() as transaction:
            yield transaction

    def close(self) -> None:
        """Gives the files back."""
        self._env.close()

    def _get(self, key: bytes) -> bytes | None:
        self._stay_in_process()
        try:
            with self._env.begin() as transaction:
                return transaction.get(key)
        except lmdb.Error as error:
            raise _translated(error, self._path) from error

    def _stay_in_process(self) -> None:
        assert os.getpid() == self._pid, "a store must not be used in a forked child: open it there"

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except lmdb.Error as error:
            raise _translated(error, self._path) from error


class Writer:
    """What may be written to the index, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put_row(self, row: Row, trees: Sequence[Digest] = ()) -> None:
        """Adds or replaces a record's row; `trees` are the roots of all it names."""
        self._place(row)
        others = [other for other in self._rows(row.record.key) if other.record.id != row.record.id]
        kept = others if row.place is Place.GONE else [*others, row]
        self._put_rows(row.record.key, kept)
        for tree in trees:
            holder = b"r" + bytes.fromhex(row.record.id)
            self._transaction.put(b"n" + bytes.fromhex(tree) + holder, b"")

    def drop_row(self, key: ActionKey, id: RecordId) -> None:
        """Forgets a record whose file is not there or damaged."""
        self._put_rows(key, [row for row in self._rows(key) if row.record.id != id])
        self._transaction.delete(b"i" + bytes.fromhex(id))

    def mark_proven(self, key: ActionKey, id: RecordId) -> None:
        """Notes that a record's bytes were looked at."""
        rows = self._rows(key)
        self._put_rows(key, [r._replace(proven=True) if r.record.id == id else r for r in rows])

    def put_root(self, name: str, trees: Sequence[Digest]) -> None:
        """Notes that a root names these trees."""
        for tree in trees:
            self._transaction.put(b"n" + bytes.fromhex(tree) + b"k" + name.encode(), b"")

    def drop_root(self, name: str, trees: Sequence[Digest]) -> None:
        """Forgets that a root named these trees."""
        for tree in trees:
            self._transaction.delete(b"n" + bytes.fromhex(tree) + b"k" + name.encode())

    def put_seal(self, tree: Digest, seal: bytes) -> None:
        """Remembers how a materialised tree looks."""
        self._transaction.put(b"t" + bytes.fromhex(tree), seal)

    def drop_seal(self, tree: Digest) -> None:
        """Forgets a materialised tree."""
        self._transaction.delete(b"t" + bytes.fromhex(tree))

    def drop_stamp(self, name: str) -> None:
        """Forgets an object."""
        self._transaction.delete(_blob_key(name))

    def put_stamp(self, name: str, stamp: Stamp) -> None:
        """Remembers how a good and durable object looks."""
        self._transaction.put(_blob_key(name), STAMP.pack(*stamp))

    def set_figure(self, word: str, value: int) -> None:
        """Sets a figure about the store."""
        self._transaction.put(b"m" + word.encode(), str(value).encode())

    def add_to_figure(self, word: str, by: int) -> None:
        """Adds to a figure about the store."""
        self.set_figure(word, int(self._transaction.get(b"m" + word.encode()) or b"0") + by)

    def clear(self) -> None:
        """Forgets everything."""
        for key in list(_keys(self._transaction, b"")):
            self._transaction.delete(key)

    def _place(self, row: Row) -> None:
        value = bytes.fromhex(row.record.key) + bytes([row.place])
        self._transaction.put(b"i" + bytes.fromhex(row.record.id), value)

    def _rows(self, key: ActionKey) -> list[Row]:
        data = self._transaction.get(b"r" + bytes.fromhex(key))
        return [] if data is None else _decode_rows(key, data)

    def _put_rows(self, key: ActionKey, rows: Sequence[Row]) -> None:
        at = b"r" + bytes.fromhex(key)
        if rows:
            self._transaction.put(at, _encode_rows(sorted(rows, key=_rank)))
        else:
            self._transaction.delete(at)


def _rank(row: Row) -> tuple[bool, int, float]:
    return (row.record.standing is not Standing.REALISATION, row.place, row.record.made)


def _encode_rows(rows: Sequence[Row]) -> bytes:
    return json.dumps([_encode_row(row) for row in rows], separators=(",", ":")).encode()


def _encode_row(row: Row) -> list[object]:
    r = row.record
    facts = [r.id, str(r.standing), r.slots, r.log, r.observed, r.seconds, r.made]
    return [*facts, int(row.place), row.proven]


def _decode_rows(key: ActionKey, data: bytes) -> list[Row]:
    return [
        Row(Record(id, key, slots, log, seen, Standing(standing), seconds, made), Place(at), proven)
        for id, standing, slots, log, seen, seconds, made, at, proven in json.loads(data.decode())
    ]


def _blob_key(name: str) -> bytes:
    return b"b" + bytes.fromhex(name[:64]) + (b"x" if len(name) > 64 else b"")


def _blob_name(key: bytes) -> str:
    return key[1:33].hex() + ("x" if len(key) > 33 else "")


def _keys(transaction: Transaction, prefix: bytes) -> Iterator[bytes]:
    cursor = cast("lmdb.Transaction", transaction).cursor()
    if not cursor.set_range(prefix):
        return
    for found in cursor.iternext(keys=True, values=False):
        key = bytes(found)
        if not key.startswith(prefix):
            return
        yield key


def _open(path: str) -> lmdb.Environment:
    assert lmdb.version() >= (0, 9, 32), "LMDB engines 0.9.27 to 0.9.31 destroy shared mutexes"
    size = _MAP_SIZE
    while True:
        try:
            return lmdb.open(path, map_size=size, max_readers=1024, max_spare_txns=4, mode=0o644)
        except (MemoryError, lmdb.MemoryError):  # a limit on address space (ulimit -v)
            size //= 2
            if size < 1 << 24:
                raise


def _check_length(path: str, env: lmdb.Environment) -> None:
    """A data file cut short would kill the process with SIGBUS when its map is read."""
    needed = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
    if os.stat(f"{path}/data.mdb").st_size < needed:
        raise Corrupt(path, "its data file is shorter than it says")


def _translated(error: lmdb.Error, path: str) -> DiskFull | Corrupt | DiskRefused:
    if isinstance(error, lmdb.MapFullError) or "No space left" in str(error):
        return DiskFull(Path(path))
    if isinstance(error, _DAMAGED):
        return Corrupt(
            path, f"{error}; delete the directory, it is made anew from the store's files"
        )
    return DiskRefused(Path(path), str(error))
