"""Where the benchmarks keep things, and the environment that every measured command runs in.

All of it lies below `benchmarks/.work/`, which git ignores. Nothing here creates or deletes anything.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE / ".work"
TOOLS = WORK / "tools"  # one environment per peer
RUNS = WORK / "runs"  # one new directory per run of the benchmarks; deleted when it is over
OLDEST_PYTHON = 9  # 3.9: what `launch.py` and the floor need
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def real_python() -> str:
    """An interpreter that is no version manager's shim (which would cost 30 ms a start)."""
    system = Path("/usr/bin/python3").resolve()
    found = re.fullmatch(r"python3\.(\d+)", system.name)
    if found and int(found[1]) >= OLDEST_PYTHON and sys.platform == "linux":
        return str(system)
    return str(Path(sys.executable).resolve())


def tool(peer: str, program: str) -> Path:
    """Where `install.py` puts a peer's program."""
    inside = TOOLS / peer / ("node_modules/.bin" if peer == "nx" else "bin")
    return inside / program


def system_tool(program: str) -> Path | None:
    """A program of the system, never one of a version manager."""
    for directory in SYSTEM_PATH.split(":"):
        path = Path(directory) / program
        if os.access(path, os.X_OK):
            return path
    return None


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a measured command sees: nothing of the caller's PYTHON… settings, a home of its own."""
    return {
        "PATH": SYSTEM_PATH,
        "HOME": str(WORK / "home"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        **(extra or {}),
    }
