"""`fp graph`: who reads whom."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.options import Directory
from fusionpipe.cli.place import opened
from fusionpipe.cli.states import status_rows
from fusionpipe.project import resolve_node, topological
from fusionpipe.report.graph import render_graph
from fusionpipe.report.output import Output
from fusionpipe.settings import ambient, wants_colour


class Form(StrEnum):
    """What the graph is written as."""

    TREE = "tree"
    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"
    SVG = "svg"


def graph(
    node: Annotated[
        str | None,
        typer.Argument(
            help="Only what this node needs, and what needs it.", autocompletion=complete_node
        ),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.TREE,
    states: Annotated[
        bool, typer.Option("--states/--no-states", help="Colour nodes by how they stand.")
    ] = True,
    directory: Directory = None,
) -> int:
    """Show the graph: a tree here, or dot, mermaid, json, svg for elsewhere.

    Exit code 0; 2 if there is no such node.

    Example: fp graph --format svg > graph.svg
    """
    with opened(directory) as (session, here):
        focus = None if node is None else resolve_node(session.graph, node, here)
        rows = status_rows(session, topological(session.graph)) if states else []
        text = render_graph(
            session.graph,
            form=form.value,
            states={row.node: row.state.value for row in rows},
            focus=focus,
            colour=wants_colour(ambient(), is_terminal=sys.stdout.isatty()),
        )
    Output(sys.stdout, colour=False).write(text)
    return 0
