"""Reading a project: directories and TOML to a `Graph`, and words to its nodes."""

from fusionpipe.project.load import find_root, load, may_be_passed, names_in
from fusionpipe.project.order import topological
from fusionpipe.project.override import Override, parse_override
from fusionpipe.project.select import resolve_node, select, targets_of

__all__ = [
    "Override",
    "find_root",
    "load",
    "may_be_passed",
    "names_in",
    "parse_override",
    "resolve_node",
    "select",
    "targets_of",
    "topological",
]
