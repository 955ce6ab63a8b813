"""The directory a command works in. On the path of the no-op: imports nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path

from fusionpipe.errors import UsageError


def here_of(directory: str | None) -> Path:
    """The directory a command works in, absolute. Raises UsageError when it is not there."""
    if directory is not None and not os.path.isdir(directory):
        raise UsageError(f"cannot go to {directory}: there is no such directory")
    try:
        return Path(os.path.abspath(directory or os.getcwd()))
    except FileNotFoundError:
        raise UsageError(
            "the current directory does not exist any more", "cd to the project"
        ) from None
