"""Times the store from within one process, step by step, which no stopwatch around `fp` can do.

Run by `data.py` with the interpreter that has fusionstore; prints one line of JSON: action → seconds.

    probe.py publish STORE FILES BYTES    writes, ingests and commits that much, the barrier apart
    probe.py plain DIRECTORY FILES BYTES  writes the same beside it, hashes it with BLAKE3 alone, syncs it
    probe.py check STORE TREE             proves a tree (L8) and makes sure that it stands
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from blake3 import blake3

from benchmarks.writer import write
from fusionstore.contract import Claim, Draft, Published
from fusionstore.digest import ActionKey, Digest
from fusionstore.durable import sync_file_system
from fusionstore.store import Store

KEY = ActionKey("5b" * 32)


def publish(store_path: Path, files: int, size: int) -> dict[str, float]:
    """What each part of publishing takes. "publish" is all but the barrier and the writing."""
    moments: dict[str, float] = {}
    store = Store.open(store_path, step=lambda name: moments.__setitem__(name, time.perf_counter()))
    claim = store.claim(KEY, lambda _: True)
    assert isinstance(claim, Claim), "the store is to be new"
    directory = store.scratch() / "output"
    directory.mkdir()
    began = time.perf_counter()
    write(str(directory), files, size)
    written = time.perf_counter()
    tree = store.ingest(directory)
    ingested = time.perf_counter()
    (outcome,) = store.commit([Draft(KEY, {"data": tree})])
    ended = time.perf_counter()
    assert isinstance(outcome, Published), outcome
    store.close()
    barrier = moments["durable"] - moments["records written"]
    return {
        "write": written - began,
        "ingest": ingested - written,
        "barrier": barrier,
        "publish": ended - written - barrier,
    }


def plain(directory: Path, files: int, size: int) -> dict[str, float]:
    """The same bytes with no store: what BLAKE3 takes on one thread, and a bare barrier."""
    directory.mkdir()
    began = time.perf_counter()
    write(str(directory), files, size)
    written = time.perf_counter()
    for path in _files(directory):
        _hash(path, size)
    hashed = time.perf_counter()
    if files == 1:
        _sync_data(next(iter(_files(directory))))
    else:
        sync_file_system(str(directory))
    ended = time.perf_counter()
    return {"write": written - began, "blake3": hashed - written, "barrier": ended - hashed}


def check(store_path: Path, tree: str) -> dict[str, float]:
    """What it takes to prove a stored tree, and to know where it stands."""
    store = Store.open(store_path, create=False)
    began = time.perf_counter()
    store.check(Digest(tree))
    checked = time.perf_counter()
    store.materialise(Digest(tree))
    ended = time.perf_counter()
    store.close()
    assert not store.take_findings(), "the tree was damaged"
    return {"verify": checked - began, "materialise": ended - checked}


def _files(directory: Path) -> list[str]:
    return [os.path.join(at, name) for at, _, names in os.walk(directory) for name in names]


def _hash(path: str, size: int) -> None:
    # mapping pays for large files only
    if size >= 1 << 17:
        blake3(max_threads=1).update_mmap(path).digest()
        return
    with open(path, "rb", buffering=0) as file:
        blake3(file.read()).digest()


def _sync_data(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def main(words: list[str]) -> None:
    """Does what the words say and prints the seconds."""
    match words:
        case ["publish", place, files, size]:
            row = publish(Path(place), int(files), int(size))
        case ["plain", place, files, size]:
            row = plain(Path(place), int(files), int(size))
        case ["check", place, tree]:
            row = check(Path(place), tree)
        case _:
            sys.exit(__doc__)
    print(json.dumps(row))


if __name__ == "__main__":
    main(sys.argv[1:])
