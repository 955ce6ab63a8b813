"""Proof that a materialised tree is what was published, and mending what is not (L8).

The quick proof compares one seal. Only where it differs, or is unknown, is every name looked at: what
was added or replaced is moved to quarantine, what is missing comes back from objects by rename, and
nothing is ever written in place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress

from fusionstore.arrivals import Arrivals, Arrived
from fusionstore.digest import Digest, digest_file
from fusionstore.errors import TreeLost
from fusionstore.layout import Layout, blob_name
from fusionstore.leases import Leases
from fusionstore.locks import Locks
from fusionstore.materialise import Materialise
from fusionstore.objects import Objects
from fusionstore.quarantine import Quarantine
from fusionstore.scratch import Scratch
from fusionstore.seal import Stamp, directory_row, file_row, link_row, scan_seal, seal, stamp
from fusionstore.tree import Entry, Kind, Tree


class _Mending:
    """One tree being looked at name by name."""

    def __init__(self, tree: Tree, place: str) -> None:
        self.tree = tree
        self.place = place
        self.rows: list[bytes] = []
        self.blobs: set[str] = set()
        self.directories: list[str] = []
        self.loose: list[str] = []
        self.lost: str = ""  # the first file that could not be brought back

    @property
    def label(self) -> str:
        return f"tree-{self.tree.root[:12]}"

    def arrived(self) -> Arrived:
        blobs, below, loose = frozenset(self.blobs), tuple(self.directories), tuple(self.loose)
        return Arrived(self.tree, seal(self.rows), blobs, below, loose)


class Verify:
    """Checks trees."""

    def __init__(
        self,
        layout: Layout,
        objects: Objects,
        arrivals: Arrivals,
        quarantine: Quarantine,
        scratch: Scratch,
        materialise: Materialise,
        locks: Locks,
        leases: Leases,
    ) -> None:
        self._layout = layout
        self._objects = objects
        self._arrivals = arrivals
        self._quarantine = quarantine
        self._scratch = scratch
        self._materialise = materialise
        self._locks = locks
        self._leases = leases

    def is_as_published(self, digest: Digest, most: int | None = None) -> bool:
        """The quick proof: True if the tree stands, every name, size, mtime and inode as remembered.

        Of a tree with more names than `most`, no more than these are looked at. Raises TooLarge.
        """
        known = self._arrivals.seal(digest)
        if known is None:
            return False
        try:
            place = self._layout.tree(digest)
            seen = os.lstat(place)
            if not stat.S_ISDIR(seen.st_mode) or not self._leases.holds(place, seen):
                return False
            return scan_seal(place, most) == known
        except OSError:  # not there, or shut: the slow way tells which
            return False

    def check(self, digest: Digest, read: Callable[[], Tree]) -> None:
        """Proves a tree, mending what has to be; `read` gives its encodings. Raises TreeLost."""
        if self.is_as_published(digest):
            return
        lock = self._locks.wait_for_tree(digest)
        try:
            if not self.is_as_published(digest):  # another process may have mended it meanwhile
                self._hold(self._layout.tree(digest))
                self._mend(read())
        finally:
            self._locks.release(lock)

    def _mend(self, tree: Tree) -> None:
        place = self._layout.tree(tree.root)
        if not _is_directory(place):
            if os.path.lexists(place):
                self._quarantine.move(place, f"tree-{tree.root[:12]}", "is not the stored tree")
            self._materialise.stand(tree)
            if self._arrivals.tree(tree.root) is not None:
                return
        mending = _Mending(tree, place)
        self._directory(mending, "", tree.root)
        if mending.lost:
            self._arrivals.lose_tree(tree.root)
            # out of its place, so that no lookup takes it for a hit again
            self._quarantine.move(place, mending.label, f"is damaged in {mending.lost!r}")
            raise TreeLost(tree.root, f"the bytes of {mending.lost!r} are gone")
        self._arrivals.add_tree(mending.arrived())

    def _hold(self, place: str) -> None:
        with suppress(FileNotFoundError):  # then it is made anew
            self._leases.holds(place, os.lstat(place))

    def _directory(self, mending: _Mending, prefix: str, digest: Digest) -> None:
        path = f"{mending.place}/{prefix}"
        if stat.S_IMODE(os.lstat(path).st_mode) != 0o755:
            os.chmod(path, 0o755)
        expected: Mapping[str, Entry] = {e.name: e for e in mending.tree.entries(digest)}
        for name in os.listdir(path):
            if name not in expected:
                self._quarantine.move(path + name, mending.label, "is not part of the stored tree")
        for name, entry in expected.items():
            self._name(mending, prefix + name, entry)

    def _name(self, mending: _Mending, path: str, entry: Entry) -> None:
        full = f"{mending.place}/{path}"
        if entry.kind is Kind.DIRECTORY:
            if not _is_directory(full):
                self._set_aside(mending, full, "is no longer a directory")
                os.mkdir(full, 0o755)
            mending.rows.append(directory_row(path))
            mending.directories.append(path)
            self._directory(mending, path + "/", entry.digest)
        elif entry.kind is Kind.SYMLINK:
            if not os.path.islink(full) or os.readlink(full) != entry.target:
                self._set_aside(mending, full, "is no longer the stored symbolic link")
                os.symlink(entry.target, full)
            mending.rows.append(link_row(path, entry.target))
        else:
            self._file(mending, path, entry)

    def _file(self, mending: _Mending, path: str, entry: Entry) -> None:
        full = f"{mending.place}/{path}"
        executable = entry.kind is Kind.EXECUTABLE
        name = blob_name(entry.digest, executable=executable)
        now = self._as_stored(full, name)
        if now is None:
            self._set_aside(mending, full, "was changed after it was stored")
            now = self._bring_back(full, name)
            if now is None:
                mending.lost = mending.lost or path
                return
            self._quarantine.tell(f"{full} was brought back from the store's objects")
        mending.blobs.add(name)
        if now != self._arrivals.stamp(name):
            mending.loose.append(path)
        mending.rows.append(file_row(path, executable, now))

    def _as_stored(self, full: str, name: str) -> Stamp | None:
        """The stamp of a file whose bytes are what the tree says; None if it is not there or differs."""
        try:
            status = os.lstat(full)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        now = stamp(status)
        if now != self._arrivals.stamp(name):
            if digest_file(full) != name[:64] or stamp(os.lstat(full)) != now:
                return None
            self._restore_object(full, name, now)
        mode = 0o555 if name.endswith("x") else 0o444
        if stat.S_IMODE(status.st_mode) != mode:
            os.chmod(full, mode)
        return now

    def _restore_object(self, full: str, name: str, now: Stamp) -> None:
        """A proven file in a tree makes its object again, if that is lost, or proves it."""
        mode = 0o555 if name.endswith("x") else 0o444
        os.chmod(full, mode)
        if self._objects.good(name) is None:
            self._objects.adopt(full, name, now)

    def _bring_back(self, full: str, name: str) -> Stamp | None:
        temporary = self._scratch.fresh()
        there = self._objects.link_out(name, temporary)
        if there is not None:
            os.rename(temporary, full)
        return there

    def _set_aside(self, mending: _Mending, full: str, what: str) -> None:
        if os.path.lexists(full):
            self._quarantine.move(full, mending.label, what)
        else:
            self._quarantine.tell(f"{full} was missing from the stored tree")


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
