"""Whether the work tree holds what no commit does: asked of git, beside a build that runs something.

A build never waits long for it, and never fails for it: what is not known in time stays unknown.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from fusionpipe.gitignore import GENERATED

_PATIENCE = 0.25  # seconds, once the build itself is over
_CHUNK = 1 << 16
_QUESTION = (
    "git", "--no-optional-locks", "-c", "core.fsmonitor=false", "status", "--porcelain", "-z", "--no-renames",
)  # fmt: skip
_OURS = frozenset((*GENERATED, ".gitignore", ".fusionpipe"))


class Dirtiness:
    """One question to git. Used from one thread."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._git: subprocess.Popen[bytes] | None = None
        self._was_asked = False

    def ask(self) -> None:
        """Starts git, once. It stays in our session: the runner takes no such process for a node's."""
        if self._was_asked:
            return
        self._was_asked = True
        try:
            self._git = subprocess.Popen(
                _QUESTION, cwd=self._root, env=self._environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError:  # there is no git
            return

    def answer(self, patience: float = _PATIENCE) -> bool | None:
        """True if something is not committed; None where git was not asked, or does not tell in time."""
        git = self._git
        if git is None or git.stdout is None:
            return None
        self._git = None
        with git, git.stdout:
            told = _read(git.stdout.fileno(), time.monotonic() + patience)
            if told is None:
                git.kill()
                return None
        return is_dirty(told) if git.returncode == 0 else None


def is_dirty(status: bytes) -> bool:
    """Whether `git status --porcelain -z` names anything but what the build itself just made."""
    return any(line and not _is_made_by_build(line) for line in status.split(b"\0"))


def _is_made_by_build(line: bytes) -> bool:
    """A new link of a node, which its .gitignore will hide once the build is over."""
    name = os.fsdecode(line[3:]).rstrip("/").rpartition("/")[2]
    return line.startswith(b"?? ") and name in _OURS


def _read(fd: int, until: float) -> bytes | None:
    """All that comes; None if the end does not come in time."""
    parts: list[bytes] = []
    while select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
        part = os.read(fd, _CHUNK)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None
