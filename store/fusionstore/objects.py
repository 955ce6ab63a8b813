"""Blobs on disk: objects/ab/<digest>[x], read-only files named by the BLAKE3 of their bytes.

An object is never written in place and never trusted on its name alone: one whose stamp is unknown or
differs is re-hashed, and set aside if its bytes are not what its name says.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from blake3 import blake3

from fusionstore.arrivals import Arrivals
from fusionstore.copying import copy_file, create, pieces, read_whole
from fusionstore.digest import Digest, digest_bytes, digest_file
from fusionstore.durable import link_new, write_all, write_new
from fusionstore.layout import Layout, blob_name
from fusionstore.leases import Leases
from fusionstore.quarantine import Quarantine
from fusionstore.scratch import Scratch
from fusionstore.seal import Stamp, stamp

_SMALL = 1 << 20
_NO_LINK = (errno.EMLINK, errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP)


class Objects:
    """The blobs of a store. Any thread may use it."""

    def __init__(
        self,
        layout: Layout,
        arrivals: Arrivals,
        quarantine: Quarantine,
        scratch: Scratch,
        leases: Leases,
    ) -> None:
        self._layout = layout
        self._arrivals = arrivals
        self._quarantine = quarantine
        self._scratch = scratch
        self._leases = leases

    # -- bringing in ------------------------------------------------------------------------
    def adopt(self, path: str, name: str, of: Stamp) -> Stamp:
        """Makes a read-only file, whose bytes `name` names, an object; `path` stays a name of it.

        If the object is there and good, `path` becomes a name of that one. Returns the stamp that
        `path` has in the end.
        """
        target = self._layout.object(name)
        while True:
            try:
                link_new(path, target)
            except FileExistsError:
                there = self.good(name)
                if there is not None:
                    return self._share(path, target, of, there)
                continue  # what was there was bad and is in quarantine now
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                copied = self._copy_in(path, name)
                return of if copied is None else self._share(path, target, of, copied)
            self._arrivals.add_blob(name, of, grown=of.size)
            return of

    def store_file(self, path: str, *, executable: bool) -> Digest:
        """Copies somebody's file in; the digest is of exactly the bytes copied."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            if status.st_size < _SMALL:
                data = os.read(fd, status.st_size + 1)
                if len(data) == status.st_size:
                    return self.store_bytes(data, executable=executable)
                os.lseek(fd, 0, os.SEEK_SET)
            return self._store_stream(fd, executable=executable)
        finally:
            os.close(fd)

    def store_bytes(self, data: bytes, *, executable: bool = False) -> Digest:
        """Stores a small blob."""
        digest = digest_bytes(data)
        name = blob_name(digest, executable=executable)
        if self.stands(name):
            return digest
        temporary = (
            self._scratch.fresh()
        )  # swept with the scratch: one call less, thousands of times
        write_new(temporary, data, _mode(executable))
        self.adopt(temporary, name, stamp(os.lstat(temporary)))
        return digest

    # -- using ------------------------------------------------------------------------------
    def stands(self, name: str) -> bool:
        """True if an object is there with the stamp it had when it was known good."""
        known = self._arrivals.stamp(name)
        if known is None:
            return False
        path = self._layout.object(name)
        try:
            seen = os.lstat(path)
        except FileNotFoundError:
            return False
        return stamp(seen) == known and self._leases.holds(path, seen)

    def good(self, name: str) -> Stamp | None:
        """The stamp of an object whose bytes are proven; None if there is none (any more).

        One that is missing or bad is made again from its executable, or plain, twin where that is good.
        """
        return self._proven(name) or self.from_twin(name)

    def from_twin(self, name: str) -> Stamp | None:
        """The stamp of an object that is missing, made from its twin; None if that is lost too."""
        twin = name[:64] if name.endswith("x") else name + "x"
        if self._proven(twin) is None:
            return None
        return self._copy_in(self._layout.object(twin), name)

    def link_out(self, name: str, path: str) -> Stamp | None:
        """Gives a proven object a name elsewhere. The stamp there, or None if the object is lost."""
        there = self.good(name)
        if there is None:
            return None
        source = self._layout.object(name)
        try:
            os.link(source, path)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            copy_file(source, path, _mode(name.endswith("x")))
            return stamp(os.lstat(path))
        return there

    def read(self, digest: Digest) -> bytes | None:
        """A blob's bytes, hashed; None if it is lost."""
        path = self._layout.object(digest)
        with suppress(OSError):  # not there, or no file: the slow way tells
            data = read_whole(path)
            if digest_bytes(data) == digest:  # no stamp proves more
                return data
        if self.good(digest) is None:
            return None
        data = read_whole(path)
        return data if digest_bytes(data) == digest else None

    # -- within -----------------------------------------------------------------------------
    def _proven(self, name: str) -> Stamp | None:
        path = self._layout.object(name)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            self._arrivals.lose_blob(name)
            return None
        if not self._leases.holds(path, status):
            self._arrivals.lose_blob(name)
            return None
        before = stamp(status)
        if stat.S_IMODE(status.st_mode) != _mode(name.endswith("x")) and stat.S_ISREG(
            status.st_mode
        ):
            os.chmod(path, _mode(name.endswith("x")))
        if before == self._arrivals.stamp(name):
            return before
        is_good = stat.S_ISREG(status.st_mode) and digest_file(path) == name[:64]
        if is_good and stamp(os.lstat(path)) == before:
            self._arrivals.add_blob(name, before)
            return before
        self._arrivals.lose_blob(name)
        self._quarantine.move(path, "objects", "does not hold the bytes its name promises")
        return None

    def _copy_in(self, path: str, name: str) -> Stamp | None:
        with self._scratch.temporary() as temporary:
            copy_file(path, temporary, _mode(name.endswith("x")))
            if digest_file(temporary) != name[:64]:
                return None
            self.adopt(temporary, name, stamp(os.lstat(temporary)))
        return self._proven(name)

    def _share(self, path: str, target: str, of: Stamp, there: Stamp) -> Stamp:
        if of.inode == there.inode:  # renaming one link of a file over another does nothing
            return of
        temporary = self._scratch.fresh()
        try:
            os.link(target, temporary)
        except OSError as error:
            if error.errno in _NO_LINK:
                return of
            raise
        os.rename(temporary, path)
        return there

    def _store_stream(self, fd: int, *, executable: bool) -> Digest:
        hasher = blake3()
        with self._scratch.temporary() as temporary:
            out = create(temporary, _mode(executable))
            try:
                for data in pieces(fd):
                    hasher.update(data)
                    write_all(out, data)
            finally:
                os.close(out)
            digest = Digest(hasher.hexdigest())
            name = blob_name(digest, executable=executable)
            self.adopt(temporary, name, stamp(os.lstat(temporary)))
        return digest


def _mode(executable: bool) -> int:
    return 0o555 if executable else 0o444
