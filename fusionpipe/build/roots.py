"""What this project keeps alive in its store: one root file with its linked results and its choices."""

from __future__ import annotations

import os
from pathlib import Path

from fusionpipe.build.session import Session
from fusionpipe.build.state import DIRECTORY
from fusionpipe.model import NodeName
from fusionstore.contract import JsonObject, Root
from fusionstore.digest import RecordId
from fusionstore.errors import ChangedWhileStored, Corrupt
from fusionstore.store import Store
from fusionstore.tree import Entry, Kind, Tree


def write_project_root(session: Session) -> None:
    """Roots every result that the project links now. Raises StoreError."""
    id = project_id(session.root, session)
    record = session.state.record
    linked: JsonObject = {name: of for name in session.graph.nodes if (of := record(name))}
    choices: JsonObject = dict(session.state.choices)
    records = [RecordId(str(record)) for record in linked.values()]
    records += [RecordId(str(record)) for record in choices.values()]
    session.store.write_root(
        Root(
            f"project-{id}",
            records=tuple(dict.fromkeys(records)),
            body={"path": str(session.root), "linked": linked, "choices": choices},
        )
    )


def is_rooted(session: Session) -> bool:
    """Whether the project has a root of its own that says where it lies: one that was moved or copied has not."""
    if session.baseline is not None:  # who goes on from the last build of this very root
        return True
    id = _id_at(session.root)
    try:
        known = session.store.read_root(f"project-{id}") if id else None
    except Corrupt:  # gc tells of it, and takes nothing meanwhile
        return True
    return known is not None and known.body.get("path") == str(session.root)


def follow_move(root: Path, store: Store) -> None:
    """Lets the root of a project that was moved say where it lies now, or gc would miss it there."""
    id = _id_at(root)
    known = store.read_root(f"project-{id}") if id else None
    if known is None or known.body.get("path") == str(root) or _is_anothers(id, root, store):
        return
    store.write_root(known._replace(body={**known.body, "path": str(root)}))


def project_id(root: Path, session: Session) -> str:
    """The project's id in its stores: made once, and anew in a copy of a project that still exists."""
    id = _id_at(root)
    # who goes on from the last build of this very root has this root's id
    if id and (session.baseline is not None or not _is_anothers(id, root, session.store)):
        return id
    id = os.urandom(8).hex()
    (root / DIRECTORY / "id").write_text(id + "\n")
    return id


def _id_at(root: Path) -> str:
    """The id that lies in a project, "" if there is none."""
    try:
        return (root / DIRECTORY / "id").read_text().strip()
    except OSError:
        return ""


def _is_anothers(id: str, root: Path, store: Store) -> bool:
    known = store.read_root(f"project-{id}")
    place = None if known is None else known.body.get("path")
    if not isinstance(place, str) or place == str(root):
        return False
    try:
        return _id_at(Path(place)) == id and not os.path.samefile(place, root)
    except OSError:
        return False


def keep_source(session: Session, node: NodeName, place: Path, tree: Tree) -> None:
    """Stores a source's bytes (`source = "keep"`), unless its present tree is stored already.

    Raises StoreError; ChangedWhileStored if what was copied is not what was hashed.
    """
    name = f"source-{project_id(session.root, session)}-{node.replace('/', '+')}"
    known = session.store.read_root(name)
    if known is not None and tree.root in known.trees:
        return
    for at, entry in tree.walk():
        if entry.kind in (Kind.FILE, Kind.EXECUTABLE):
            _store(session, place / at, entry)
    session.store.adopt(tree)
    body: JsonObject = {"node": node, "path": str(place)}
    session.store.write_root(Root(name, (), (tree.root,), tree.directories, body))


def _store(session: Session, path: Path, entry: Entry) -> None:
    is_executable = entry.kind is Kind.EXECUTABLE
    try:
        session.store.object_path(entry.digest, executable=is_executable)
        return
    except (KeyError, Corrupt):
        pass
    if session.store.store_file(path, executable=is_executable) != entry.digest:
        raise ChangedWhileStored(str(path))
