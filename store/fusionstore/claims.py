"""Single flight: who may run a key, across threads and processes, and what they leave when they fail.

A claim is a kernel lock (see locks.py); a failure note is a file that only ever informs waiters. Nothing
here knows how a result is found: that comes in as `find`.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from fusionstore.contract import Busy, Claim, FailedElsewhere, JsonObject, Record
from fusionstore.digest import ActionKey
from fusionstore.errors import StoreError
from fusionstore.layout import Layout
from fusionstore.locks import Locks
from fusionstore.scratch import Scratch

Find = Callable[[], Record | None]


class Claims:
    """The claims this process holds on one store."""

    def __init__(self, layout: Layout, locks: Locks, scratch: Scratch) -> None:
        self._layout = layout
        self._locks = locks
        self._scratch = scratch
        self._tokens = itertools.count(1)
        self._held: dict[ActionKey, tuple[int, int]] = {}  # token and lock: a key is held once
        self._guard = threading.Lock()
        self._is_open = True

    def claim(self, key: ActionKey, find: Find) -> Record | Claim | Busy:
        """What is found, or the key, or word that somebody has it."""
        fd = self._locks.try_key(key)
        if fd is not None:
            return self._find_or_keep(key, fd, find)
        seen = self._failure_id(key)  # before another try: a failure after that must count as news
        fd = self._locks.try_key(key)
        if fd is not None:
            return self._find_or_keep(key, fd, find)
        return find() or Busy(key, seen)

    def wait(self, busy: Busy, find: Find) -> Record | Claim | FailedElsewhere:
        """Blocks until the holder is done, failed or dead."""
        fd = self._locks.wait_for_key(busy.key)
        if not self._is_open:
            self._locks.release(fd)
            raise StoreError("the store was closed while somebody waited for a key")
        outcome = self._find_or_keep(busy.key, fd, find)
        if isinstance(outcome, Record):
            return outcome
        note = self._failure(busy.key)
        if note is None or note[0] == busy.failure_seen:
            return outcome
        self.release(outcome)
        return FailedElsewhere(busy.key, note[1])

    def fail(self, claim: Claim, failure: JsonObject) -> None:
        """Leaves word, then gives the claim up."""
        temporary = self._scratch.fresh()
        note = {"id": os.urandom(8).hex(), "failure": failure}
        with open(temporary, "x", encoding="utf-8") as file:
            json.dump(note, file)
        os.rename(temporary, self._note(claim.key))
        self.release(claim)

    def release(self, claim: Claim) -> None:
        """Gives the claim up; harmless when that is done already."""
        with self._guard:
            token, fd = self._held.get(claim.key, (0, -1))
            if token != claim.token:
                return
            del self._held[claim.key]
        self._locks.release(fd)

    def publish(self, key: ActionKey) -> None:
        """The key has a result: its failure is past and its claim, if held here, is given up."""
        with suppress(FileNotFoundError):
            os.unlink(self._note(key))
        with self._guard:
            held = self._held.pop(key, None)
        if held is not None:
            self._locks.release(held[1])

    def close(self) -> None:
        """Gives all claims up. Those who wait are not woken; they find the store closed."""
        self._is_open = False
        with self._guard:
            held, self._held = self._held, {}
        for _, fd in held.values():
            self._locks.release(fd)

    def _find_or_keep(self, key: ActionKey, fd: int, find: Find) -> Record | Claim:
        try:
            record = find()
        except BaseException:
            self._locks.release(fd)
            raise
        if record is not None:
            self._locks.release(fd)
            return record
        claim = Claim(key, next(self._tokens))
        with self._guard:
            self._held[key] = (claim.token, fd)
        return claim

    def _note(self, key: ActionKey) -> str:
        return f"{self._layout.failures}/{key}"

    def _failure_id(self, key: ActionKey) -> str:
        note = self._failure(key)
        return "" if note is None else note[0]

    def _failure(self, key: ActionKey) -> tuple[str, JsonObject] | None:
        try:
            with open(self._note(key), encoding="utf-8") as file:
                note = cast(JsonObject, json.load(file))
        except FileNotFoundError:
            return None
        except ValueError:  # a note is written whole; one that is not was left by a power cut
            return None
        return cast(str, note["id"]), cast(JsonObject, note["failure"])
