"""What a build that left everything fresh saw, so that the next one can tell with `stat` alone.

Written at the end of a build of everything, read by `fusionpipe.hot`. It holds every path that was looked
at with its fingerprint, the environment variables that mattered, and each linked tree's root.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fusionpipe import memo
from fusionpipe.hot import SHAPE, snapshot_path
from fusionpipe.model import NodeName
from fusionpipe.workspace import Workspace


def write(
    root: Path,
    disk: Workspace,
    environment: Mapping[str, str | None],
    data: Mapping[NodeName, tuple[int, int]],
    saved: float,
) -> None:
    """Keeps what the next no-op has to compare. Raises OSError."""
    prints = {path: seen for path, seen in disk.sightings.items() if isinstance(seen, tuple)}
    kinds = {path: seen for path, seen in disk.sightings.items() if not isinstance(seen, tuple)}
    memo.save(
        snapshot_path(str(root)),
        (
            SHAPE,
            str(root),
            dict(environment),
            prints,
            kinds,
            disk.links,
            disk.real_paths,
            dict(data),
            saved,
        ),
    )
