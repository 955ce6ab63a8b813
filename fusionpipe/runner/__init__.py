"""Runs nodes: lays out run directories, starts and reaps processes, writes logs."""

from fusionpipe.runner.environment import base_environment, place_environment, withheld
from fusionpipe.runner.family import kill_marked
from fusionpipe.runner.hint import hint
from fusionpipe.runner.kept import keep
from fusionpipe.runner.layout import Layout, Placed
from fusionpipe.runner.log import tail, user_paths
from fusionpipe.runner.process import ProcessRunner
from fusionpipe.runner.run import Exited, Run
from fusionpipe.runner.rundir import RunDirectories, RunDirectory

__all__ = [
    "Exited",
    "Layout",
    "Placed",
    "ProcessRunner",
    "Run",
    "RunDirectories",
    "RunDirectory",
    "base_environment",
    "hint",
    "keep",
    "kill_marked",
    "place_environment",
    "tail",
    "user_paths",
    "withheld",
]
