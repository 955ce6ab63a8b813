"""The options that several commands share, worded once."""

from __future__ import annotations

from typing import Annotated

import typer

Directory = Annotated[
    str | None, typer.Option("-C", "--directory", help="Work as if called in this directory.")
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only failures and warnings.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Every node, kept ones too.")]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "-p", "--param", metavar="NODE.KEY=VALUE", help="A parameter for this once. Repeatable."
    ),
]
