"""A bare `fp build` with nothing to do: compared, noted, told. It imports next to nothing."""

from __future__ import annotations

import sys
import time

from fusionpipe import hot
from fusionpipe.settings import ambient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def build_if_fresh(
    here: str, words: Sequence[str], *, is_quiet: bool = False
) -> int | hot.Difference | None:
    """0 when nothing has changed, after saying so; else what has, None where that cannot be told."""
    began = time.monotonic()
    started_ns = time.time_ns()
    root = hot.root_above(here)
    found = None if root is None else hot.compare(root, ambient(), is_here=root == here)
    if root is None or found is None or not found.is_empty:
        return found
    from fusionpipe.circumstances import circumstances
    from fusionpipe.journal import append_build, new_id

    seconds = time.monotonic() - began
    counts = {"ran": 0, "kept": found.count, "restored": 0, "failed": 0, "skipped": 0}
    about = circumstances(root)
    append_build(root, new_id(started_ns), started_ns, seconds, ["fp", *words], counts, about)
    if not is_quiet:
        from fusionpipe.report.no_op import nothing_to_do

        sys.stdout.write(nothing_to_do(found.count, seconds) + "\n")
    return 0
