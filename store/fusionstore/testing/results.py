"""Keys, directories and results for tests of stores."""

from __future__ import annotations

import os
import time
from pathlib import Path

from fusionstore.contract import (
    Draft,
    Json,
    JsonObject,
    Published,
    Record,
    ResultStore,
)
from fusionstore.digest import ActionKey, RecordId, digest_bytes
from fusionstore.inventory import Inventory
from fusionstore.layout import LEASE


def key_of(word: str) -> ActionKey:
    """An action key for a word."""
    return ActionKey(digest_bytes(word.encode()))


def anything(record: Record) -> bool:
    """Accepts every record."""
    return True


LATER = time.time() + 10 * LEASE
"""When nothing that a test makes is young any more."""


def everything(inventory: Inventory) -> list[RecordId]:
    """Chooses all there is to go."""
    return list(inventory.records)


def write_tree(directory: Path, files: dict[str, str | bytes]) -> Path:
    """Makes a directory of files; a name that ends in "/" is an empty directory, "x:" an executable,
    and a value "-> target" a symlink."""
    directory.mkdir(parents=True)
    for name, text in files.items():
        path = directory / name.removeprefix("x:")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif isinstance(text, str) and text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            path.chmod(0o755 if name.startswith("x:") else 0o644)
    return directory


def read_back(directory: Path) -> dict[str, str]:
    """What `write_tree` would have to be given to make this directory."""
    found: dict[str, str] = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_dir():
            if not any(path.iterdir()):
                found[name + "/"] = ""
        else:
            mark = "x:" if path.stat().st_mode & 0o111 else ""
            found[mark + name] = path.read_bytes().decode()
    return found


def result_of(
    store: ResultStore,
    scratch: Path,
    key: ActionKey,
    files: dict[str, str | bytes],
    *,
    observed: Json = None,
    body: JsonObject | None = None,
    asserted: bool = False,
) -> Draft:
    """A draft of a run that wrote these files, ingested."""
    directory = write_tree(scratch / f"run-{os.urandom(6).hex()}", files)
    tree = store.ingest(directory)
    return Draft(key, {"data": tree}, observed=observed, body=body or {}, asserted=asserted)


def publish(store: ResultStore, draft: Draft) -> Published:
    """Commits one draft, which must succeed."""
    (outcome,) = store.commit([draft])
    assert isinstance(outcome, Published), outcome
    return outcome
