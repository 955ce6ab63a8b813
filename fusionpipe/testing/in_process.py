"""`fp` in this process: what a process boundary costs is spared."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from fusionpipe.settings import ambient
from fusionpipe.testing.told import Result


def run_here(words: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Result:
    """Runs `fp` in this process, as if it were called in a directory with an environment."""
    from fusionpipe.cli.main import run_words  # nothing else here needs the command line

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with _in_place(directory, environment), redirect_stdout(out), redirect_stderr(err):
        try:
            code = run_words(list(words))
        except SystemExit as exit:  # as completion ends
            code = int(exit.code or 0)
    return Result(code, _written(out), _written(err))


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@contextmanager
def _in_place(directory: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """This process in another directory and environment, for a while."""
    place, before = Path.cwd(), ambient()
    os.chdir(directory)
    _set_environment(environment)
    try:
        yield
    finally:
        _set_environment(before)
        os.chdir(place)


def _set_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()  # noqa: TID251  # a test tool: nothing of the program sets it
    os.environ.update(environment)  # noqa: TID251
