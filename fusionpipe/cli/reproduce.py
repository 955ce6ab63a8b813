"""`fp reproduce REF`: the recorded action run again, and compared."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fusionpipe.build.ancestry import Step, ancestry
from fusionpipe.build.refs import maker, resolve
from fusionpipe.build.replay import Present
from fusionpipe.build.reproduce import Interrupted, Reproducer
from fusionpipe.build.run import default_jobs
from fusionpipe.cli.complete import complete_node
from fusionpipe.cli.main import INTERRUPTED
from fusionpipe.cli.options import Directory, Json
from fusionpipe.cli.place import opened_archive
from fusionpipe.report.reproduce import ReproduceReport, reproduced_json
from fusionpipe.report.words import duration
from fusionpipe.settings import ambient, wants_colour
from fusionstore.contract import FullRecord

_FEW = 40
"""Results up to which each is told; of more, those that are identical are only counted."""


def reproduce(
    ref: Annotated[
        str,
        typer.Argument(
            help="The result: a node, or the hash of a key, record or tree.",
            autocompletion=complete_node,
        ),
    ],
    deep: Annotated[
        bool, typer.Option("--deep", help="Run all its ancestors again first, from the sources.")
    ] = False,
    any_tool: Annotated[
        bool, typer.Option("--any-tool", help="Run it by another version of its tool, if need be.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, help="Runs at once. Default: the cores.")
    ] = None,
    json: Json = False,
    directory: Directory = None,
) -> int:
    """Run what made a result again, from its record alone, and tell whether it gives the same bytes.

    Code, parameters, inputs and parents' data come from the store; only sources must still be in the project.
    Nothing in the project is touched. The verdict is kept with the result.

    Exit code 0 if it is identical; 1 if it differs, failed, or could not be run; 2 if there is no such result.

    Example: fp reproduce prep/clean --deep
    """
    with opened_archive(directory) as (archive, here):
        full = resolve(archive, ref, here).full
        present = Present.of(archive)
        steps = ancestry(archive, full, present.is_source) if deep else [Step(full)]
        reproducer = Reproducer(present, by="fp reproduce", any_tool=any_tool)
        count = jobs or archive.settings.jobs or default_jobs()
        return run_and_tell(reproducer, steps, count, as_json=json)


def run_and_tell(
    reproducer: Reproducer, steps: list[Step], jobs: int, *, as_json: bool, quiet: bool = False
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
