"""What a live process relies on is left alone by gc, without a word on disk for each thing it uses.

The change time of a record's file, an object or a tree's directory says when somebody last needed it:
making or linking one sets it, and whoever relies on one that is older than a `lease` sets it anew, under a
lock that gc takes to look and to delete. So gc leaves whatever changed since a lease before the oldest live
process began (and at least two leases before now): nothing that a process found, and no lock for each hit.

A process counts as live from its first scratch directory on. Those that only look have none and hold nothing.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable

from fusionstore.digest import RecordId
from fusionstore.locks import Locks


class Leases:
    """What this process holds of one store. Any thread may use it."""

    def __init__(self, lease: float, locks: Locks, is_live: Callable[[], bool]) -> None:
        """`lease` is in seconds; it is the store's, since all its processes must agree on it."""
        self.lease = lease
        self._locks = locks
        self._is_live = is_live
        self._records: set[RecordId] = set()

    def holds(self, path: str, seen: os.stat_result) -> bool:
        """True if what was just seen at `path` stays there while this process lives; False if it is gone."""
        if seen.st_ctime >= time.time() - self.lease or not self._is_live():
            return True
        return self.renew(path)

    def holds_record(self, id: RecordId, path: str) -> bool:
        """The same of a record's file, which is looked at once in a process."""
        if id in self._records or not self._is_live():
            return True
        try:
            seen = os.lstat(path)
        except FileNotFoundError:
            return False
        if not self.holds(path, seen):
            return False
        self._records.add(id)
        return True

    def made_record(self, id: RecordId) -> None:
        """This process published it: its file is as young as can be."""
        self._records.add(id)

    def renew(self, path: str) -> bool:
        """Sets the change time of what is at `path`; False if there is nothing (any more)."""
        lock = self._locks.share_store()
        try:
            os.chmod(path, stat.S_IMODE(os.lstat(path).st_mode))
        except FileNotFoundError:
            return False
        finally:
            self._locks.release(lock)
        return True

    def forget(self, id: RecordId) -> None:
        """A record was collected."""
        self._records.discard(id)
