"""`fp verify`: the store against itself, and this project's links against the store. Needs no graph."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.archive import Archive
from fusionpipe.hot import snapshot_path
from fusionpipe.model import NodeName
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.errors import StoreError
from fusionstore.findings import Audit, Fault, Finding, Repair, Tell
from fusionstore.repair import renew_index, repair_all


class LinkFault(StrEnum):
    """What is wrong with a generated link."""

    DANGLING = "dangling"
    FOREIGN = "foreign"


class BadLink(NamedTuple):
    """A node's `data` or `reports` that does not lead to its result."""

    path: str  # from the root
    node: NodeName
    fault: LinkFault
    leads_to: str
    is_mended: bool = False


class Verified(NamedTuple):
    """What was found, what was done, and how this project calls what suffered."""

    audit: Audit  # as it was
    now: Audit  # after repairs; the same without
    repairs: Sequence[Repair]
    links: Sequence[BadLink]
    names: Mapping[RecordId, NodeName]
    places: Mapping[Digest, str]  # tree to the link that shows it here: "prep/clean/data"
    keys: Mapping[ActionKey, NodeName]

    @property
    def is_sound(self) -> bool:
        """True if nothing is damaged, or not any more."""
        return self.now.is_sound


def verify(archive: Archive, tell: Tell, *, deep: bool, repair: bool) -> Verified:
    """Looks at everything stored, and at the links. Raises StoreError."""
    if not repair:
        audit = now = archive.store.audit(tell, deep=deep)
        repairs: Sequence[Repair] = ()
    else:
        archive, audit, repairs, now = _repair(archive, tell, deep=deep)
    links = [_mended(archive, link) if repair else link for link in bad_links(archive)]
    if any(one.lost for one in repairs):  # the next build must look everything up
        Path(snapshot_path(str(archive.root))).unlink(missing_ok=True)
    rows = {name: archive.state.row(name) for name in archive.state.names}
    places: dict[Digest, str] = {}
    for name, row in rows.items():
        places.setdefault(Digest(row.reports), f"{name}/reports")
    places |= {Digest(row.tree): f"{name}/data" for name, row in rows.items()}
    names = _names(archive, [*audit.findings, *now.findings], repairs)
    keys = {ActionKey(row.key): name for name, row in rows.items()}
    return Verified(audit, now, repairs, links, names, places, keys)


def _repair(
    archive: Archive, tell: Tell, *, deep: bool
) -> tuple[Archive, Audit, Sequence[Repair], Audit]:
    repaired = repair_all(archive.store, tell, deep=deep)
    damaged = [f for f in repaired.now.findings if f.fault is Fault.INDEX_DAMAGED]
    if not damaged:
        return archive, repaired.first, repaired.repairs, repaired.now
    archive = archive._replace(store=renew_index(archive.store))
    again = repair_all(archive.store, tell, deep=deep)
    renewed = Repair(damaged[0], True, "made anew from the store's files")
    archive.store.close()
    audit = again.first._replace(findings=[*damaged, *again.first.findings])
    return archive, audit, [renewed, *again.repairs], again.now


def bad_links(archive: Archive) -> list[BadLink]:
    """The links of this project's nodes that do not lead where the last build led them."""
    found: list[BadLink] = []
    for name in sorted(archive.state.names):
        row = archive.state.row(name)
        for slot, tree in (("data", row.tree), ("reports", row.reports)):
            path = archive.root / name / slot
            if not tree or row.source or not path.is_symlink():
                continue  # a real directory is the user's own: the next build keeps it
            target = Path(os.path.join(path.parent, os.readlink(path)))
            shown = f"{name}/{slot}"
            if not target.exists():
                found.append(BadLink(shown, name, LinkFault.DANGLING, str(target)))
            elif not _leads_to(target, archive.store.tree_path(Digest(tree))):
                found.append(BadLink(shown, name, LinkFault.FOREIGN, str(target)))
    return found


def _leads_to(target: Path, tree: Path) -> bool:
    try:
        return os.path.samefile(target, tree)
    except FileNotFoundError:
        return False


def _mended(archive: Archive, link: BadLink) -> BadLink:
    """A dangling link leads somewhere again if the store can lay its tree out."""
    if link.fault is not LinkFault.DANGLING:
        return link
    row = archive.state.row(link.node)
    tree = Digest(row.tree if link.path.endswith("/data") else row.reports)
    try:
        stands = archive.store.materialise(tree)
    except StoreError:
        return link
    return link._replace(is_mended=_leads_to(Path(link.leads_to), stands))


def _names(
    archive: Archive, findings: Sequence[Finding], repairs: Sequence[Repair]
) -> dict[RecordId, NodeName]:
    """Who made the records that suffered, as this project calls them first."""
    here = {RecordId(archive.state.record(name)): name for name in archive.state.names}
    wanted = {id for one in findings for id in one.records} | {i for r in repairs for i in r.lost}
    names: dict[RecordId, NodeName] = {}
    for id in wanted:
        if id in here:
            names[id] = here[id]
        elif (body := archive.store.read_body(id)) is not None:
            node = body.get("node")
            names[id] = NodeName(node if isinstance(node, str) else "")
    return names
