"""`fp destroy`: takes what fusionpipe made out of a project, and nothing else."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from fusionpipe.build.run import generated_names
from fusionpipe.build.session import store_path
from fusionpipe.build.state import DIRECTORY
from fusionpipe.cli.options import Directory
from fusionpipe.cli.place import opened
from fusionpipe.errors import UsageError
from fusionpipe.gitexclude import forget_excludes
from fusionpipe.gitignore import is_generated
from fusionpipe.project.rootfile import LOCAL_FILE
from fusionpipe.report.output import Output
from fusionpipe.report.words import counted, size
from fusionpipe.settings import ambient


def destroy(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    directory: Directory = None,
) -> int:
    """Remove what fusionpipe made: generated links, logs, .fusionpipe/ and with it the project's store.

    Your code, sources and settings stay, and so does a store that lies elsewhere. Results in a store inside
    the project are gone afterwards.

    Exit code 0; 2 when it is not confirmed.

    Example: fp destroy --yes
    """
    with opened(directory) as (session, _):
        root = session.root
        nodes = {name: generated_names(node) for name, node in session.graph.nodes.items()}
        store = store_path(root, session.graph.settings, ambient())
        kept = [one.name for one in session.store.roots() if one.name.startswith("kept-")]
        used = session.store.usage().stored
    is_inside = store.is_relative_to(root / DIRECTORY)
    out = Output(sys.stdout, colour=False)
    out.line(f"removes the links of {counted(len(nodes), 'node')} and {root / DIRECTORY}")
    if is_inside:
        out.line(f"with the store in it: {size(used)} of results")
        if kept:
            out.line(
                f"and {counted(len(kept), 'result')} of yours that a build or `fp run` moved there"
            )
    if not yes and not _confirmed():
        is_asked = sys.stdin.isatty()
        mend = "answer y, or say --yes" if is_asked else "there is no terminal to ask on: say --yes"
        raise UsageError("nothing was removed", mend)
    for name, generated in nodes.items():
        _unlink_generated(root / name, generated)
    forget_excludes(root)
    _empty_private(root / DIRECTORY)
    out.line("done: fusionpipe.toml, code and sources are as they were")
    return 0


def _empty_private(private: Path) -> None:
    """Removes what we keep there; the user's own settings stay, and a link to where it lies."""
    for path in list(private.iterdir()):
        if f"{DIRECTORY}/{path.name}" == LOCAL_FILE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not private.is_symlink() and not any(private.iterdir()):
        private.rmdir()


def _confirmed() -> bool:
    return sys.stdin.isatty() and typer.confirm("Go on?", default=False)


def _unlink_generated(node: Path, generated: frozenset[str]) -> None:
    """Removes generated links and files of one node; real directories and foreign files stay."""
    for name in generated:
        path = node / name
        if path.is_symlink():
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()  # what `fp run` left
    for name in generated.intersection(("parents", "inputs", "libs")):
        _drop_links(node / name)
    params = node / "params.json"
    if "params.json" in generated and params.is_file():
        params.unlink()
    ignore = node / ".gitignore"
    if is_generated(str(ignore)):
        ignore.unlink()


def _drop_links(directory: Path) -> None:
    if directory.is_symlink() or not directory.is_dir():
        return
    for place, _, _ in os.walk(directory, topdown=False):
        for entry in list(os.scandir(place)):
            if entry.is_symlink():
                os.unlink(entry.path)
        if not os.listdir(place):
            os.rmdir(place)
