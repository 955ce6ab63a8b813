"""What came of running results again, told as it comes: for `fp reproduce` and `fp build --check-reproducible`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fusionpipe.build.ancestry import Step, ancestry
from fusionpipe.build.archive import maker
from fusionpipe.build.refs import resolve
from fusionpipe.build.replay import Present
from fusionpipe.build.reproduce import Interrupted, Reproducer
from fusionpipe.build.run import default_jobs
from fusionpipe.cli.found import tell_note
from fusionpipe.cli.main import INTERRUPTED
from fusionpipe.cli.place import opened_archive
from fusionpipe.report.reproduce import ReproduceReport, reproduced_json
from fusionpipe.report.words import duration
from fusionpipe.settings import ambient, wants_colour
from fusionstore.contract import FullRecord

_FEW = 40
"""Results up to which each is told; of more, those that are identical are only counted."""


def do_reproduce(
    ref: str,
    jobs: int | None,
    directory: str | None,
    *,
    is_deep: bool,
    any_tool: bool,
    as_json: bool,
) -> int:
    """Runs what made a result again; the exit code."""
    with opened_archive(directory) as (archive, here):
        found = resolve(archive, ref, here)
        tell_note(found)
        full = found.full
        present = Present.of(archive)
        steps = ancestry(archive, full, present.is_source) if is_deep else [Step(full)]
        archive.store.hold([step.full.record.id for step in steps])
        reproducer = Reproducer(present, by="fp reproduce", any_tool=any_tool)
        count = jobs or archive.settings.jobs or default_jobs()
        return run_and_tell(reproducer, steps, count, as_json=as_json)


def run_and_tell(
    reproducer: Reproducer, steps: Sequence[Step], jobs: int, *, as_json: bool, quiet: bool = False
) -> int:
    """Runs and reports; 0 if all are identical, 1 if not, 130 if interrupted."""
    colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
    report = ReproduceReport(sys.stdout, colour=colour, quiet=quiet, brief=len(steps) > _FEW)
    is_watched = sys.stderr.isatty() and not (as_json or quiet)
    is_identical = True
    try:
        for one in reproducer.run(steps, jobs, _tell_start if is_watched else _say_nothing):
            is_identical = is_identical and one.is_identical
            if as_json:
                sys.stdout.write(f"{reproduced_json(one)}\n")
            else:
                report.tell(one)
    except Interrupted:
        return INTERRUPTED
    if not as_json:
        report.sum_up()
    return 0 if is_identical else 1


def _tell_start(full: FullRecord) -> None:
    took = duration(full.record.seconds)
    sys.stderr.write(f"fp: running {maker(full)} again (it took {took} then)\n")


def _say_nothing(full: FullRecord) -> None:
    """Who does not watch is told the outcome only."""
