"""`fp build --check-reproducible`: what was built, run once more each, and compared."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fusionpipe.build.ancestry import Step
from fusionpipe.build.archive import Archive, read
from fusionpipe.build.goal import Goal
from fusionpipe.build.replay import Present
from fusionpipe.build.reproduce import Reproducer
from fusionpipe.cli.do_reproduce import run_and_tell
from fusionpipe.cli.here import here_of
from fusionpipe.project import targets_of
from fusionstore.digest import RecordId

if TYPE_CHECKING:
    from fusionpipe.cli.do_build import BuildOptions


def check_reproducible(goal: Goal, options: BuildOptions, build: str, jobs: int) -> int:
    """Runs the linked results of the targets, and of what the build ran, again; 0 if all are identical.

    Sources run nothing, and of a node that is not cached nobody expects equal bytes.
    """
    session = goal.session
    below = os.path.relpath(here_of(options.directory), session.root)
    here = "" if below == "." else below
    named = set(targets_of(session.graph, options.targets, here=here) or session.graph.nodes)
    settings = session.graph.settings
    archive = Archive(session.root, session.ambient, settings, session.store, session.state)
    present = Present(archive, session.graph.nodes, session.disk, session.toolbox)
    nodes = (session.graph.nodes[name] for name in goal.nodes)
    steps: dict[RecordId, Step] = {}  # equal nodes have one result
    for node in nodes:
        full = read(archive, session.state.record(node.name))
        if full is None or node.source is not None or not node.is_cached:
            continue
        if node.name in named or full.body.get("build") == build:
            steps[full.record.id] = Step(full)
    reproducer = Reproducer(present, by="fp build --check-reproducible")
    return run_and_tell(
        reproducer, tuple(steps.values()), jobs, as_json=options.json, quiet=options.quiet
    )
