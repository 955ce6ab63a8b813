"""The usual words of `fp build`, understood without Typer, which costs ten times what a no-op does.

Only what cannot be misunderstood: anything else, and every mistake, is Typer's to read and to explain.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FLAGS = {
    "-k": "keep_going",
    "--keep-going": "keep_going",
    "-q": "quiet",
    "--quiet": "quiet",
    "-v": "verbose",
    "--verbose": "verbose",
    "--json": "json",
}
_JOBS = ("-j", "--jobs")


class Words:
    """What was said."""

    def __init__(self, flags: set[str], jobs: int | None) -> None:
        self.keep_going = "keep_going" in flags
        self.quiet = "quiet" in flags
        self.verbose = "verbose" in flags
        self.json = "json" in flags
        self.jobs = jobs


def parse(words: Sequence[str]) -> Words | None:
    """The words behind `fp build`; None if Typer has to read them."""
    flags: set[str] = set()
    jobs: int | None = None
    rest = iter(words)
    for word in rest:
        if word in _FLAGS:
            flags.add(_FLAGS[word])
            continue
        jobs = _number(word, rest)
        if jobs is None:
            return None
    return Words(flags, jobs)


def _number(word: str, rest: Iterator[str]) -> int | None:
    """What `-j 4`, `-j4`, `--jobs 4` or `--jobs=4` says."""
    if word in _JOBS:
        text = next(rest, "")
    elif word.startswith("--jobs="):
        text = word.removeprefix("--jobs=")
    else:
        text = word[2:] if word.startswith("-j") else ""
    is_number = text.isascii() and text.isdigit() and int(text) > 0
    return int(text) if is_number else None
