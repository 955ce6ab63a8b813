"""What is said of a ref besides the result that it names."""

from __future__ import annotations

import sys

from fusionpipe.build.refs import Found


def tell_note(found: Found) -> None:
    """Says on standard error what else the ref could mean, or that it was taken in another way."""
    if found.note:
        sys.stderr.write(f"fp: {found.note}\n")
