"""Real processes: how they start, end, are stopped, and what they leave behind."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fusionpipe.model import NodeName
from fusionpipe.runner import (
    Exited,
    Layout,
    Placed,
    ProcessRunner,
    Run,
    RunDirectories,
    base_environment,
    kill_marked,
)

Finish = Callable[[Run], Exited]
MakeRun = Callable[..., Run]
PLENTY = 60.0


class Puppet:
    """A script that says when it is there and does the next thing when the test says so."""

    def __init__(self, directory: Path, name: str) -> None:
        self.here = directory / f"{name}.here"
        self.go = directory / f"{name}.go"
        os.mkfifo(self.here)
        os.mkfifo(self.go)

    @property
    def script(self) -> str:
        return f"echo here > '{self.here}'; read word < '{self.go}'\n"

    def await_it(self) -> None:
        self.here.read_text()

    def let_go(self) -> None:
        self.go.write_text("go\n")


@pytest.fixture
def puppet(tmp_path: Path) -> Callable[[str], Puppet]:
    return lambda name="puppet": Puppet(tmp_path, name)


@pytest.fixture(params=["pidfd", "thread"])
def any_runner(request: pytest.FixtureRequest, rundirs: RunDirectories) -> Iterator[ProcessRunner]:
    """A runner with either way of noticing that a process ended."""
    made = ProcessRunner(rundirs, grace=0.2, pidfds=request.param == "pidfd")
    yield made
    made.close()


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def pid_in(text: str) -> int:
    return int(text.rpartition("(")[2].rstrip(")"))


# -- starting -----------------------------------------------------------------------------------


def test_a_run_works_in_code_and_finds_its_places(sh: MakeRun, finish: Finish) -> None:
    exited = finish(sh('pwd > ../data/where; echo "$FP_SEED" > "$FP_REPORTS/seed"', seed=7))
    assert exited.code == 0
    assert (exited.rundir.data / "where").read_text() == f"{exited.rundir.code}\n"
    assert (exited.rundir.reports / "seed").read_text() == "7\n"


def test_a_run_has_no_input_its_own_session_and_umask_022(python: MakeRun, finish: Finish) -> None:
    text = "import os, sys\nprint(os.getsid(0) == os.getpid(), repr(sys.stdin.read()), os.umask(0))"
    exited = finish(python(text))
    assert f"True '' {0o022}" in exited.rundir.log.read_text().splitlines()


def test_paths_with_spaces_and_umlauts_work(tmp_path: Path, sh: MakeRun) -> None:
    scratch = tmp_path / "mein Verzeichnis ü"
    scratch.mkdir()
    runner = ProcessRunner(RunDirectories(scratch))
    runner.start(sh('cp "$0" "$FP_DATA/größe 1.txt"'))
    (exited,) = runner.wait(PLENTY)
    assert exited.code == 0
    assert (exited.rundir.data / "größe 1.txt").exists()
    runner.close()


def test_extra_variables_know_the_run_directory_and_join_the_libs(
    python: MakeRun, finish: Finish, tmp_path: Path
) -> None:
    run = python("import os\nprint(os.environ['PYTHONPATH'], os.environ['SEEN'])")
    layout = Layout(code=run.layout.code, libs={"ours": tmp_path})
    extra = {"PYTHONPATH": "/nodeside", "SEEN": "{run}/.observed"}
    environment = {**run.environment, "PYTHONPATH": "/mine"}
    made = Run(run.node, run.argv, environment, layout, run.shown, extra=extra)
    exited = finish(made)
    root = exited.rundir.path
    assert f"{root}/libs:/nodeside:/mine {root}/.observed" in exited.rundir.log.read_text()


@pytest.mark.parametrize(
    ("argv", "text", "mode", "code", "why"),
    [
        (("no-such-command",), "", 0o555, 127, "cannot start no-such-command: command not found"),
        (("./gone",), "", 0o555, 127, "cannot start ./gone: command not found"),
        (
            ("./main",),
            "#!/no/such/sh\n",
            0o555,
            127,
            "its first line names /no/such/sh, which is not",
        ),
        (("./main",), "echo\n", 0o555, 126, "begin it with a line like #!/bin/sh"),
        (("./main",), "#!/bin/sh\n", 0o444, 126, "it is not executable (chmod +x)"),
        (("sh", "a\0b"), "", 0o444, 126, "null byte"),
    ],
)
def test_what_cannot_be_started_is_over_with_a_reason(
    argv: tuple[str, ...],
    text: str,
    mode: int,
    code: int,
    why: str,
    placed: Callable[..., Placed],
    finish: Finish,
) -> None:
    layout = Layout(code=(placed("main", text, mode=mode),))
    environment = base_environment(os.environ)
    exited = finish(Run(NodeName("n"), argv, environment, layout, "shown"))
    assert (code, None) == (exited.code, exited.signal)
    assert why in exited.rundir.log.read_text()
    assert f"# exit {code} after" in exited.rundir.log.read_text()


def test_a_layout_that_cannot_be_is_an_error_and_the_next_run_is_fine(
    runner: ProcessRunner, sh: MakeRun, tmp_path: Path
) -> None:
    bad = Layout(code=(Placed("main", tmp_path / "no such object"),))
    with pytest.raises(FileNotFoundError):
        runner.start(Run(NodeName("n"), ("true",), {}, bad, "true"))
    runner.start(sh("ls"))
    (exited,) = runner.wait(PLENTY)
    assert exited.rundir.log.read_text().splitlines()[2:-1] == ["main.sh"]


# -- ending -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "number"), [("exit 3", 3, None), ("kill -15 $$", None, 15)]
)
def test_a_run_ends_with_its_code_or_signal(
    text: str, code: int | None, number: int | None, any_runner: ProcessRunner, sh: MakeRun
) -> None:
    any_runner.start(sh(text))
    (exited,) = any_runner.wait(PLENTY)
    assert (code, number) == (exited.code, exited.signal)
    assert not exited.is_stopped
    assert any_runner.running == []


def test_time_and_memory_are_measured(python: MakeRun, finish: Finish) -> None:
    exited = finish(python("x = b'x' * 150_000_000\nfor i in range(300_000): pass\n"))
    assert exited.peak_bytes > 150_000_000
    assert exited.cpu_seconds > 0
    assert exited.seconds > 0


def test_runs_end_in_the_order_in_which_they_are_let_go(
    any_runner: ProcessRunner, sh: MakeRun, puppet: Callable[[str], Puppet]
) -> None:
    puppets = [puppet(name) for name in "abc"]
    for name, one in zip("abc", puppets, strict=True):
        any_runner.start(sh(one.script, node=NodeName(name)))
        one.await_it()
    ended = []
    for one in reversed(puppets):
        one.let_go()
        ended += [exited.node for exited in any_runner.wait(PLENTY)]
    assert ended == ["c", "b", "a"]


def test_a_wait_ends_when_its_time_is_up(
    runner: ProcessRunner, sh: MakeRun, puppet: Callable[[str], Puppet]
) -> None:
    one = puppet("a")
    runner.start(sh(one.script))
    one.await_it()
    assert runner.wait(0) == []
    assert runner.wait(0.01) == []
    one.let_go()
    assert len(runner.wait(PLENTY)) == 1


def test_a_wait_with_nothing_running_ends_when_another_thread_wakes_it(
    any_runner: ProcessRunner,
) -> None:
    thread = threading.Thread(target=any_runner.wake)
    thread.start()
    assert any_runner.wait(None) == []
    thread.join()


def test_a_signal_wakes_a_wait(runner: ProcessRunner) -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    wakes = signal.set_wakeup_fd(runner.wake_fd)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert runner.wait(None) == []
    finally:
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGUSR1, before)


def test_a_run_that_removed_its_outputs_has_empty_ones(sh: MakeRun, finish: Finish) -> None:
    exited = finish(sh("rmdir ../data ../reports"))
    assert exited.rundir.data.is_dir()
    assert exited.rundir.reports.is_dir()


# -- what is left behind --------------------------------------------------------------------------
def test_what_ends_with_its_parent_is_not_left_behind(python: MakeRun, finish: Finish) -> None:
    watcher = "import multiprocessing.resource_tracker as tracker\ntracker.ensure_running()\n"
    exited = finish(python(watcher))
    assert ((), 0) == (exited.stragglers, exited.code)


DAEMON = """
import os, signal, time
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(write, b"up")
    while True:
        time.sleep(1000)
os.read(read, 2)
"""


def test_children_in_the_background_are_killed_and_named(sh: MakeRun, finish: Finish) -> None:
    exited = finish(sh("sleep 1000 & sleep 1000 & exit 0"))
    # (Killed before or after it became what it was to be.)
    assert {text.partition(" ")[0] for text in exited.stragglers} <= {"sh", "sleep"}
    assert len(exited.stragglers) == 2
    assert not any(is_alive(pid_in(text)) for text in exited.stragglers)
    assert f"# left behind: {', '.join(exited.stragglers)}: killed" in exited.rundir.log.read_text()


def test_a_daemon_in_a_session_of_its_own_is_killed_even_if_it_ignores_term(
    python: MakeRun, finish: Finish
) -> None:
    exited = finish(python(DAEMON))
    assert exited.code == 0
    (daemon,) = exited.stragglers
    assert not is_alive(pid_in(daemon))


def test_a_daemon_without_any_mark_of_its_run_is_killed_when_the_run_ends(
    sh: MakeRun, finish: Finish, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    # Its own session, an empty environment, no file or directory of the run: only its age tells.
    inner = f"cd /; exec >/dev/null 2>&1; echo up > '{gate}'; exec sleep 1000"
    exited = finish(sh(f"(setsid env -i /bin/sh -c \"{inner}\" &) ; read x < '{gate}'"))
    (daemon,) = exited.stragglers
    assert daemon.startswith("s")
    assert not is_alive(pid_in(daemon))


def test_the_daemon_of_a_run_that_goes_on_is_left_alone(
    runner: ProcessRunner, sh: MakeRun, puppet: Callable[[str], Puppet], tmp_path: Path
) -> None:
    one = puppet("a")
    note = tmp_path / "daemon"
    daemon = f'(setsid sh -c \'echo $$ > "{note}.new"; mv "{note}.new" "{note}"; {{}}\' &)'
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    text = daemon.format(f'echo up > "{gate}"; exec sleep 1000')
    runner.start(sh(f"{text}; read x < '{gate}'; {one.script}", node=NodeName("long")))
    one.await_it()
    pid = int(note.read_text())
    runner.start(sh("true", node=NodeName("short")))
    (short,) = runner.wait(PLENTY)
    assert ("short", ()) == (short.node, short.stragglers)
    assert is_alive(pid)
    one.let_go()
    (long,) = runner.wait(PLENTY)
    assert [pid] == [pid_in(text) for text in long.stragglers]
    assert not is_alive(pid)


def test_orphans_that_ended_by_themselves_are_reaped_and_not_told(
    sh: MakeRun, finish: Finish, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    exited = finish(sh(f"(setsid sh -c 'echo done > \"{gate}\"' &) ; read x < '{gate}'; exit 0"))
    assert exited.stragglers == () or "sh" in exited.stragglers[0]  # it may be caught dying
    finish(sh("true"))
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    states = [
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in children
    ]
    assert "Z" not in states


def test_children_of_our_own_session_are_none_of_its_business(sh: MakeRun, finish: Finish) -> None:
    with subprocess.Popen(["sleep", "60"]) as ours:  # not for ever: a failure here waits for it
        exited = finish(sh("true"))
        assert exited.stragglers == ()
        assert ours.poll() is None
        ours.kill()


def test_what_still_runs_of_a_dead_build_is_found_by_its_mark(tmp_path: Path) -> None:
    def sleeper(mark: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sleep", "1000"], env={"FP_RUN": mark, "PATH": os.environ["PATH"]})

    with sleeper("12-34-ab:7") as dead, sleeper("12-34-abc:7") as other:
        assert kill_marked("12-34-ab") == (f"sleep ({dead.pid})",)
        assert dead.wait(PLENTY) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()


# -- stopping -----------------------------------------------------------------------------------


def test_a_stopped_run_may_tidy_up(
    any_runner: ProcessRunner, sh: MakeRun, puppet: Callable[[str], Puppet]
) -> None:
    one = puppet("a")
    any_runner.start(sh(f"trap 'echo tidied; exit 5' TERM; {one.script}"))
    one.await_it()
    any_runner.stop(NodeName("prep/clean"))
    (exited,) = any_runner.wait(PLENTY)
    assert (5, True) == (exited.code, exited.is_stopped)
    assert "tidied\n" in exited.rundir.log.read_text()


def test_a_run_that_ignores_term_is_killed_after_the_grace_with_all_its_children(
    any_runner: ProcessRunner, python: MakeRun, puppet: Callable[[str], Puppet]
) -> None:
    one = puppet("a")
    text = f"""
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print(child.pid, flush=True)
open({str(one.here)!r}, "w").write("here")
while True:
    time.sleep(1000)
"""
    any_runner.start(python(text))
    one.await_it()
    any_runner.stop(NodeName("prep/clean"))
    (exited,) = any_runner.wait(PLENTY)
    assert (None, signal.SIGKILL, True) == (exited.code, exited.signal, exited.is_stopped)
    log = exited.rundir.log.read_text().splitlines()
    assert log[-1].startswith("# stopped by signal 9 (SIGKILL) after")
    assert not is_alive(int(log[2]))


def test_a_stop_at_once_does_not_wait_for_the_grace(
    rundirs: RunDirectories, sh: MakeRun, puppet: Callable[[str], Puppet]
) -> None:
    runner = ProcessRunner(rundirs, grace=3600)
    puppets = [puppet(name) for name in "ab"]
    for name, one in zip("ab", puppets, strict=True):
        runner.start(sh(f"trap '' TERM; {one.script}", node=NodeName(name)))
        one.await_it()
    runner.stop_all(now=False)
    assert runner.wait(0) == []
    runner.stop_all(now=True)
    ended: list[Exited] = []
    while len(ended) < 2:
        ended += runner.wait(PLENTY)
    assert {(exited.signal, exited.is_stopped) for exited in ended} == {(signal.SIGKILL, True)}
    runner.close()


def test_a_frozen_run_can_be_stopped(
    runner: ProcessRunner, sh: MakeRun, puppet: Callable[[str], Puppet]
) -> None:
    one = puppet("a")
    rundir = runner.start(sh(f"trap 'exit 4' TERM; echo $$; {one.script}"))
    one.await_it()
    os.kill(int(rundir.log.read_text().splitlines()[2]), signal.SIGSTOP)
    runner.stop_all()
    (exited,) = runner.wait(PLENTY)
    assert exited.code == 4


def test_closing_kills_what_runs(
    rundirs: RunDirectories, sh: MakeRun, puppet: Callable[[str], Puppet]
) -> None:
    runner = ProcessRunner(rundirs)
    one = puppet("a")
    rundir = runner.start(sh(f"echo $$; {one.script}"))
    one.await_it()
    runner.close()
    assert not is_alive(int(rundir.log.read_text().splitlines()[2]))


# -- secrets ------------------------------------------------------------------------------------


def test_a_secret_reaches_the_run_and_not_its_log(python: MakeRun, finish: Finish) -> None:
    text = """
import os, sys, hashlib
value = os.environ["TOKEN"]
open("../data/hash", "w").write(hashlib.sha256(value.encode()).hexdigest())
for part in (value[:5], value[5:]):
    sys.stdout.write(part)
    sys.stdout.flush()
print("\\nend", file=sys.stderr)
"""
    exited = finish(python(text, secrets={"TOKEN": "p4ssw0rd-and-more"}))
    assert exited.code == 0
    assert exited.rundir.log.read_text().splitlines()[2:-1] == ["***", "end"]
    wanted = hashlib.sha256(b"p4ssw0rd-and-more").hexdigest()
    assert (exited.rundir.data / "hash").read_text() == wanted


def test_much_masked_output_arrives_whole(python: MakeRun, finish: Finish) -> None:
    text = "import os\nfor n in range(20_000): print(n, os.environ['TOKEN'], 'x' * 100)"
    exited = finish(python(text, secrets={"TOKEN": "p4ssw0rd"}))
    lines = exited.rundir.log.read_text().splitlines()[2:-1]
    assert lines == [f"{n} *** {'x' * 100}" for n in range(20_000)]


def test_a_masked_run_that_closes_its_output_is_still_waited_for(
    sh: MakeRun, runner: ProcessRunner, puppet: Callable[[str], Puppet]
) -> None:
    one = puppet("a")
    runner.start(sh(f"echo first; exec >&- 2>&-; {one.script}", secrets={"TOKEN": "p4ssw0rd"}))
    one.await_it()
    assert runner.wait(0.05) == []
    one.let_go()
    (exited,) = runner.wait(PLENTY)
    assert "first\n# exit 0" in exited.rundir.log.read_text()


def test_a_straggler_with_the_masked_pipe_open_does_not_hold_it_up(
    sh: MakeRun, finish: Finish
) -> None:
    exited = finish(sh("sleep 1000 & echo first", secrets={"TOKEN": "p4ssw0rd"}))
    assert len(exited.stragglers) == 1
    assert "first\n# left behind: s" in exited.rundir.log.read_text()


# -- cost ---------------------------------------------------------------------------------------


def test_two_hundred_runs_in_two_slots_make_two_directories_and_delete_nothing(
    runner: ProcessRunner, rundirs: RunDirectories
) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    run = Run(NodeName("n"), ("/bin/true",), {}, Layout(), "true")
    waiting, done = 200, 0
    while done < 200:
        while waiting and len(runner.running) < 2:
            runner.start(run)
            waiting -= 1
        for exited in runner.wait(PLENTY):
            assert exited.code == 0
            rundirs.recycle(exited.rundir)
            done += 1
    assert {"0", "1", "trash"} == set(os.listdir(rundirs.scratch))
    trash = list((rundirs.scratch / "trash").iterdir())
    assert {"# fusionpipe: n"} == {log.read_text().partition(" started")[0] for log in trash}
    assert len(trash) == 200  # the logs, which nobody published
    # (The list of our children is opened at the first start and kept.)
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 1


def test_modes_of_outputs_do_not_depend_on_our_umask(rundirs: RunDirectories, sh: MakeRun) -> None:
    before = os.umask(0o077)
    try:
        runner = ProcessRunner(rundirs)
        runner.start(sh("echo > ../data/x; mkdir ../data/y"))
        (exited,) = runner.wait(PLENTY)
        runner.close()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((exited.rundir.data / name).stat().st_mode) for name in "xy"]
    assert modes == [0o644, 0o755]


def test_a_wake_that_comes_too_late_is_written_nowhere(
    rundirs: RunDirectories, tmp_path: Path
) -> None:
    """A descriptor that was closed is the next file's: a late thread must not write into that."""
    runner = ProcessRunner(rundirs)
    late = runner.wake_fd
    runner.close()
    files = [open(tmp_path / str(number), "w") for number in range(late + 1)]  # noqa: SIM115
    assert late in [file.fileno() for file in files]
    runner.wake()
    for file in files:
        file.close()
    assert {0} == {(tmp_path / str(number)).stat().st_size for number in range(late + 1)}
