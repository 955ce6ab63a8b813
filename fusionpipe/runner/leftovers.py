"""Looks through a run directory for what a run left where nothing was asked of it. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

DIRECTORIES = ("code", "data", "reports", "parents", "inputs", "libs", "tmp", ".observed")
FILES = frozenset({"params.json", "logs.txt"})

LOOKED_INTO = ("code", "inputs", "libs", "parents")
"""The directories in which everything is laid out and nothing is to be written."""

CLOCK_TICK = 20_000_000
"""ns; a file system's clock lags by up to 10 ms."""


class Leftovers(NamedTuple):
    """`sound` are the directories of our own that still are as we made them, with their change times;
    `untouched` those of them that the run did nothing in; `missing` those that are not there at all.
    `unexpected` are names from the run directory, a directory's with a `/` at its end.
    """

    sound: Mapping[str, int]
    untouched: frozenset[str]
    missing: frozenset[str]
    unexpected: Sequence[str]


class Before(NamedTuple):
    """What is known from before the run: the mode of our directories, when it was laid out, and the
    directories that then were empty, with their change times.
    """

    mode: int
    laid_at: int
    empty: Mapping[str, int]


def find_leftovers(
    root: str, expected: Collection[str], inside: Sequence[str], before: Before
) -> Leftovers:
    """What is below `root`, not ours and not `expected`; `inside` are further directories to look into."""
    sound: dict[str, int] = {}
    missing = set(DIRECTORIES)
    unexpected: list[str] = []
    with os.scandir(root) as entries:
        for entry in entries:
            name = entry.name
            if name in missing:
                missing.remove(name)
                status = entry.stat(follow_symlinks=False)
                if status.st_mode == before.mode:
                    sound[name] = status.st_ctime_ns
            elif name not in FILES:
                unexpected.append(_name_of(entry, ""))
    untouched = {name for name, at in sound.items() if _is_untouched(name, at, before)}
    for name in (*LOOKED_INTO, *inside):
        if name not in untouched and (name in sound or name not in LOOKED_INTO):
            unexpected += _unexpected(root, name, expected)
    return Leftovers(sound, frozenset(untouched), frozenset(missing), unexpected)


def _is_untouched(name: str, changed_at: int, before: Before) -> bool:
    """Empty before, and not changed since: a listing that can be spared.

    A change time cannot be set at will; one from well before the run is not that of a change in it.
    """
    return before.empty.get(name) == changed_at and changed_at < before.laid_at - CLOCK_TICK


def _unexpected(root: str, directory: str, expected: Collection[str]) -> list[str]:
    try:
        with os.scandir(f"{root}/{directory}") as entries:
            return [
                _name_of(entry, f"{directory}/")
                for entry in entries
                if f"{directory}/{entry.name}" not in expected
            ]
    except OSError:  # removed, or closed to us: its own state is looked at elsewhere
        return []


def _name_of(entry: os.DirEntry[str], prefix: str) -> str:
    return f"{prefix}{entry.name}{'/' if entry.is_dir(follow_symlinks=False) else ''}"
