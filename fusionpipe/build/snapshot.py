"""What a build that left everything fresh saw, so that the next one can tell with `stat` alone.

Written at the end of a build of everything, read by `fusionpipe.hot`. It holds every path that was looked
at with its fingerprint, the environment variables that mattered, each linked tree's root and digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fusionpipe import memo
from fusionpipe.hot import ROOT, SHAPE, snapshot_path
from fusionpipe.model import NodeName
from fusionpipe.workspace import Print, Workspace
from fusionstore.digest import Digest

if TYPE_CHECKING:
    from fusionpipe.hot import Snapshot


class Seen(NamedTuple):
    """Everything that was asked of the disk, as it is compared."""

    prints: dict[str, Print]
    kinds: dict[str, str | None]
    links: dict[str, str | None]
    real_paths: dict[str, str]


class Fresh(NamedTuple):
    """How the nodes were left: where each one's data is, its digest, and what the runs took in all."""

    data: Mapping[NodeName, tuple[int, int]]
    digests: Mapping[NodeName, Digest]
    seconds: float
    trees: (
        str  # what links to trees say before a digest, from the root; "" where results are no links
    )


def write(
    root: Path, token: bytes, variables: Mapping[str, str | None], seen: Seen, fresh: Fresh
) -> None:
    """Keeps what the next build has to compare; `token` is the remembered graph's. Raises OSError."""
    digests = bytes.fromhex("".join(fresh.digests[name] for name in fresh.data))
    snapshot: Snapshot = (
        SHAPE,
        str(root),
        token,
        dict(variables),
        *seen,
        dict(fresh.data),
        digests,
        fresh.seconds,
        fresh.trees,
    )
    memo.save(snapshot_path(str(root)), snapshot)


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
    _, _, _, _, prints, kinds, links, real_paths, *_ = before
    merged = {**prints}
    for path in forgotten:
        merged.pop(path, None)
    merged |= anew.prints  # a kind that is asked of one of these paths says less
    return Seen(
        merged,
        {path: seen for path, seen in {**kinds, **anew.kinds}.items() if path not in merged},
        {**links, **anew.links},
        {**real_paths, **anew.real_paths},
    )
