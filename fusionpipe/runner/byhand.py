"""Runs a node in the foreground, on the user's terminal, as if they had typed its command.

Nothing is captured, stored or killed here: keys pressed go to the node, and so do its signals.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from fusionpipe.errors import UsageError

_OF_A_TERMINAL = frozenset(
    {"TERM", "COLORTERM", "TERMINFO", "COLUMNS", "LINES", "NO_COLOR", "INPUTRC"}
    | {"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"}
)


def terminal_environment(ambient: Mapping[str, str]) -> dict[str, str]:
    """The variables that a program on a terminal needs besides those of a build."""
    return {name: value for name, value in ambient.items() if name in _OF_A_TERMINAL}


def run_by_hand(argv: Sequence[str], environment: Mapping[str, str], cwd: Path) -> int:
    """Runs a command to its end; its exit code as a shell tells it (128 + n for a signal n).

    It shares our process group, so that Ctrl-C, Ctrl-Z and a debugger work; we outlive its Ctrl-C. From
    the main thread only. Raises UsageError if it cannot be started.
    """
    with _left_to_child() as started:
        try:
            process = subprocess.Popen(argv, env=environment, cwd=cwd, umask=0o022)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            what = f"cannot start {argv[0]}: {reason}"
            raise UsageError(what, "check its name and PATH") from error
        started.append(process)
        code = process.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _left_to_child() -> Iterator[list[subprocess.Popen[bytes]]]:
    """While it lasts, the terminal's signals are the child's affair, and a TERM sent to us is passed on.

    The child is to be put into the list it gives.
    """
    started: list[subprocess.Popen[bytes]] = []

    # A handler that does nothing, and not SIG_IGN: ignored signals would stay ignored in the child.
    def leave(_: int, __: FrameType | None) -> None:
        return

    def pass_on(number: int, _: FrameType | None) -> None:
        for process in started:
            process.send_signal(number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGQUIT)}
    before[signal.SIGTERM] = signal.signal(signal.SIGTERM, pass_on)
    try:
        yield started
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
