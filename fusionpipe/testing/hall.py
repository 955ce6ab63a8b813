"""Where a test meets the code of its nodes."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

PLENTY = 60.0
"""Seconds to wait for what has to come; nothing that goes well waits that long."""


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Returns as soon as the condition holds; fails, saying what was waited for, when it does not.

    The one place that polls: for what no fifo and no process exit can tell.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.01)


class Hall:
    """Where the code of nodes meets a test: it notes that it ran, and waits on named pipes.

    `environment` is for the project; a node reaches the place by `toml`, and says `note`, `meet`.
    """

    toml = 'pass = ["HALL"]\n'

    def __init__(self, place: Path) -> None:
        self.place = place
        self.environment = {"HALL": str(place)}
        place.mkdir()

    def note(self, name: str) -> str:
        """A shell line that notes a run under a name."""
        return f'echo "{name}" >> "$HALL/runs"\n'

    def meet(self, name: str = "it") -> str:
        """Shell lines that tell the test that they were reached, and wait for its word."""
        for kind in ("here", "go"):
            if not (self.place / f"{name}.{kind}").exists():
                os.mkfifo(self.place / f"{name}.{kind}")
        return f'echo here > "$HALL/{name}.here"\nread -r word < "$HALL/{name}.go"\n'

    def runs(self) -> list[str]:
        """What was noted, sorted."""
        noted = self.place / "runs"
        return sorted(noted.read_text().split()) if noted.exists() else []

    def await_it(self, name: str = "it") -> None:
        """Returns when the code has come to its `meet`."""
        fd = os.open(self.place / f"{name}.here", os.O_RDWR)  # so that opening does not block
        try:
            ready, _, _ = select.select([fd], [], [], PLENTY)
            assert ready, f"waited {PLENTY} s in vain for {name}"
            os.read(fd, 100)
        finally:
            os.close(fd)

    def let_go(self, name: str = "it") -> None:
        """Lets the code go on."""
        fds: list[int] = []

        def is_read() -> bool:
            try:
                fds.append(os.open(self.place / f"{name}.go", os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                return False
            return True

        until(is_read, f"{name} to wait for a word", PLENTY)
        os.write(fds[0], b"go\n")
        os.close(fds[0])
