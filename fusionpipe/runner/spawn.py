"""Starts one process in its own session. A command that cannot be started is an answer, not an error.

There is never a `preexec_fn`: it forces a real fork, which takes 100 times as long in a large process.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_NOT_FOUND = frozenset({errno.ENOENT, errno.ENOTDIR})


class NotStarted(NamedTuple):
    """Why a command did not start, with the exit code a shell would give."""

    code: int
    why: str


def spawn(
    argv: Sequence[str], environment: Mapping[str, str], cwd: Path, output: int
) -> subprocess.Popen[bytes] | NotStarted:
    """Starts `argv` in `cwd`, leading a new session, with no input and all its output to `output`."""
    try:
        return subprocess.Popen(
            argv,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o022,
        )
    except OSError as error:
        return _not_started(argv[0], cwd, error)
    except ValueError as error:  # a NUL or an unencodable character in a word or a variable
        return NotStarted(126, f"cannot start {argv[0]!r}: {error}")


def _not_started(command: str, cwd: Path, error: OSError) -> NotStarted:
    number = error.errno or 0
    if number in _NOT_FOUND:
        interpreter = _interpreter(cwd / command) if "/" in command else ""
        if interpreter:
            why = f"its first line names {interpreter}, which is not there"
            return NotStarted(127, f"cannot start {command}: {why}")
        return NotStarted(127, f"cannot start {command}: command not found")
    if number == errno.EACCES:
        return NotStarted(126, f"cannot start {command}: it is not executable (chmod +x)")
    if number == errno.ENOEXEC:
        why = "it says not what runs it: begin it with a line like #!/bin/sh"
        return NotStarted(126, f"cannot start {command}: {why}")
    return NotStarted(126, f"cannot start {command}: {os.strerror(number)}")


def _interpreter(script: Path) -> str:
    """What a script's `#!` line names; "" without one."""
    try:
        with open(script, "rb") as file:
            first = file.readline(256)
    except OSError:
        return ""
    if not first.startswith(b"#!"):
        return ""
    return first[2:].decode("utf-8", "replace").strip().split(" ")[0]
