"""The line of a build that had nothing to do. It imports next to nothing: it is most of what such a build costs."""

from __future__ import annotations

from fusionpipe.report.words import counted, duration


def nothing_to_do(nodes: int, seconds: float) -> str:
    """`nothing to do: 1,000 nodes up to date in 12 ms`."""
    return f"nothing to do: {counted(nodes, 'node')} up to date in {duration(seconds)}"
