"""A sentence on what to try after a failure, from how it ended and what its log says last. Pure."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence

from fusionpipe.runner.run import Exited, Run

# Not compiled here: most builds have no failure to look at.
_NO_MODULE = r"ModuleNotFoundError: No module named '([^']+)'"
_DEBUGGER = r"(?im)\bbdb\.BdbQuit\b|^\(I?Pdb\)|^ipdb>"
_NO_INPUT = r"(?m)^EOFError: EOF when reading a line"
_KILLED = 128 + signal.SIGKILL


def hint(tail: Sequence[str], exited: Exited) -> str:
    """What the user could do about a failed run; "" when there is nothing to add to its log."""
    if exited.is_stopped or exited.is_ok:
        return ""
    text = "\n".join(tail)
    if re.search(_DEBUGGER, text):
        return f"a debugger needs a terminal: fp run {exited.node}"
    if re.search(_NO_INPUT, text):
        return f"a build has no terminal to ask on: fp run {exited.node} has"
    if match := re.search(_NO_MODULE, text):
        return _no_module(match[1], exited.run)
    if exited.signal == signal.SIGKILL or exited.code == _KILLED:
        return f"perhaps out of memory: peak was {_size(exited.peak_bytes)}"
    if exited.code == 127:
        return f"a command was not found on PATH={exited.run.environment.get('PATH', '')}"
    return ""


def _no_module(module: str, run: Run) -> str:
    interpreter = run.argv[0]
    if "python" not in os.path.basename(
        interpreter
    ):  # a shell's own choice, which `python =` is not about
        return (
            f"a Python that {os.path.basename(interpreter)} started has no module {module!r}: it was"
            f" found on PATH={run.environment.get('PATH', '')}"
        )
    return (
        f"{interpreter} has no module {module!r}: install it there, or name the interpreter"
        ' that has it: python = "path/to/python" in node.toml or fusionpipe.toml'
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
