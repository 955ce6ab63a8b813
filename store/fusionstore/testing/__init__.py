"""Tools for tests of stores and of what uses one. The conformance suite itself is `fusionstore.testing.suite`.

It is not imported here: it needs pytest, and a child that a test starts does not.
"""

from fusionstore.testing.bundles import bundle_of, import_bundle
from fusionstore.testing.results import (
    LATER,
    anything,
    everything,
    key_of,
    publish,
    read_back,
    result_of,
    write_tree,
)

__all__ = [
    "LATER",
    "anything",
    "bundle_of",
    "everything",
    "import_bundle",
    "key_of",
    "publish",
    "read_back",
    "result_of",
    "write_tree",
]
