"""Lines in git's private `info/exclude`, in a marked block for each project.

For nodes whose `.gitignore` is the user's own. Must never touch a line outside this project's block, but for
the blocks of projects that are gone. Git is not run: its directory is found as git finds it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple


class Repository(NamedTuple):
    """A git work tree: its top directory, and where what all its work trees share is kept."""

    top: Path
    common: Path

    @property
    def exclude(self) -> Path:
        """The file of patterns that are never committed."""
        return self.common / "info" / "exclude"


def find_repository(start: Path) -> Repository | None:
    """The innermost work tree that `start` lies in: a clone, a linked work tree or a submodule."""
    for top in (start, *start.parents):
        git = top / ".git"
        if git.is_file():
            git = _named_directory(git, "gitdir:")
        if (git / "HEAD").exists():
            return Repository(top, _named_directory(git / "commondir", ""))
    return None


def write_excludes(
    repository: Repository,
    root: Path,
    own: Mapping[str, frozenset[str]],
    is_users_own: Callable[[str], bool],
) -> None:
    """Makes the project's block say exactly these names of these node directories.

    Lines of nodes not mentioned stay while a .gitignore beside what they name is the user's own: a build of
    some nodes must not uncover the others. Nothing is written when nothing changes.
    """
    path = repository.exclude
    before = path.read_bytes() if path.exists() else b""
    rest, lines = _take_block(before, root)
    prefix = root.relative_to(repository.top).as_posix()
    wanted = {_line(prefix, directory, name) for directory, names in own.items() for name in names}
    told = {_line(prefix, directory, "").rstrip(b"/") for directory in own}
    others = {line for line in lines if _group(line) not in told}
    kept = {line for line in others if is_users_own(_gitignore_beside(repository.top, line))}
    block = _block(root, sorted(wanted | kept))
    after = rest + (b"\n" if block and rest and not rest.endswith(b"\n") else b"") + block
    if after != before:
        _write(path, after)


def forget_excludes(root: Path) -> None:
    """Takes the project's block out again, if there is one."""
    repository = find_repository(root.resolve())
    if repository is None or not repository.exclude.exists():
        return
    before = repository.exclude.read_bytes()
    rest, lines = _take_block(before, root.resolve())
    if lines:
        _write(repository.exclude, rest)


def _write(path: Path, text: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    beside = path.with_name(f"exclude.{os.getpid()}")
    beside.write_bytes(text)
    beside.replace(path)


def _named_directory(file: Path, label: str) -> Path:
    """The directory a small file of git's names, relative to where it lies; that itself if it is not there."""
    if not file.is_file():
        return file.parent
    text = os.fsdecode(file.read_bytes()).rstrip("\n").removeprefix(label).strip()
    return Path(os.path.normpath(file.parent / text))


# -- the block ----------------------------------------------------------------------------------

_BEGIN = b"# fusionpipe: generated names of "
_END = b"# fusionpipe: end"
_BLOCK = re.compile(
    re.escape(_BEGIN) + rb"(?P<root>[^\n]*)\n(?P<lines>.*?)" + re.escape(_END) + rb"\n", re.S
)


def _take_block(text: bytes, root: Path) -> tuple[bytes, frozenset[bytes]]:
    """The file without this project's block and those of projects that are gone; this one's lines."""
    lines: set[bytes] = set()

    def drop(match: re.Match[bytes]) -> bytes:
        if match["root"] == os.fsencode(root):
            lines.update(match["lines"].splitlines())
            return b""
        is_there = os.path.exists(os.path.join(match["root"], b"fusionpipe.toml"))
        return match[0] if is_there else b""

    rest = _BLOCK.sub(drop, text)
    return rest, frozenset(lines)


def _block(root: Path, lines: list[bytes]) -> bytes:
    if not lines:
        return b""
    return b"\n".join([_BEGIN + os.fsencode(root), *lines, _END, b""])


def _line(prefix: str, directory: str, name: str) -> bytes:
    """An anchored pattern that matches one path. A link is no directory, so no line ends in a slash."""
    parts = [part for part in (prefix, directory, name) if part not in ("", ".")]
    path = "/".join(parts) + ("" if name else "/")
    return b"/" + re.sub(rb"([\\*?\[ ])", rb"\\\1", os.fsencode(path))


def _group(line: bytes) -> bytes:
    return line.rpartition(b"/")[0]


def _gitignore_beside(top: Path, line: bytes) -> str:
    directory = re.sub(rb"\\(.)", rb"\1", _group(line).lstrip(b"/"))
    return os.path.join(top, os.fsdecode(directory), ".gitignore")
