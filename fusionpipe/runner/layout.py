"""What a run finds in its directory, as facts: which bytes at which names. Touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Placed(NamedTuple):
    """A file that appears at `at` below code/: the stored bytes at `path`, or a symlink saying `link`."""

    at: str
    path: Path
    is_executable: bool = False
    link: str | None = None


class Layout(NamedTuple):
    """A run's whole view of its inputs.

    `code_directories` are directories below code/, empty ones too (those that `code` implies may be left
    out). The values of `inputs`, `libs` and `parents` are absolute and are linked to; a parent with
    members becomes a directory with one link per member, nested where the member's name has a `/`.
    """

    code: tuple[Placed, ...] = ()
    code_directories: tuple[str, ...] = ()
    inputs: Mapping[str, Path] = {}
    libs: Mapping[str, Path] = {}
    parents: Mapping[str, Path | Mapping[str, Path]] = {}
    params: bytes = b"{}\n"

    def directories(self) -> tuple[str, ...]:
        """Every directory needed below code/, outer ones first."""
        needed = {above for name in self.code_directories for above in (*_above(name), name)}
        needed.update(above for placed in self.code for above in _above(placed.at))
        return tuple(sorted(needed))

    def links(self) -> tuple[tuple[str, Path], ...]:
        """Every symlink outside code/: its name from the run directory, and where it leads."""
        found: list[tuple[str, Path]] = []
        for alias, parent in self.parents.items():
            if isinstance(parent, Path):
                found.append((f"parents/{alias}", parent))
            else:
                found.extend((f"parents/{alias}/{name}", path) for name, path in parent.items())
        found.extend((f"inputs/{name}", path) for name, path in self.inputs.items())
        found.extend((f"libs/{name}", path) for name, path in self.libs.items())
        return tuple(found)

    def link_directories(self) -> tuple[str, ...]:
        """The directories that many-member parents need, outer ones first."""
        many = (alias for alias, parent in self.parents.items() if not isinstance(parent, Path))
        needed = {f"parents/{alias}" for alias in many}
        for name, _ in self.links():
            needed.update(above for above in _above(name) if "/" in above)
        return tuple(sorted(needed))


def _above(name: str) -> list[str]:
    """The directories that a name with `/` lies in, outer ones first."""
    if "/" not in name:
        return []
    parts = name.split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
