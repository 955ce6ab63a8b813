"""What a build saw of the disk, as `hot.Snapshot` keeps it for the next one to compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from fusionpipe.hot import ROOT
from fusionpipe.workspace import Print, Workspace

if TYPE_CHECKING:
    from fusionpipe.hot import Snapshot


class Seen(NamedTuple):
    """Everything that was asked of the disk, as it is compared."""

    prints: dict[str, Print]
    kinds: dict[str, str | None]
    links: dict[str, str | None]
    real_paths: dict[str, str]


def seen_by(disk: Workspace) -> Seen:
    """What a build that looked at everything saw."""
    prints = {
        path or ROOT: seen for path, seen in disk.sightings.items() if isinstance(seen, tuple)
    }
    kinds = {path: seen for path, seen in disk.sightings.items() if not isinstance(seen, tuple)}
    return Seen(prints, kinds, disk.links, disk.real_paths)


def seen_since(before: Snapshot, disk: Workspace, forgotten: Iterable[str]) -> Seen:
    """What the last snapshot saw, and a build saw anew that looked at what differed from it.

    `forgotten` are the paths that are not to be compared any more, unless they were seen anew.
    """
    anew = seen_by(disk)
    merged = {**before.prints}
    for path in forgotten:
        merged.pop(path, None)
    merged |= anew.prints  # a kind that is asked of one of these paths says less
    return Seen(
        merged,
        {path: seen for path, seen in {**before.kinds, **anew.kinds}.items() if path not in merged},
        {**before.links, **anew.links},
        {**before.real_paths, **anew.real_paths},
    )
