"""Where a command was called: the project around it, opened, and the place within."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fusionpipe.build.archive import Archive, open_archive
from fusionpipe.build.session import Session
from fusionpipe.cli.here import here_of
from fusionpipe.project import find_root, parse_override
from fusionpipe.settings import ambient


@contextmanager
def opened(directory: str | None, params: Sequence[str] = ()) -> Iterator[tuple[Session, str]]:
    """The session of the project around `directory` (the current one), and the path below its root."""
    here = here_of(directory)
    root = find_root(here)
    below = os.path.relpath(here, root)
    session = Session.open(root, ambient(), tuple(parse_override(text) for text in params))
    try:
        yield session, "" if below == "." else below
    finally:
        session.close()


@contextmanager
def opened_archive(directory: str | None) -> Iterator[tuple[Archive, str]]:
    """The archive of the project around `directory` (the current one), and the path below its root."""
    here = here_of(directory)
    root = find_root(here)
    below = os.path.relpath(here, root)
    with open_archive(root, ambient()) as archive:
        yield archive, "" if below == "." else below
