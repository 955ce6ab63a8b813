"""Results from store to store, in one piece."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from fusionstore.bundle_read import read_bundle
from fusionstore.bundle_write import Wanted, write_bundle
from fusionstore.contract import (
    Record,
    ResultStore,
)
from fusionstore.digest import RecordId
from fusionstore.tree import EMPTY_TREE


def bundle_of(store: ResultStore, *ids: RecordId, has_data: bool = True) -> bytes:
    """A bundle of these records."""
    parts: list[bytes] = []
    write_bundle(store, Wanted(ids, has_data=has_data, about="a test"), parts.append)
    return b"".join(parts)


def import_bundle(store: ResultStore, bundle: bytes) -> Sequence[Record]:
    """Brings in a bundle, unless it is refused; the records that were new."""
    beside = store.tree_path(EMPTY_TREE.root).parent.parent  # on the store's file system
    beside.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=beside) as scratch:
        arriving = read_bundle(
            io.BytesIO(bundle), Path(scratch), lambda full: None, lambda name: False
        )
        return store.bring_in(arriving.brought)
