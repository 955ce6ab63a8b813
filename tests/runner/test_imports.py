"""What it costs to import the runner, counted in modules."""

from __future__ import annotations

import os
import subprocess
import sys

SLOW = "asyncio ctypes json networkx random rich shlex shutil tempfile typer lmdb cloudpickle"


def test_importing_the_runner_imports_nothing_slow() -> None:
    program = "import sys, fusionpipe.runner; print(*sorted(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert not set(SLOW.split()) & set(done.stdout.split())
