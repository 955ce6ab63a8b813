"""`fp build`, without Typer: the no-op check first, then a real build, or a dry run."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fusionpipe import hot
from fusionpipe.cli.here import here_of
from fusionpipe.cli.no_op import build_if_fresh
from fusionpipe.settings import JOBS, ambient, wants_colour

if TYPE_CHECKING:
    from fusionpipe.build.goal import Goal
    from fusionpipe.report.choose import OpenReport


class BuildOptions(NamedTuple):
    """What `fp build` was told."""

    targets: Sequence[str] = ()
    dry_run: bool = False
    jobs: int | None = None
    keep_going: bool = False
    force: bool = False
    params: Sequence[str] = ()
    quiet: bool = False
    verbose: bool = False
    json: bool = False
    directory: str | None = None
    check_reproducible: bool = False


def do_build(options: BuildOptions, words: Sequence[str]) -> int:
    """Builds, and gives the exit code: 0, 1 if a node failed, 130 if interrupted."""
    here = here_of(options.directory)
    difference = None
    is_bare = not (
        options.targets
        or options.force
        or options.params
        or options.dry_run
        or options.check_reproducible
    )
    if is_bare and options.verbose:  # every node's outcome is to be told
        root = hot.root_above(str(here))
        difference = None if root is None else hot.compare(root, ambient())
    elif is_bare and not options.json:  # whose readers get every node's key: all is looked at
        found = build_if_fresh(str(here), words, is_quiet=options.quiet)
        if isinstance(found, int):
            return found
        difference = found
    return build_from(difference, options, words)


def build_from(
    difference: hot.Difference | None, options: BuildOptions, words: Sequence[str]
) -> int:
    """Builds, going on from the last build where what differs from it is known."""
    if difference is not None and difference.is_of_links:
        from fusionpipe.build.unlinked import Unlinked  # a tenth of what is imported below

        unlinked = Unlinked.of(difference)
        if unlinked is not None:
            with _report(options) as report:
                unlinked.link(["fp", *words], options.jobs or 1, report)
            return 0
    from fusionpipe.build.goal import go_on

    gc.disable()  # what is loaded now is needed to the end: looking for garbage in it is a waste
    try:
        goal = None if difference is None else go_on(difference, ambient())
        goal = goal or _begin(options)
    finally:
        gc.freeze()
        gc.enable()
    return _build(options, words, goal)


def _begin(options: BuildOptions) -> Goal:
    # slow to import, and a build that goes on from the last one reads nothing
    from fusionpipe.build.goal import begin
    from fusionpipe.project import find_root, parse_override

    here = here_of(options.directory)
    root = find_root(here)
    overrides = tuple(parse_override(text) for text in options.params)
    below = os.path.relpath(os.path.abspath(here), root)
    return begin(
        root,
        ambient(),
        options.targets,
        overrides,
        here="" if below == "." else below,
        is_forced=options.force,
    )


def _build(options: BuildOptions, words: Sequence[str], goal: Goal) -> int:
    # imported here: a build with nothing to do never gets this far
    from fusionpipe.build.run import default_jobs, run_build
    from fusionpipe.build.work import Wishes
    from fusionpipe.cli.main import INTERRUPTED

    env = ambient()
    try:
        if options.dry_run:
            from fusionpipe.cli.dry_run import tell_dry_run

            return tell_dry_run(*goal, as_json=options.json)
        told = options.jobs or _jobs_told(env.get(JOBS)) or goal.session.graph.settings.jobs
        wishes = Wishes(goal.nodes, goal.forced, told or default_jobs(), options.keep_going)
        with _report(options) as report:
            finished = run_build(goal.session, wishes, report, ["fp", *words])
        if options.check_reproducible and not (finished.is_interrupted or finished.failed):
            from fusionpipe.cli.check_reproducible import check_reproducible

            return check_reproducible(goal, options, finished.build, wishes.jobs)
    finally:
        goal.session.close()
    if finished.is_interrupted:
        return INTERRUPTED
    return 1 if finished.failed else 0


def _report(options: BuildOptions) -> OpenReport:
    from fusionpipe.report.choose import choose_report

    env = ambient()
    is_terminal = sys.stdout.isatty() and env.get("TERM") != "dumb"
    return choose_report(
        sys.stdout,
        is_terminal=is_terminal,
        json=options.json,
        quiet=options.quiet,
        verbose=options.verbose,
        colour=wants_colour(env, is_terminal=is_terminal),
    )


def _jobs_told(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
