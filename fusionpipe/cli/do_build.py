"""`fp build`, without Typer: the no-op check first, then a real build, or a dry run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fusionpipe import hot
from fusionpipe.cli.here import here_of
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
    began = time.monotonic()
    here = here_of(options.directory)
    environment = ambient()
    root = _root_above(here)
    if root is not None and not (
        options.targets or options.force or options.params or options.dry_run
    ):
        fresh = hot.check(root, environment)
        if fresh is not None:
            return _nothing_to_do(root, fresh, options, words, time.monotonic() - began)
    return _build(here, options, environment, words)


def _root_above(here: Path) -> Path | None:
    """The project's root without a word if there is none: the full path says what is wrong."""
    place = os.path.abspath(here)
    while not os.path.exists(f"{place}/fusionpipe.toml"):
        if place == "/":
            return None
        place = os.path.dirname(place)
    return Path(place)


def _nothing_to_do(
    root: Path, fresh: hot.Fresh, options: BuildOptions, words: Sequence[str], seconds: float
) -> int:
    from fusionpipe.build.journal import note_no_op
    from fusionpipe.events import BuildFinished, BuildStarted
    from fusionpipe.report.choose import choose_report

    id = note_no_op(root, fresh.nodes, seconds, ["fp", *words])
    with choose_report(
        sys.stdout,
        is_terminal=False,
        json=options.json,
        quiet=options.quiet,
        verbose=options.verbose,
        colour=wants_colour(ambient(), is_terminal=sys.stdout.isatty()),
    ) as report:
        report(BuildStarted(id, fresh.nodes, 0, time.time() - seconds))
        report(BuildFinished(id, 0, fresh.nodes, 0, 0, 0, seconds, fresh.saved))
    return 0


def _build(here: Path, options: BuildOptions, env: Mapping[str, str], words: Sequence[str]) -> int:
    from fusionpipe.build.run import default_jobs, forced_nodes, run_build
    from fusionpipe.build.session import Session
    from fusionpipe.build.work import Wishes
    from fusionpipe.cli.main import INTERRUPTED
    from fusionpipe.project import find_root, parse_override, select, targets_of
    from fusionpipe.report.choose import choose_report

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
