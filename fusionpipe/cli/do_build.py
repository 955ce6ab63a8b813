"""`fp build`, without Typer: the no-op check first, then a real build, or a dry run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fusionpipe.cli.here import here_of
from fusionpipe.cli.no_op import build_if_fresh
from fusionpipe.settings import JOBS, ambient, wants_colour


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


def do_build(options: BuildOptions, words: Sequence[str]) -> int:
    """Builds, and gives the exit code: 0, 1 if a node failed, 130 if interrupted."""
    here = here_of(options.directory)
    asks_little = not (options.targets or options.force or options.params or options.dry_run)
    if asks_little and not (options.verbose or options.json):
        code = build_if_fresh(str(here), words, is_quiet=options.quiet)
        if code is not None:
            return code
    return _build(here, options, words)


def _build(here: Path, options: BuildOptions, words: Sequence[str]) -> int:
    # imported here: a build with nothing to do never gets this far
    from fusionpipe.build.run import default_jobs, forced_nodes, run_build
    from fusionpipe.build.session import Session
    from fusionpipe.build.work import Wishes
    from fusionpipe.cli.main import INTERRUPTED
    from fusionpipe.project import find_root, parse_override, select, targets_of
    from fusionpipe.report.choose import choose_report

    env = ambient()
    root = find_root(here)
    session = Session.open(root, env, tuple(parse_override(text) for text in options.params))
    try:
        below = os.path.relpath(os.path.abspath(here), root)
        place = "" if below == "." else below
        nodes = select(session.graph, options.targets, here=place)
        named = targets_of(session.graph, options.targets, here=place)
        forced = forced_nodes(session.graph, nodes, named) if options.force else frozenset()
        if options.dry_run:
            from fusionpipe.cli.dry_run import tell_dry_run

            return tell_dry_run(session, nodes, forced, as_json=options.json)
        wishes = Wishes(
            nodes,
            forced,
            options.jobs
            or _jobs_told(env.get(JOBS))
            or session.graph.settings.jobs
            or default_jobs(),
            options.keep_going,
        )
        is_terminal = sys.stdout.isatty() and env.get("TERM") != "dumb"
        with choose_report(
            sys.stdout,
            is_terminal=is_terminal,
            json=options.json,
            quiet=options.quiet,
            verbose=options.verbose,
            colour=wants_colour(env, is_terminal=is_terminal),
        ) as report:
            finished = run_build(session, wishes, report, ["fp", *words])
    finally:
        session.close()
    if finished.is_interrupted:
        return INTERRUPTED
    return 1 if finished.failed else 0


def _jobs_told(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
