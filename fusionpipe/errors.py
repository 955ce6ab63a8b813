"""What can go wrong, by whose it is to mend: the user's files, the user's words, their code.

Facts are attributes; the sentence is made in `__str__`. The command line turns each family into an
exit code once (`exit_code`). Store errors live in `fusionstore.errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class FusionpipeError(Exception):
    """Any error that is told to the user in a sentence, without a traceback."""

    exit_code = 1


class Problem(NamedTuple):
    """One mistake in the user's project: where, what, and how to mend it.

    `file` is relative to the project root; `line` counts from 1, 0 where there is no line.
    """

    file: str
    line: int
    what: str
    mend: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.what}" + (f"\n  {self.mend}" if self.mend else "")


class ProjectInvalid(FusionpipeError):
    """The project's files say something that cannot be; every mistake found, at once."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(sorted(set(problems)))

    def __str__(self) -> str:
        count = len(self.problems)
        lines = "\n".join(str(problem) for problem in self.problems)
        return f"{lines}\n{count} problem{'s' if count != 1 else ''} in this project"


class UsageError(FusionpipeError):
    """The command was asked for something that is not there: an unknown node, a bad option value."""

    exit_code = 2

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what, mend)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return self.what + (f"\n  {self.mend}" if self.mend else "")
