"""The only place that reads the environment. Everybody else is told.

Precedence, as everywhere: command line > environment > .fusionpipe/local.toml > fusionpipe.toml.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

STORE = "FUSIONPIPE_STORE"
JOBS = "FUSIONPIPE_JOBS"


def ambient() -> Mapping[str, str]:
    """The caller's environment, as it is now."""
    return dict(os.environ)


def wants_colour(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to colour: on a terminal that can, unless NO_COLOR is set (to anything but "")."""
    if environment.get("NO_COLOR"):
        return False
    return is_terminal and environment.get("TERM") != "dumb"
