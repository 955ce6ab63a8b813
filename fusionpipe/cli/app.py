"""The commands, as Typer sees them. Each returns its exit code."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Annotated, Any, cast

import typer

from fusionpipe.cli.accept import accept
from fusionpipe.cli.build import build
from fusionpipe.cli.checkout import checkout
from fusionpipe.cli.destroy import destroy
from fusionpipe.cli.diff import diff
from fusionpipe.cli.doctor import doctor
from fusionpipe.cli.export import export
from fusionpipe.cli.gc import gc
from fusionpipe.cli.graph import graph
from fusionpipe.cli.history import history
from fusionpipe.cli.import_ import import_
from fusionpipe.cli.init import init
from fusionpipe.cli.link import link
from fusionpipe.cli.logs import logs
from fusionpipe.cli.main import INTERRUPTED
from fusionpipe.cli.new import new
from fusionpipe.cli.pin import pin
from fusionpipe.cli.pins import pins
from fusionpipe.cli.reproduce import reproduce
from fusionpipe.cli.run import run
from fusionpipe.cli.show import show
from fusionpipe.cli.status import status
from fusionpipe.cli.unpin import unpin
from fusionpipe.cli.verify import verify
from fusionpipe.cli.why import why
from fusionpipe.errors import UsageError
from fusionpipe.version import VERSION

# What Typer raises for words that do not fit: Click's class, or that of the copy which newer ones carry.
WrongWords = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
_WRONG_USAGE = 2
COMMANDS = (
    init,
    new,
    build,
    status,
    why,
    logs,
    history,
    show,
    diff,
    checkout,
    reproduce,
    graph,
    run,
    link,
    accept,
    pin,
    unpin,
    pins,
    gc,
    verify,
    doctor,
    export,
    import_,
    destroy,
)


def run_app(words: list[str]) -> int:
    """Parses the words and runs the command they name; its exit code."""
    try:
        code = _command().main(words, prog_name="fp", standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except WrongWords as error:
        error.show(sys.stderr)
        return _WRONG_USAGE
    return code if isinstance(code, int) else 0


@cache
def _command() -> Any:
    """All commands, put together once: of a type that Typer has from Click, or from a copy of it."""
    app = typer.Typer(
        name="fp",
        help="make for data work: runs what changed, restores what did not.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_everywhere)
    for command in COMMANDS:
        app.command()(command)
    return typer.main.get_command(app)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"fp {VERSION}\n")
        raise typer.Exit


def _everywhere(
    directory: Annotated[
        str | None, typer.Option("-C", "--directory", help="Work as if called in this directory.")
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as error:
            raise UsageError(
                f"cannot go to {directory}: {os.strerror(error.errno or 0)}"
            ) from error
