"""Many small trees compared at once with what they were, by one who only links them: no store is opened.

The quick proof of `verify` for those who need nothing else. Nothing is mended, told or held here: whoever
asks makes sure that the trees are rooted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from fusionstore.digest import Digest
from fusionstore.errors import StoreError
from fusionstore.index import Index
from fusionstore.opening import prepare
from fusionstore.seal import TooLarge, scan_seal


def seals(path: Path, trees: Iterable[Digest]) -> Mapping[Digest, bytes] | None:
    """The seals these trees have if nobody touched them; None if not all are known.

    The index is closed again: whoever forks afterwards shares nothing with it.
    """
    try:
        index = Index(prepare(path, create=False).index)
        try:
            found = index.seals_of(trees)
        finally:
            index.close()
    except (StoreError, OSError):  # whoever opens the store tells
        return None
    known = {tree: seal for tree, seal in found.items() if seal is not None}
    return known if len(known) == len(found) else None


def is_rooted(path: Path, root: str) -> bool:
    """Whether the store has a root of this name: gc leaves alone what it names."""
    return os.path.exists(f"{path}/roots/{root}")


def stands(place: str, seal: bytes, most: int) -> bool | None:
    """Whether the tree at a place is as its seal says; None if it has more names than `most`."""
    try:
        return scan_seal(place, most) == seal
    except TooLarge:
        return None
    except OSError:  # not there, or shut
        return False
