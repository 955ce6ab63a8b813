"""Words for nodes and groups, as seen from a place in the project: those of today, and nodes with a past."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from fusionpipe.build.archive import Archive, maker, read
from fusionpipe.build.pins import pins, roots_of_imports
from fusionpipe.errors import UsageError
from fusionpipe.history import is_build_id, lines_of
from fusionpipe.model import NodeName
from fusionpipe.project import names_in
from fusionpipe.project.suggest import did_you_mean
from fusionpipe.workspace import Workspace
from fusionstore.contract import FullRecord

_LISTED = 5
_HASH = 12


def node_with_past(archive: Archive, ref: str, here: str) -> NodeName | None:
    """The node of that name with a result, or any trace of one: beside, or from the root."""
    names = set(archive.state.names)
    return next((NodeName(name) for name in places(ref, here) if name in names), None)


def node_of_today(archive: Archive, ref: str, here: str) -> NodeName | None:
    """The node of that name among those that lie in the project today, whether or not it has a result."""
    nodes, _ = names_in_project(archive)
    return next((NodeName(name) for name in places(ref, here) if name in nodes), None)


def node_of_the_journal(archive: Archive, ref: str, here: str) -> NodeName | None:
    """The node of that name that a build once told of. Reads the builds' files, all of them at worst."""
    names = map(NodeName, places(ref, here))
    return next((name for name in names if next(lines_of(archive.root, name), None)), None)


def earlier_name(archive: Archive, node: NodeName, oldest: FullRecord | None) -> NodeName | None:
    """What a node was called when the oldest result that is known of it was made, if it was renamed since."""
    name = NodeName("") if oldest is None else maker(oldest)
    return None if name in ("", node) or node_of_today(archive, f"/{name}", "") else name


def group_named(archive: Archive, ref: str, here: str) -> str | None:
    """The group of that name, None if there is none."""
    _, groups = names_in_project(archive)
    return next((name for name in places(ref, here) if name in groups), None)


def node_named(archive: Archive, ref: str, here: str = "") -> NodeName:
    """The node of that name, whether or not it has a result. Raises UsageError."""
    node = node_with_past(archive, ref, here) or node_of_today(archive, ref, here)
    node = node or node_of_the_journal(archive, ref, here)
    if node is not None:
        return node
    if (group := group_named(archive, ref, here)) is not None:
        raise is_a_group(archive, group)
    imported = imported_results(archive, ref, here)
    if imported:
        raise UsageError(
            f"{ref} is no node here: only results of that name were imported",
            f"fp show tells of each: {_listed([one.record.id[:_HASH] for one in imported])}",
        )
    nodes, groups = names_in_project(archive)
    known = [*nodes, *groups, *archive.state.names]
    raise UsageError(f"no node is called {ref}", did_you_mean(ref, known, "fp status lists them"))


def is_a_group(archive: Archive, group: str) -> UsageError:
    """The error of a group where a node is wanted: it lists the members."""
    nodes, _ = names_in_project(archive)
    members = [name for name in nodes if name.startswith(f"{group}/")]
    return UsageError(
        f"{group} is a group, which has no result of its own",
        f"name one of its nodes: {_listed(members)}",
    )


def nothing_called(archive: Archive, ref: str, here: str) -> UsageError:
    """The error of a word that is no ref: what it may have been meant for."""
    name = node_of_today(archive, ref, here)
    if name is not None:
        return UsageError(f"{name} has no result yet", f"fp build {name}")
    group = group_named(archive, ref, here)
    if group is not None:
        return is_a_group(archive, group)
    if is_build_id(ref) and "-" in ref:
        return UsageError(f"no build is called {ref}", "fp history lists the builds")
    nodes, groups = names_in_project(archive)
    known = [*nodes, *groups, *archive.state.names, *(pin.name for pin in pins(archive))]
    mend = did_you_mean(ref, known, "fp history tells what there was")
    return UsageError(f"nothing is called {ref or repr(ref)}: no node, pin or stored result", mend)


def imported_results(archive: Archive, ref: str, here: str) -> list[FullRecord]:
    """The imported results of a node that was called so where they were made, the latest first."""
    names = set(places(ref, here))
    ids = {id for root in roots_of_imports(archive) for id in root.records}
    fulls = (read(archive, id) for id in ids)
    found = [full for full in fulls if full is not None and maker(full) in names]
    return sorted(found, key=lambda full: (-full.record.made, full.record.id))


def names_in_project(archive: Archive) -> tuple[Sequence[NodeName], Sequence[str]]:
    """The names of today's nodes and groups, whatever may be wrong with their files."""
    return names_in(Workspace(archive.root, archive.state.memory, lambda _: False))


def places(ref: str, here: str) -> Iterator[str]:
    """Names a word may stand for: `clean`, `./clean`, `prep/clean/`, `/prep/clean`."""
    path = ref.strip()
    if here and path and not path.startswith("/"):
        yield posixpath.normpath(posixpath.join(here, path))
    if not here or not path.startswith("."):
        yield posixpath.normpath(path).lstrip("/")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
