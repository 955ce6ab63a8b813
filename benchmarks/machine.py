"""What the benchmarks ran on, for whoever reads the figures later."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.places import HERE, WORK, real_python


def describe() -> Mapping[str, str]:
    """The machine, its system, and which state of the project was measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": str(os.cpu_count()),
        "processor": _after(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "file system": _filesystem(WORK),
        "python of fp": platform.python_version(),
        "python of the nodes": _said([real_python(), "--version"]),
        "commit": _said(["git", "-C", str(HERE), "describe", "--always", "--dirty"]),
    }


def load() -> float:
    """How many processes wanted a core in the last minute: figures of a busy machine are worth little."""
    return os.getloadavg()[0]


def _memory() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / (1 << 30):.0f} GiB"


def _after(path: Path, label: str) -> str:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2] for line in lines if line.startswith(label))
    return next(found, "").strip()


def _filesystem(path: Path) -> str:
    return _said(["df", "--output=fstype", str(path)]).split()[-1]


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
