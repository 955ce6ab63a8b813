"""`fp diff A B`: how two results, or two builds, differ."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from fusionpipe.build.between import BuildDifference, compare_refs
from fusionpipe.build.difference import ALL_PARTS, Part, Scope
from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.compare import NO_LIMITS, Looks
from fusionpipe.errors import UsageError
from fusionpipe.report.compared import REST, Form, View, render_results
from fusionpipe.report.compared_builds import render_builds
from fusionpipe.report.diff import Depth
from fusionpipe.report.diff_json import render_json
from fusionpipe.settings import ambient, wants_colour

_NO_END = 1 << 60
_CODE = Looks()
_DATA = Looks(files=30, lines=40, examples=5)
_STAT = Looks(files=1000, lines=0, examples=0)

_Ref = "a node, node@{1}, a pin, a hash, or a build's id"


def diff(
    old: Annotated[
        str,
        typer.Argument(metavar="A", help=f"The earlier: {_Ref}.", autocompletion=complete_node),
    ],
    new: Annotated[
        str, typer.Argument(metavar="B", help="The later, likewise.", autocompletion=complete_node)
    ],
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH…",
            help="Only these files: code/main.py, data/x.csv, or x.csv of the data.",
        ),
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Only data and reports.")] = False,
    code: Annotated[bool, typer.Option("--code", help="Only code and libs.")] = False,
    params: Annotated[bool, typer.Option("--params", help="Only parameters.")] = False,
    stat: Annotated[bool, typer.Option("--stat", help="A line for each file.")] = False,
    name_only: Annotated[bool, typer.Option("--name-only", help="Only names of files.")] = False,
    full: Annotated[bool, typer.Option("--full", help="All of it, however much it is.")] = False,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key", metavar="COL", help="The column that names a table's rows. Repeatable."
        ),
    ] = None,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Compare two results: parameters, code, parents, environment, and data file by file.

    Text is compared by line, CSV and TSV by rows and columns, JSON by path, the rest by size and digest. Two
    builds are compared node by node.

    Exit code 0 if they are equal, 1 if they differ; 2 if one is not known.

    Example: fp diff train@{1} train metrics.csv
    """
    if stat and name_only:
        raise UsageError("--stat and --name-only cannot be given together")
    form = Form.STAT if stat else Form.NAMES if name_only else Form.FULL
    parts = _parts(data=data, code=code, params=params)
    looks = _looks(form, full=full)
    scope = Scope(
        parts,
        paths or (),
        data=None if looks is None else looks[1]._replace(key=tuple(key or ())),
        code=None if looks is None else looks[0],
    )
    with opened_archive(directory) as (archive, here):
        difference = compare_refs(archive, (old, new), here, scope)
    if json:
        render_json(difference, out=sys.stdout)
    else:
        depth = Depth(_NO_END if full else _DATA.files, rest=REST)
        view = View(form, time.time(), depth, parts, has_paths=bool(paths))
        colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
        if isinstance(difference, BuildDifference):
            render_builds(difference, view, out=sys.stdout, colour=colour)
        else:
            render_results(difference, view, out=sys.stdout, colour=colour)
    return 0 if difference.is_equal else 1


def _parts(*, data: bool, code: bool, params: bool) -> frozenset[Part]:
    asked = ((Part.DATA, data), (Part.CODE, code), (Part.PARAMS, params))
    return frozenset(part for part, is_asked in asked if is_asked) or ALL_PARTS


def _looks(form: Form, *, full: bool) -> tuple[Looks, Looks] | None:
    """How closely code and data are looked into; None for names alone."""
    match form:
        case Form.NAMES:
            return None
        case Form.STAT:
            return _STAT, _STAT
        case Form.FULL:
            return (NO_LIMITS, NO_LIMITS) if full else (_CODE, _DATA)
