"""A run's log: the lines we put at its head and foot, and its end as a user may want to read it.

Lines of ours begin with `# `. The text between them is the run's own, byte for byte.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from fusionpipe.runner.run import Exited, Run
from fusionpipe.runner.rundir import RunDirectory

_LONGEST_LINE = 400
_BYTES_PER_LINE = 4096  # how far back `tail` looks for one line
# Not compiled here: most builds have no failure to show.
_OURS = r"# (fusionpipe: |command: |exit \d|killed by signal |stopped by |left behind: )"
_ESCAPES = r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])"
_CONTROLS = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"


def open_log(rundir: RunDirectory) -> int:
    """A new log as a descriptor that only appends, so that who follows it sees every line."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.open(rundir.log, flags, 0o644)


def head(run: Run, at: float) -> bytes:
    """The lines that open a log; `at` is in seconds since the epoch."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    lines = f"# fusionpipe: {run.node} started {when} on {os.uname().nodename}\n"
    return (lines + f"# command: {_one_line(run.shown)}\n").encode("utf-8", "replace")


def foot(exited: Exited) -> bytes:
    """The lines that close a log."""
    lines = []
    if exited.stragglers:
        lines.append(f"# left behind: {_one_line(', '.join(exited.stragglers))}: killed")
    measured = f"after {exited.seconds:.1f} s, {exited.peak_bytes / 1e6:.0f} MB"
    if exited.signal is None:
        lines.append(f"# exit {exited.code} {measured}")
    else:
        by = "stopped by" if exited.is_stopped else "killed by"
        lines.append(f"# {by} signal {exited.signal} ({signal_name(exited.signal)}) {measured}")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def close_log(rundir: RunDirectory, log: int, lines: bytes) -> None:
    """Writes the last lines on a line of their own and closes the log; made anew if the run deleted it."""
    try:
        status = os.fstat(log)
        if status.st_size and os.pread(log, 1, status.st_size - 1) != b"\n":
            lines = b"\n" + lines
        write_all(log, lines)
        if status.st_nlink == 0:
            _restore(rundir, log)
    finally:
        os.close(log)


def _restore(rundir: RunDirectory, log: int) -> None:
    if os.path.lexists(rundir.log):
        rundir.discard_to_trash(str(rundir.log))
    again = open_log(rundir)
    try:
        done = 0
        while chunk := os.pread(log, 1 << 20, done):
            write_all(again, chunk)
            done += len(chunk)
    finally:
        os.close(again)


def write_all(file: int, data: bytes) -> None:
    """All of it: a full disk or a signal may cut one `write` short."""
    while data:
        data = data[os.write(file, data) :]


def signal_name(number: int) -> str:
    """SIGKILL for 9; SIG99 for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def user_paths(rundir: RunDirectory, node_dir: str) -> dict[str, str]:
    """What to show instead of a run's paths: its directory and its links' targets as the user's own."""
    shown: dict[str, str] = {}
    for name, target in rundir.links:
        shown[str(target)] = f"{node_dir}/{name}"
    shown[str(rundir.tmp)] = f"{node_dir}/tmp"
    shown[os.path.realpath(rundir.path)] = node_dir
    shown[str(rundir.path)] = node_dir
    return shown


def tail(path: Path, lines: int = 20, *, shown: Mapping[str, str]) -> tuple[str, ...]:
    """The run's own last lines, fit for a terminal: the user's paths, no control characters, no giants.

    A log that is not there has no lines.
    """
    try:
        text = _end_of(path, (lines + 8) * _BYTES_PER_LINE).decode("utf-8", "replace")
    except FileNotFoundError:
        return ()
    replace = _replacer(shown)
    own = [line for line in text.split("\n") if not re.match(_OURS, line)]
    while own and not own[-1].strip():
        own.pop()
    while own and not own[0].strip():
        own.pop(0)
    return tuple(_presentable(replace(line)) for line in own[-lines:])


def _end_of(path: Path, size: int) -> bytes:
    """The last bytes of a file, from the start of a line where there is one."""
    with open(path, "rb") as file:
        start = max(0, os.fstat(file.fileno()).st_size - size)
        file.seek(start)
        data = file.read(size)
    cut = data.find(b"\n") + 1 if start else 0
    return data[cut:]


class _Replacer:
    """Replaces whole paths, the longest first, and never the beginning of a longer name."""

    def __init__(self, shown: Mapping[str, str]) -> None:
        self._shown = shown
        paths = sorted(shown, key=len, reverse=True)
        self._found = re.compile(f"(?:{'|'.join(map(re.escape, paths))})(?![\\w-])")

    def __call__(self, line: str) -> str:
        return self._found.sub(lambda match: self._shown[match[0]], line)


def _replacer(shown: Mapping[str, str]) -> _Replacer | type[str]:
    return _Replacer(shown) if shown else str


def _presentable(line: str) -> str:
    # A progress bar rewrites its line with carriage returns: what it last said is what was seen.
    line = line.rstrip("\r").rsplit("\r", 1)[-1]
    line = re.sub(_CONTROLS, "\N{REPLACEMENT CHARACTER}", re.sub(_ESCAPES, "", line))
    if len(line) <= _LONGEST_LINE:
        return line
    return f"{line[:_LONGEST_LINE]}… ({len(line) - _LONGEST_LINE:,} more characters)"


def _one_line(text: str) -> str:
    return " ".join(text.split())
