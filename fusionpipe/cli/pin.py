"""`fp pin`: a name for a result, which no clean-up takes from then on."""

from __future__ import annotations

import json as json_text
import sys
from typing import Annotated

import typer

from fusionpipe.build.archive import refuse_gone
from fusionpipe.build.pinname import refuse_other_refs
from fusionpipe.build.pins import pin as give_name
from fusionpipe.build.refs import resolve
from fusionpipe.cli.complete import complete_ref
from fusionpipe.cli.found import tell_note
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive


def pin(
    ref: Annotated[
        str,
        typer.Argument(
            help="A node, node@{2}, node@{yesterday}, a pin, a hash.", autocompletion=complete_ref
        ),
    ],
    name: Annotated[str, typer.Argument(help="The name: letters, digits, . _ + and -.")],
    message: Annotated[str, typer.Option("-m", "--message", help="What it is kept for.")] = "",
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Move the name from the result that has it.")
    ] = False,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Name a result: no clean-up takes it, and the name stands wherever a result is wanted.

    Exit code 0; 2 if there is no such result, its bytes are gone, or the name is another's or cannot be a pin's.

    Example: fp pin model/fit paper-v1 -m "figure 3"
    """
    with opened_archive(directory) as (archive, here):
        refuse_other_refs(archive, name, here)
        found = resolve(archive, ref, here)
        tell_note(found)
        refuse_gone(archive, found.full)
        before = give_name(archive, name, found.full, found.node, message, is_forced=force)
    if json:
        told = {
            "name": name,
            "record": found.id,
            "node": found.node,
            "was": before and before.record,
        }
        sys.stdout.write(json_text.dumps(told) + "\n")
        return 0
    moved = f" (it was {before.record[:12]}, of {before.node})" if before is not None else ""
    sys.stdout.write(f"pinned {found.id[:12]} of {found.node} as {name}{moved}\n")
    return 0
