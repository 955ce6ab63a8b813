"""The entry of `fp`: the hot forms straight to their function, everything else through Typer.

The one place where errors become exit codes: 0 fine, 1 a node failed, 2 wrong usage, 3 the project is
invalid, 4 the store is unusable, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from fusionpipe.cli.streams import FULL, drop_output, finish_output, open_missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fusionpipe.cli.build_words import Words

INTERRUPTED = 130
_STORE_ERROR = 4
_NOT_WRITTEN = 1


def main() -> None:
    """Runs `fp` with the arguments of this process and exits."""
    if sys.platform == "win32":
        sys.exit("fusionpipe runs on Linux and macOS; on Windows, use it inside WSL2")
    open_missing()
    code = run_words(sys.argv[1:])
    lost = finish_output()
    sys.exit(code if lost is None else _tell(f"could not write: {lost}", code or _NOT_WRITTEN))


def run_words(words: list[str]) -> int:
    """Runs `fp` with these words; its exit code. From the main thread: a build minds signals."""
    return guarded(lambda: _dispatch(words))


def _dispatch(words: list[str]) -> int:
    # Typer costs ten times what a no-op costs: what is typed fifty times a day goes past it
    if words[:1] == ["build"]:
        from fusionpipe.cli.build_words import parse

        said = parse(words[1:])
        if said is not None:
            return _build(said, words)
    if words == ["--version"]:
        from fusionpipe.version import VERSION

        sys.stdout.write(f"fp {VERSION}\n")
        return 0
    _hear_of_children()
    if words == ["status"]:
        from fusionpipe.cli.do_status import StatusOptions, do_status

        return do_status(StatusOptions())
    from fusionpipe.cli.app import run_app

    return run_app(words)


def _build(said: Words, words: list[str]) -> int:
    difference = None
    tells_all = said.verbose or said.json
    if not tells_all:
        from fusionpipe.cli.no_op import build_if_fresh

        with suppress(FileNotFoundError):  # the directory we are in is gone: said below
            found = build_if_fresh(os.getcwd(), words, is_quiet=said.quiet)
            if isinstance(found, int):
                return found
            difference = found
    _hear_of_children()
    from fusionpipe.cli.do_build import BuildOptions, build_from, do_build

    options = BuildOptions(
        jobs=said.jobs,
        keep_going=said.keep_going,
        quiet=said.quiet,
        verbose=said.verbose,
        json=said.json,
    )
    return do_build(options, words) if tells_all else build_from(difference, options, words)


def _hear_of_children() -> None:
    """Where who started us ignores SIGCHLD, we would not hear how a child ends, nor nodes of theirs."""
    import signal  # not on the path of the no-op: it is slow to import

    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def guarded(call: Callable[[], int]) -> int:
    """The exit code of a call; errors that are the user's, the store's or an interrupt become sentences."""
    try:
        return call()
    except KeyboardInterrupt:
        return _tell("interrupted", INTERRUPTED)
    except BrokenPipeError:
        drop_output()  # who read it has gone: nothing to say, and nobody to say it to
        return 1
    except Exception as error:
        # the families are imported only now: a no-op has no use for them
        from fusionpipe.errors import FusionpipeError
        from fusionstore.errors import StoreError

        if isinstance(error, FusionpipeError):
            return _tell(str(error), error.exit_code)
        if isinstance(error, StoreError):
            return _tell(str(error), _STORE_ERROR)
        if isinstance(error, OSError) and error.filename is not None:
            return _tell(f"{error.filename}: {error.strerror}", _STORE_ERROR)
        if isinstance(error, OSError) and error.errno in FULL:
            drop_output()
            return _tell(f"could not write: {error.strerror}", _NOT_WRITTEN)
        raise


def _tell(text: str, code: int) -> int:
    sys.stderr.write(f"fp: {text}\n")
    return code
