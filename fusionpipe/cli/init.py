"""`fp init`: makes a directory a project."""

from __future__ import annotations

import sys
from pathlib import Path

from fusionpipe import scaffold
from fusionpipe.cli.here import here_of
from fusionpipe.cli.options import Directory
from fusionpipe.report.output import Output
from fusionstore.filesystem import network_kind


def init(directory: Directory = None) -> int:
    """Make this directory a project: fusionpipe.toml, and .fusionpipe/ in .gitignore.

    Exit code 0; 2 if it is one already.

    Example: fp init && fp new load && fp build
    """
    root = here_of(directory)
    network_store = None
    if network_kind(str(root)) is not None:
        network_store = Path.home() / ".cache" / "fusionpipe" / root.name
    out = Output(sys.stdout, colour=False)
    for file in scaffold.init(root, network_store=network_store):
        out.line(f"made {file}" if file != ".gitignore" else "added /.fusionpipe/ to .gitignore")
    out.line("next: fp new NAME, then fp build")
    return 0
