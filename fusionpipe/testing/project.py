"""A project in a temporary directory, and `fp` at work in it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fusionpipe import hot
from fusionpipe.build.goal import Goal, begin, go_on, goal_of
from fusionpipe.build.run import run_build
from fusionpipe.build.session import Session
from fusionpipe.build.unlinked import Unlinked
from fusionpipe.build.work import Wishes
from fusionpipe.events import (
    Event,
)
from fusionpipe.project import parse_override
from fusionpipe.settings import ambient
from fusionpipe.testing.in_process import run_here
from fusionpipe.testing.told import Built, Result, pinned

_AS_USER = """
import contextlib, io, os, sys
from fusionpipe.cli.main import run_words
user, warm, place, *words = sys.argv[1:]
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    for warming in ("build -k --json", "build -k", "why bad", "build bda", "status"):
        run_words(["-C", warm, *warming.split()])
os.setgroups([])
os.setgid(int(user))
os.setuid(int(user))
os.chdir(place)
sys.exit(run_words(words))
"""


class Project:
    """A project in a temporary directory, driven by the real `fp` of this interpreter's environment."""

    def __init__(self, root: Path, environment: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.command = str(Path(sys.executable).with_name("fp"))
        drop = ("FUSIONPIPE_STORE", "FUSIONPIPE_JOBS", "NO_COLOR", "VIRTUAL_ENV", "CONDA_PREFIX")
        self.environment = {name: text for name, text in ambient().items() if name not in drop}
        self.environment |= {"LC_ALL": "C.UTF-8", "TERM": "xterm", "USER": "someone"}
        self.environment |= dict(environment or {})
        self.started: list[subprocess.Popen[str]] = []
        self.write("fusionpipe.toml", "")

    def write(self, path: str, text: str) -> Project:
        """A file below the root, with its directories."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return self

    def node(
        self,
        name: str,
        code: str = "",
        *,
        parents: Sequence[str] = (),
        toml: str = "",
        entry: str = "main.sh",
    ) -> Project:
        """A node: its code (else it writes its name), a node.toml when it has parents or more to say."""
        code = code or f"echo '{name}' > ../data/it.txt"
        self.write(f"{name}/code/{entry}", code + "\n")
        if parents:
            toml = f"parents = {json.dumps(list(parents))}\n{toml}"
        return self.write(f"{name}/node.toml", toml) if toml else self

    def fp(
        self,
        *words: str,
        at: str = "",
        environment: Mapping[str, str] | None = None,
        typed: str = "",
    ) -> Result:
        """Runs `fp` to its end, in the directory `at` below the root, with `typed` on its standard input."""
        ran = subprocess.run(
            [self.command, *words],
            cwd=self.root / at,
            env={**self.environment, **(environment or {})},
            input=typed,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=300,
        )
        return Result(ran.returncode, ran.stdout, ran.stderr)

    def shell(self, command: str, at: str = "") -> str:
        """What a person would see of a shell command; `fp` is on its PATH. A line tells a bad exit code."""
        ran = subprocess.run(
            ["sh", "-c", command],
            cwd=self.root / at,
            env={
                **self.environment,
                "PATH": f"{Path(self.command).parent}:{self.environment['PATH']}",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            encoding="utf-8",
            timeout=300,
        )
        return ran.stdout + (f"[exit code {ran.returncode}]\n" if ran.returncode else "")

    def replay(self, transcript: str, *, is_quick: bool = False) -> str:
        """Runs the `$ ` lines of a transcript one after the other; the transcript as it is now, `pinned`.

        Quick: `fp` commands in this process.
        """
        told = ""
        for line in transcript.splitlines():
            if line.startswith("$ "):
                command = line[2:]
                is_call = is_quick and command.startswith("fp ")
                seen = self._told_by(command) if is_call else self.shell(command)
                told += f"{line}\n{pinned(seen.replace(str(self.root.resolve()), '<root>'))}"
        return told

    def _told_by(self, command: str) -> str:
        result = self.call(*shlex.split(command)[1:])
        return result.out + result.err + (f"[exit code {result.code}]\n" if result.code else "")

    def call(
        self, *words: str, at: str = "", environment: Mapping[str, str] | None = None
    ) -> Result:
        """As `fp`, but in this process, ten times as fast: for what no process boundary can change."""
        told = {**self.environment, **(environment or {})}
        return run_here(words, self.root / at, told)

    def call_as(self, user: int, *words: str) -> Result:
        """As `fp`, for another user; needs the superuser. The project becomes that user's.

        The interpreter may lie where that user may not look, so everything is imported before: by a
        build of a project beside this one.
        """
        warm = Project(self.root.with_name(f"{self.root.name}.warm"))
        warm.node("good").node("bad", "exit 1").node("below", parents=["bad"])
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
        ran = subprocess.run(
            [sys.executable, "-c", _AS_USER, str(user), str(warm.root), str(self.root), *words],
            env=self.environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=300,
        )
        return Result(ran.returncode, ran.stdout, ran.stderr)

    def start(self, *words: str, at: str = "") -> subprocess.Popen[str]:
        """Starts `fp` with pipes, in a process group of its own; the caller waits for it."""
        process = subprocess.Popen(
            [self.command, *words],
            cwd=self.root / at,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            process_group=0,
        )
        self.started.append(process)
        return process

    def end_all(self) -> None:
        """Kills what was started and not waited for: a failed test leaves nothing running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def outcomes(self, *words: str) -> dict[str, str]:
        """What `fp build --json` with these words told of each node: its outcome."""
        events = self.call("build", "--json", *words).events
        ended = [event for event in events if event["event"] == "node_finished"]
        return {str(event["node"]): str(event["outcome"]) for event in ended}

    def data(self, node: str) -> dict[str, str]:
        """The files of a node's data/, by path, as text."""
        top = self.root / node / "data"
        return {
            str(path.relative_to(top)): path.read_text(encoding="utf-8")
            for path in sorted(top.rglob("*"))
            if path.is_file()
        }

    def session(
        self, params: Sequence[str] = (), *, step: Callable[[str], None] = lambda name: None
    ) -> Session:
        """The project opened in this process; the caller closes it. `step` sees each of publish.STEPS."""
        overrides = tuple(parse_override(text) for text in params)
        return Session.open(self.root, self.environment, overrides, step=step)

    def build(
        self,
        *targets: str,
        session: Session | None = None,
        jobs: int = 1,
        keeps_going: bool = False,
        force: bool = False,
        grace: float = 10.0,
        on_event: Callable[[Event], None] | None = None,
    ) -> Built:
        """Builds in this process, from its main thread: what a process boundary costs is spared."""
        events: list[Event] = []

        def report(event: Event) -> None:
            events.append(event)
            if on_event is not None:
                on_event(event)

        command = ["fp", "build", *targets]
        difference = None
        if session is None and not targets and not force:
            difference = hot.compare(str(self.root), self.environment)
        unlinked = None if difference is None else Unlinked.of(difference)
        if unlinked is not None:
            return Built(unlinked.link(command, jobs, report), events)
        goal = self._goal(targets, session, difference, is_forced=force)
        try:
            wishes = Wishes(goal.nodes, goal.forced, jobs, keeps_going, grace)
            return Built(run_build(goal.session, wishes, report, command), events)
        finally:
            goal.session.close()

    def _goal(
        self,
        targets: Sequence[str],
        session: Session | None,
        difference: hot.Difference | None,
        *,
        is_forced: bool,
    ) -> Goal:
        """As `fp build` finds it; all over again where the session is given."""
        if session is not None:
            return goal_of(session, targets, is_forced=is_forced)
        goal = None if difference is None else go_on(difference, self.environment)
        return goal or begin(self.root, self.environment, targets, is_forced=is_forced)
