"""Auditing and mending until nothing is left that can be mended."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from fusionstore.contract import ResultStore
from fusionstore.findings import Audit, Repair, Tell
from fusionstore.layout import Layout
from fusionstore.store import Store

_ROUNDS = 5  # what is lost in one (an object) costs others (its records, their roots) in the next


class Repaired(NamedTuple):
    """What an audit found, what was done about it, and how the store is now."""

    first: Audit
    repairs: tuple[Repair, ...]
    now: Audit

    @property
    def is_sound(self) -> bool:
        """True if nothing is damaged any more."""
        return self.now.is_sound


def repair_all(store: ResultStore, tell: Tell | None = None, *, deep: bool = False) -> Repaired:
    """Audits a store, mends what it finds, and audits it again. Raises StoreError.

    Only the first audit reads every byte: mending proves all that it touches.
    """
    first = now = store.audit(tell, deep=deep)
    repairs: list[Repair] = []
    for _ in range(_ROUNDS):
        done = [repair for finding in now.findings if (repair := store.repair(finding)).done]
        repairs += done
        if not any(repair.is_mended for repair in done):
            break
        now = store.audit()
    return Repaired(first, tuple(repairs), now)


def renew_index(store: Store) -> Store:
    """Moves a damaged index to quarantine and opens the store again, its index made anew from the files.

    Who has the store open goes on with the old one: what they publish is found by its file.
    """
    layout = Layout(store.path)
    store.close()
    folder = f"{layout.quarantine}/index-{time.strftime('%Y%m%dT%H%M%S')}-{os.urandom(2).hex()}"
    os.rename(layout.index, folder)
    return Store.open(store.path)
