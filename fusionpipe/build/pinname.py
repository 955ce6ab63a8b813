"""Names that no pin may take: they mean something else where a result is wanted, and the pin would be of no use."""

from __future__ import annotations

from fusionpipe.build.archive import Archive
from fusionpipe.build.naming import group_named, node_of_today, node_with_past
from fusionpipe.build.pins import is_import_name
from fusionpipe.build.refs import is_hash
from fusionpipe.errors import UsageError
from fusionpipe.history import is_build_id


def refuse_other_refs(archive: Archive, name: str, here: str = "") -> None:
    """Raises UsageError if a word, as seen from `here`, is a ref of another kind, or could become one."""
    what = _other_meaning(archive, name, here)
    if what:
        raise UsageError(
            f"{name} cannot be a pin's name: {what}", "take a name of its own, such as paper-v1"
        )


def _other_meaning(archive: Archive, name: str, here: str) -> str:
    if node := node_of_today(archive, name, here):
        return f"{node} is a node"
    if node := node_with_past(archive, name, here):
        return f"{node} was a node, and its results are still known by that name"
    if group := group_named(archive, name, here):
        return f"{group} is a group"
    if is_build_id(name):
        return "it reads as the id of a build"
    if is_hash(name):
        return "it reads as the beginning of a hash"
    return "imports are called so" if is_import_name(name) else ""
