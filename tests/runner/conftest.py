"""A runner with its pool in a temporary directory, and runs made of little scripts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fusionpipe.model import NodeName
from fusionpipe.runner import (
    Exited,
    Layout,
    Placed,
    ProcessRunner,
    Run,
    RunDirectories,
    base_environment,
)

PLENTY = 60.0  # seconds to wait for what has to come; nothing waits that long


@pytest.fixture
def rundirs(tmp_path: Path) -> Iterator[RunDirectories]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    pool = RunDirectories(scratch)
    yield pool
    pool.close()


@pytest.fixture
def runner(rundirs: RunDirectories) -> Iterator[ProcessRunner]:
    made = ProcessRunner(rundirs, grace=0.2)
    yield made
    made.close()


@pytest.fixture
def placed(tmp_path: Path) -> Callable[..., Placed]:
    """Makes an object with a text, to be laid out somewhere."""
    objects = tmp_path / "objects"
    objects.mkdir()

    def make(at: str, text: str, *, mode: int = 0o444) -> Placed:
        path = objects / str(len(list(objects.iterdir())))
        path.write_text(text)
        path.chmod(mode)
        return Placed(at, path, is_executable=bool(mode & 0o100))

    return make


def run_of(argv: tuple[str, ...], main: Placed, **more: object) -> Run:
    made = Run(
        node=NodeName("prep/clean"),
        argv=argv,
        environment=base_environment(os.environ),
        layout=Layout(code=(main,)),
        shown=" ".join(argv),
    )
    return made._replace(**more)  # type: ignore[arg-type]  # a test's own keywords


@pytest.fixture
def sh(placed: Callable[..., Placed]) -> Callable[..., Run]:
    """Makes a run of a shell script."""
    return lambda text, **more: run_of(("/bin/sh", "main.sh"), placed("main.sh", text), **more)


@pytest.fixture
def python(placed: Callable[..., Placed]) -> Callable[..., Run]:
    """Makes a run of a Python script, with the fastest Python there is."""
    path = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    return lambda text, **more: run_of((path, "main.py"), placed("main.py", text), **more)


@pytest.fixture
def finish(runner: ProcessRunner) -> Callable[[Run], Exited]:
    def start_and_wait(run: Run) -> Exited:
        runner.start(run)
        (exited,) = runner.wait(PLENTY)
        return exited

    return start_and_wait
