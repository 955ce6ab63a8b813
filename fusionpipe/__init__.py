"""fusionpipe: what a node's code may import. Only re-exports; it must load in a few milliseconds."""

from fusionpipe.node import (
    NodeSideError,
    data,
    input,
    inputs,
    node,
    params,
    parent,
    parents,
    reports,
    seed,
)

__all__ = [
    "NodeSideError",
    "data",
    "input",
    "inputs",
    "node",
    "params",
    "parent",
    "parents",
    "reports",
    "seed",
]
