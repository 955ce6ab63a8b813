"""`fp unpin`: forgets the name of a result."""

from __future__ import annotations

import json as json_text
import sys
from typing import Annotated

import typer

from fusionpipe.build.pins import unpin as forget
from fusionpipe.cli.complete import complete_pin
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive


def unpin(
    name: Annotated[str, typer.Argument(help="The pin.", autocompletion=complete_pin)],
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Forget a pin, or an import. Its results stay until a clean-up takes them.

    Exit code 0; 2 if nothing is pinned so.

    Example: fp unpin paper-v1
    """
    with opened_archive(directory) as (archive, _):
        was = forget(archive, name)
    if json:
        sys.stdout.write(json_text.dumps(was._asdict()) + "\n")
        return 0
    sys.stdout.write(f"unpinned {name}: it was {was.record[:12]}, of {was.node}\n")
    return 0
