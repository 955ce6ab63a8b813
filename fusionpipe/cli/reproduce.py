"""`fp reproduce REF`: the recorded action run again, and compared."""

from __future__ import annotations

from typing import Annotated

import typer

from fusionpipe.cli.complete import complete_ref
from fusionpipe.cli.options import Directory, Json


def reproduce(
    ref: Annotated[
        str,
        typer.Argument(
            help="The result: a node, or the hash of a key, record or tree.",
            autocompletion=complete_ref,
        ),
    ],
    deep: Annotated[
        bool, typer.Option("--deep", help="Run all its ancestors again first, from the sources.")
    ] = False,
    any_tool: Annotated[
        bool, typer.Option("--any-tool", help="Run it by another version of its tool, if need be.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, help="Runs at once. Default: the cores.")
    ] = None,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Run what made a result again, from its record alone, and tell whether it gives the same bytes.

    Code, parameters, inputs and parents' data come from the store; only sources must still be in the project.
    Nothing in the project is touched. The verdict is kept with the result.

    Exit code 0 if it is identical; 1 if it differs, failed, or could not be run; 2 if there is no such result.

    Example: fp reproduce prep/clean --deep
    """
    # imported here: what runs results would double the start of every other command
    from fusionpipe.cli.do_reproduce import do_reproduce

    return do_reproduce(ref, jobs, directory, is_deep=deep, any_tool=any_tool, as_json=json)
