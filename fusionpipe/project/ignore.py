"""What in a directory of code is not code: droppings of tools, and what .fpignore lists.

Patterns are gitignore's, read by pathspec, which is imported only where there are any.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fusionpipe.errors import Problem
from fusionpipe.project.patterns import below
from fusionpipe.project.reading import Reading

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".fpignore"

GENERATED = frozenset(("data", "reports", "parents", "inputs", "libs", "params.json", "logs.txt"))
"""What a build writes into a node's directory."""

NOT_CODE_AT_NODE = GENERATED | {"node.toml", IGNORE_FILE, ".gitignore"}
"""What is never code when the node's own directory is its code."""

_DROPPINGS = frozenset(
    (
        "__pycache__",
        ".ipynb_checkpoints",
        ".venv",
        ".git",
        ".hg",
        ".svn",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".DS_Store",
        "4913",
        IGNORE_FILE,
    )
)
_SWAP_FILES = (".swp", ".swo", ".swn")


def is_dropping(name: str) -> bool:
    """True for a name that tools leave behind, and for notebooks (none can be an entry yet)."""
    if name in _DROPPINGS or name.endswith((".pyc", "~", ".ipynb")):
        return True
    if name.startswith("."):
        return name.startswith(".#") or name.endswith(_SWAP_FILES)
    return name.startswith("#") and name.endswith("#")


class Patterns(NamedTuple):
    """Gitignore patterns that hold below one directory of the project."""

    base: str
    spec: GitIgnoreSpec

    def decide(self, path: str, *, is_directory: bool) -> bool | None:
        """True or False when a pattern includes or re-admits the path, None when none speaks of it."""
        if self.base and not path.startswith(self.base + "/"):
            return None
        seen = below(path, self.base) + ("/" if is_directory else "")
        return self.spec.check_file(seen).include

    def matches(self, path: str, *, is_directory: bool) -> bool:
        """True when the path is to be left out."""
        return bool(self.decide(path, is_directory=is_directory))


def parse_patterns(base: str, lines: Sequence[str]) -> Patterns:
    """Patterns seen from a directory. Raises ValueError for one that cannot be."""
    from pathspec import GitIgnoreSpec  # 15 ms; most projects have no patterns

    return Patterns(base, GitIgnoreSpec.from_lines(lines))


def read_ignore_file(reading: Reading, directory: str) -> Patterns | None:
    """The patterns of a directory's own .fpignore, None without one."""
    if not reading.holds(directory, IGNORE_FILE):
        return None
    file = f"{directory}/{IGNORE_FILE}" if directory else IGNORE_FILE
    lines = (reading.read(file) or b"").decode("utf-8", "surrogateescape").splitlines()
    try:
        return parse_patterns(directory, lines)
    except ValueError:
        reading.add(_bad_patterns(file, lines))
        return None


def _bad_patterns(file: str, lines: Sequence[str]) -> list[Problem]:
    problems: list[Problem] = []
    for number, line in enumerate(lines, 1):
        try:
            parse_patterns("", [line])
        except ValueError:
            problems.append(
                Problem(file, number, f"{line!r} is no gitignore pattern", "see gitignore(5)")
            )
    return problems


class NotCode(NamedTuple):
    """Says what of a directory is not laid out. `layers` are patterns, the nearest directory first."""

    layers: tuple[Patterns, ...] = ()
    top: str = ""
    not_at_top: frozenset[str] = frozenset()

    def leaves_out(self, path: str, name: str, is_directory: bool) -> bool:
        """True when the file or directory is left out."""
        if is_dropping(name):
            return True
        if name in self.not_at_top and path == (f"{self.top}/{name}" if self.top else name):
            return True
        for patterns in self.layers:
            decided = patterns.decide(path, is_directory=is_directory)
            if decided is not None:
                return decided
        return False


def not_an_input(path: str, name: str, is_directory: bool) -> bool:
    """True for what is never part of an input: inputs are data, so nearly everything is."""
    return name in (".git", "__pycache__")
