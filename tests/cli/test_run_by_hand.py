"""`fp run`: a node on the user's own terminal, with the surroundings of a build, and nothing of theirs lost."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time

import pytest

from fusionpipe.testing import Project, pinned


class Terminal:
    """A command on a terminal of its own. `read_until` waits for text, `type` is the keyboard."""

    def __init__(self, project: Project, *words: str, columns: int = 80) -> None:
        self.seen = ""
        self._fd, theirs = pty.openpty()
        os.set_blocking(self._fd, False)
        self.process = subprocess.Popen(
            [project.command, *words],
            cwd=project.root,
            env={**project.environment, "COLUMNS": str(columns)},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def type(self, line: str) -> None:
        os.write(self._fd, line.encode() + b"\n")

    def read_until(self, text: str, seconds: float = 60) -> str:
        """Everything seen so far, which has the text in it."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert self._read(end - time.monotonic()), f"no {text!r} in:\n{self.seen}"
        return self.seen

    def finish(self) -> int:
        """Its exit code, when it has written its last."""
        while self._read(60):
            pass
        code = self.process.wait(60)
        os.close(self._fd)
        return code

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(0, seconds))
        try:
            told = os.read(self._fd, 1 << 16) if ready else b""
        except OSError:  # the other end is closed
            return False
        self.seen += told.decode()
        return bool(told)


@pytest.fixture
def chain(project: Project) -> Project:
    project.node("load", "echo 1 > ../data/x")
    return project.node("clean", "cat ../parents/load/x > ../data/y", parents=["load"])


def test_it_leaves_real_directories_that_the_next_build_keeps_before_it_links(
    chain: Project,
) -> None:
    chain.call("build")
    ran = chain.fp("run", "clean", "--", "sh", "-c", "echo mine > ../data/mine.txt")
    assert (0, "") == (ran.code, ran.out)
    assert {"mine.txt": "mine\n"} == chain.data("clean")
    assert not (chain.root / "clean" / "data").is_symlink()
    built = chain.call("build")
    assert "restored  clean" in built.out
    assert {"y": "1\n"} == chain.data("clean")
    kept = list((chain.root / ".fusionpipe" / "store" / "trees").glob("*/mine.txt"))
    assert ["mine\n"] == [path.read_text() for path in kept]


def test_the_next_build_keeps_what_was_made_by_hand_and_says_where(chain: Project) -> None:
    chain.call("build")
    chain.call("run", "clean", "--", "sh", "-c", "echo mine > ../data/mine.txt")
    assert "clean: data/ held files of your own: they are kept in" in chain.call("build").out


def test_what_a_store_already_has_is_swapped_without_words(chain: Project) -> None:
    chain.call("build")
    chain.call("run", "clean")
    assert "restored  clean" in chain.call("build").out


@pytest.mark.parametrize(("command", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_its_exit_code_is_the_commands(chain: Project, command: str, code: int) -> None:
    chain.call("build", "load")
    assert code == chain.call("run", "clean", "--", "sh", "-c", command).code


def test_the_environment_is_that_of_a_build(project: Project) -> None:
    told = "env | cut -d= -f1 | sort > ../data/names"
    project.node("load", told).call("build")
    in_build = set(project.data("load")["names"].split())
    project.call("run", "load", environment={"SECRET": "x"})
    by_hand = set(project.data("load")["names"].split())
    assert in_build - by_hand <= {"TMPDIR", "FP_RUN"}  # what only a private run directory has
    assert "SECRET" not in by_hand


def test_words_after_two_dashes_are_the_commands_own_options(chain: Project) -> None:
    chain.call("build")
    command = ["sh", "-c", 'echo "${PWD##*/}: $*"', "sh", "-n", "-C", "x"]
    assert "code: -n -C x\n" == chain.fp("run", "clean", "--", *command).out


def test_parents_are_restored_but_never_run(chain: Project) -> None:
    refused = chain.call("run", "clean")
    assert 2 == refused.code
    assert "fp: clean reads load, which has no data yet\n  fp build load\n" == refused.err
    chain.call("build")
    (chain.root / "load" / "data").unlink()
    assert 0 == chain.call("run", "clean").code
    assert {"y": "1\n"} == chain.data("clean")


def test_parameters_may_be_told_for_once(project: Project) -> None:
    project.node("load", "cat ../params.json > ../data/p", toml="[params]\nn = 1")
    project.call("run", "load", "-p", "load.n=5")
    assert "5" in project.data("load")["p"]


def test_a_command_that_is_not_there_moves_nothing(chain: Project) -> None:
    chain.call("build")
    assert 2 == chain.call("run", "clean", "--", "no-such-command").code
    assert {"y": "1\n"} == chain.data("clean")


def test_a_source_has_nothing_to_run(project: Project) -> None:
    project.write("raw/node.toml", "source = true").write("raw/data/x", "1")
    assert "raw is a source: there is nothing to run" in project.call("run", "raw").err
    assert {"x": "1"} == project.data("raw")


def test_a_debugger_works_on_the_terminal(project: Project) -> None:
    code = "value = 41\nbreakpoint()\nopen('../data/x', 'w').write(str(value))"
    terminal = Terminal(project.node("load", code, entry="main.py"), "run", "load")
    terminal.read_until("(Pdb) ")
    terminal.type("value += 1")
    terminal.type("continue")
    assert 0 == terminal.finish()
    assert {"x": "42"} == project.data("load")


def test_a_builds_breakpoint_points_at_the_run_by_hand(project: Project) -> None:
    result = project.node("load", "breakpoint()", entry="main.py").call("build")
    assert 1 == result.code
    assert "fp run load" in result.out


def test_ctrl_c_goes_to_the_command_and_its_code_comes_back(project: Project) -> None:
    code = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [2])\n"
    code += "print('waiting', flush=True)\nsignal.sigwait([2])\nraise SystemExit(9)"
    terminal = Terminal(project.node("load", code, entry="main.py"), "run", "load")
    terminal.read_until("waiting")
    os.killpg(terminal.process.pid, 2)
    assert 9 == terminal.finish()
    assert "load exited with 9" in terminal.seen


def test_a_terminal_shows_what_runs_and_keeps_only_what_lasts(project: Project) -> None:
    gate = project.root / "gate"
    os.mkfifo(gate)
    project.node("slow", f"read word < {gate}; echo $word > ../data/x").node("quick")
    terminal = Terminal(project, "build", "-j2", columns=60)
    seen = terminal.read_until("running")
    assert "slow" in seen
    gate.write_text("go\n")
    assert 0 == terminal.finish()
    end = pinned(terminal.seen.rpartition("\x1b[2K")[2])
    assert "2 ran, 0 restored, 0 kept, 0 failed in <time>" in end
    assert "running" not in end


def test_no_color_is_respected_on_a_terminal(project: Project) -> None:
    project.node("load")
    coloured = Terminal(project, "status")
    assert 0 == coloured.finish()
    assert "\x1b[33m" in coloured.seen
    project.environment["NO_COLOR"] = "1"
    plain = Terminal(project, "status")
    assert 0 == plain.finish()
    assert "\x1b[" not in plain.seen
