"""A node run by hand has the terminal to itself."""

from __future__ import annotations

import os
import pty
import signal
import sys
from pathlib import Path

import pytest

from fusionpipe.errors import UsageError
from fusionpipe.runner.byhand import run_by_hand, terminal_environment

PATH = {"PATH": os.environ["PATH"]}

ON_A_TERMINAL = """
import os, signal, sys
from pathlib import Path
from fusionpipe.runner.byhand import run_by_hand
code = run_by_hand(sys.argv[1:], {"PATH": os.environ["PATH"]}, Path("/"))
print("code", code, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def on_a_terminal(*argv: str) -> tuple[int, int]:
    """Runs a command by hand on a terminal of its own: its parent's process id, and the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", ON_A_TERMINAL, *argv])
    return pid, terminal


def read_until(terminal: int, wanted: str) -> str:
    text = ""
    while wanted not in text:
        text += os.read(terminal, 1000).decode()
    return text


@pytest.mark.parametrize(("text", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("pwd", 0)])
def test_the_code_is_a_shells(text: str, code: int, tmp_path: Path) -> None:
    assert run_by_hand(("sh", "-c", text), PATH, tmp_path) == code


def test_a_command_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot start no-such-command: No such file"):
        run_by_hand(("no-such-command",), PATH, tmp_path)


def test_signals_are_handled_as_before_afterwards(tmp_path: Path) -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)]
    run_by_hand(("true",), PATH, tmp_path)
    after = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)]
    assert before == after


def test_ctrl_c_is_the_nodes_and_the_terminal_too() -> None:
    # not `pause`: a signal that comes just before it is not seen until another does
    python = (
        "import signal, sys; print(sys.stdin.isatty())\nwhile True: signal.sigtimedwait([10], 0.1)"
    )
    pid, terminal = on_a_terminal(sys.executable, "-c", python)
    read_until(terminal, "True")
    os.write(terminal, b"\x03")
    assert "KeyboardInterrupt" in read_until(terminal, "code 130 True")
    os.waitpid(pid, 0)
    os.close(terminal)


def test_a_debugger_works() -> None:
    pid, terminal = on_a_terminal(sys.executable, "-c", "x = 41; breakpoint(); print(x)")
    read_until(terminal, "(Pdb)")
    os.write(terminal, b"p x + 1\n")
    assert "42" in read_until(terminal, "(Pdb)")
    os.write(terminal, b"c\n")
    read_until(terminal, "code 0")
    os.waitpid(pid, 0)
    os.close(terminal)


def test_a_terminals_variables_are_picked_from_the_callers() -> None:
    ambient = {"TERM": "xterm", "SECRET": "s", "DISPLAY": ":0"}
    assert terminal_environment(ambient) == {"TERM": "xterm", "DISPLAY": ":0"}
