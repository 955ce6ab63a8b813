"""Tools for tests of fusionpipe and of what is built on it. Never imported by the program itself."""

from fusionpipe.testing.disk import PlainDisk
from fusionpipe.testing.hall import PLENTY, Hall, until
from fusionpipe.testing.project import Project
from fusionpipe.testing.told import Built, Result, pinned

__all__ = ["PLENTY", "Built", "Hall", "PlainDisk", "Project", "Result", "pinned", "until"]
