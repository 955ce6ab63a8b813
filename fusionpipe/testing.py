"""Tools for tests of fusionpipe and of what is built on it. Never imported by the program itself."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import select
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from fusionpipe import hot
from fusionpipe.build.goal import Goal, begin, go_on, goal_of
from fusionpipe.build.run import run_build
from fusionpipe.build.session import Session
from fusionpipe.build.work import Wishes
from fusionpipe.disk import FileKind, Listed
from fusionpipe.events import (
    BuildFinished,
    Event,
    NodeFinished,
    NodesKept,
    NodeStarted,
    Notice,
    Outcome,
)
from fusionpipe.project import parse_override
from fusionpipe.settings import ambient
from fusionstore.contract import JsonObject
from fusionstore.digest import Digest, digest_file

_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class PlainDisk:
    """A `Disk` straight from the file system: every question is a system call, nothing is remembered."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._top = f"{root}/"

    def _at(self, path: str) -> str:
        return path if path.startswith("/") else self._top + path

    def scan(self, directory: str) -> tuple[Listed, ...] | None:
        """The names in a directory, sorted."""
        try:
            with os.scandir(self._at(directory)) as entries:
                return tuple(
                    sorted((_listed(entry) for entry in entries), key=lambda one: one.name)
                )
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise

    def kind(self, path: str) -> FileKind | None:
        """What stands at a path, links followed."""
        try:
            return _kind(os.stat(self._at(path)).st_mode)
        except OSError:
            return None

    def is_executable(self, path: str) -> bool:
        """True if a file there has an executable bit."""
        try:
            return bool(os.stat(self._at(path)).st_mode & 0o111)
        except OSError:
            return False

    def read_link(self, path: str) -> str | None:
        """A symlink's text."""
        try:
            return os.readlink(self._at(path))
        except OSError:
            return None

    def real_path(self, path: str) -> str:
        """The path with every link resolved."""
        real, top = os.path.realpath(self._at(path)), os.path.realpath(self.root)
        if real == top:
            return ""
        return real.removeprefix(top + "/")

    def read(self, path: str) -> bytes | None:
        """A small file's bytes."""
        try:
            return _read(self._at(path))
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise

    def shebang(self, path: str) -> bytes | None:
        """A script's `#!` line."""
        data = self.read(path)
        if data is None or not data.startswith(b"#!"):
            return None if data is None else b""
        return data.split(b"\n", 1)[0]

    def digest(self, path: str) -> Digest:
        """The digest of a file's bytes."""
        return digest_file(self._at(path))

    def size(self, path: str) -> int:
        """A file's size in bytes."""
        return os.stat(self._at(path)).st_size

    def fingerprint(self, path: str) -> tuple[int, ...] | None:
        """What `stat` says of a path."""
        try:
            status = os.stat(self._at(path))
        except OSError:
            return None
        return (
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
            status.st_dev,
        )


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _listed(entry: os.DirEntry[str]) -> Listed:
    if entry.is_symlink():
        return Listed(entry.name, FileKind.SYMLINK)
    if entry.is_dir():
        return Listed(entry.name, FileKind.DIRECTORY)
    mode = entry.stat(follow_symlinks=False).st_mode
    return Listed(entry.name, _kind(mode), bool(mode & 0o111))


def _by_name(listed: Listed) -> str:
    return listed.name


def _kind(mode: int) -> FileKind:
    if stat.S_ISREG(mode):
        return FileKind.FILE
    return FileKind.DIRECTORY if stat.S_ISDIR(mode) else FileKind.OTHER


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


@dataclass(frozen=True, slots=True)
class Result:
    """What an `fp` command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def plain(self) -> str:
        """The output as it can be pinned: see `pinned`."""
        return pinned(self.out)

    @property
    def events(self) -> list[JsonObject]:
        """The output of a `--json` command, a line each."""
        return [json.loads(line) for line in self.out.splitlines()]


_VARYING = (
    (r"\b\d{8}-\d{6}-[0-9a-f]{4}\b", "<build>"),
    (r"\b\d{4}-\d\d-\d\dT?[ ]?\d\d:\d\d:\d\dZ?", "<date>"),
    (r"\bby \S+ on \S+,", "by <user> on <host>,"),
    (r"<date> on \S+", "<date> on <host>"),
    (r"\S*/python[\d.]*\b", "<python>"),
    (r"\b[0-9a-f]{64}\b", "<hash>"),
    (r"\b[0-9a-f]{12}\b", "<hash>"),
    (r"[+-]?\b\d[\d.]* (B|kB|MB|GB|TB)\b", "<size>"),
    (r"\b\d[\d.]* (ms|s)\b", "<time>"),
)


def pinned(text: str) -> str:
    """Text with what differs from run to run replaced: times, dates, hashes, sizes, build ids.

    How full this machine's disk is is left out.
    """
    text = re.sub(r"^warning: \d+ % of the store's disk is free.*\n", "", text, flags=re.MULTILINE)
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return text


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


@dataclass(frozen=True, slots=True)
class Built:
    """What a build in this process told."""

    finished: BuildFinished
    events: Sequence[Event]

    @property
    def nodes(self) -> dict[str, NodeFinished]:
        """How each node ended; the last word where there were several."""
        nodes: dict[str, NodeFinished] = {}
        for event in self.events:
            if isinstance(event, NodeFinished):
                nodes[event.node] = event
            elif isinstance(event, NodesKept):
                kept = (NodeFinished(name, Outcome.KEPT, "unchanged") for name in event.nodes)
                nodes |= {one.node: one for one in kept}
        return nodes

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Each node's outcome."""
        return {name: event.outcome for name, event in self.nodes.items()}

    @property
    def started(self) -> list[str]:
        """The nodes whose code was started, in order, each as often as it was."""
        return [event.node for event in self.events if isinstance(event, NodeStarted)]

    def named(self, outcome: Outcome) -> set[str]:
        """The nodes that ended so."""
        return {name for name, one in self.outcomes.items() if one is outcome}

    @property
    def notices(self) -> str:
        """What was told besides, a line each."""
        return "\n".join(event.text for event in self.events if isinstance(event, Notice))


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@contextmanager
def _in_place(directory: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """This process in another directory and environment, for a while."""
    place, before = Path.cwd(), ambient()
    os.chdir(directory)
    _set_environment(environment)
    try:
        yield
    finally:
        _set_environment(before)
        os.chdir(place)


def _set_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()  # noqa: TID251  # a test tool: nothing of the program sets it
    os.environ.update(environment)  # noqa: TID251


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
        from fusionpipe.cli.main import run_words  # nothing else here needs the command line

        told = {**self.environment, **(environment or {})}
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with _in_place(self.root / at, told), redirect_stdout(out), redirect_stderr(err):
            try:
                code = run_words(list(words))
            except SystemExit as exit:  # as completion ends
                code = int(exit.code or 0)
        return Result(code, _written(out), _written(err))

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
        goal = self._goal(targets, session, is_forced=force)
        events: list[Event] = []

        def report(event: Event) -> None:
            events.append(event)
            if on_event is not None:
                on_event(event)

        try:
            wishes = Wishes(goal.nodes, goal.forced, jobs, keeps_going, grace)
            command = ["fp", "build", *targets]
            return Built(run_build(goal.session, wishes, report, command), events)
        finally:
            goal.session.close()

    def _goal(self, targets: Sequence[str], session: Session | None, *, is_forced: bool) -> Goal:
        """As `fp build` finds it; all over again where the session is given."""
        if session is not None:
            return goal_of(session, targets, is_forced=is_forced)
        difference = None
        if not targets and not is_forced:
            difference = hot.compare(str(self.root), self.environment)
        goal = None if difference is None else go_on(difference, self.environment)
        return goal or begin(self.root, self.environment, targets, is_forced=is_forced)
