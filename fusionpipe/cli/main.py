"""The entry of `fp`: the hot forms straight to their function, everything else through Typer.

The one place where errors become exit codes: 0 fine, 1 a node failed, 2 wrong usage, 3 the project is
invalid, 4 the store is unusable, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

INTERRUPTED = 130
_STORE_ERROR = 4


def main() -> None:
    """Runs `fp` with the arguments of this process and exits."""
    if sys.platform == "win32":
        sys.exit("fusionpipe runs on Linux and macOS; on Windows, use it inside WSL2")
    sys.exit(guarded(lambda: _dispatch(sys.argv[1:])))


def _dispatch(words: list[str]) -> int:
    # Typer costs ten times what a no-op costs: what is typed fifty times a day goes past it
    if words == ["build"]:
        from fusionpipe.cli.do_build import BuildOptions, do_build

        return do_build(BuildOptions(), words)
    if words == ["status"]:
        from fusionpipe.cli.do_status import StatusOptions, do_status

        return do_status(StatusOptions())
    if words == ["--version"]:
        from fusionpipe.version import VERSION

        sys.stdout.write(f"fp {VERSION}\n")
        return 0
    from fusionpipe.cli.app import run_app

    return run_app(words)


def guarded(call: Callable[[], int]) -> int:
    """The exit code of a call; errors that are the user's, the store's or an interrupt become sentences."""
    from fusionpipe.errors import FusionpipeError
    from fusionstore.errors import StoreError

    try:
        return call()
    except FusionpipeError as error:
        return _tell(str(error), error.exit_code)
    except StoreError as error:
        return _tell(str(error), _STORE_ERROR)
    except KeyboardInterrupt:
        return _tell("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # who read our output has gone: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _tell(text: str, code: int) -> int:
    sys.stderr.write(f"fp: {text}\n")
    return code
