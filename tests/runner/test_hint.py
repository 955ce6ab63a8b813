"""What is suggested after a failure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fusionpipe.runner import Exited, Run, hint, tail

Finish = Callable[[Run], Exited]
MakeRun = Callable[..., Run]


def hint_of(exited: Exited) -> str:
    return hint(tail(exited.rundir.log, shown={}), exited)


def test_a_breakpoint_points_at_a_run_by_hand(python: MakeRun, finish: Finish) -> None:
    exited = finish(python("x = 1\nbreakpoint()\nprint(x)\n"))
    assert hint_of(exited) == "a debugger needs a terminal: fp run prep/clean"


def test_a_question_points_at_a_run_by_hand(python: MakeRun, finish: Finish) -> None:
    assert "fp run prep/clean" in hint_of(finish(python("input('name? ')\n")))


def test_a_missing_module_names_the_interpreter_and_the_setting(
    python: MakeRun, finish: Finish
) -> None:
    exited = finish(python("import no_such_module_here\n"))
    assert f"{exited.run.argv[0]} has no module 'no_such_module_here'" in hint_of(exited)
    assert 'python = "' in hint_of(exited)


def test_a_module_missing_in_a_shells_python_does_not_blame_the_shell(
    sh: MakeRun, finish: Finish
) -> None:
    said = hint_of(finish(sh("echo \"ModuleNotFoundError: No module named 'numpy'\"; exit 1")))
    assert "/sh has no module" not in said
    assert "sh started has no module 'numpy'" in said
    assert "PATH=" in said


@pytest.mark.parametrize("text", ["kill -9 $$", "exit 137"])
def test_a_kill_that_was_not_ours_suggests_memory(text: str, sh: MakeRun, finish: Finish) -> None:
    assert hint_of(finish(sh(text))).startswith("perhaps out of memory: peak was ")


def test_a_command_not_found_shows_where_it_was_looked_for(sh: MakeRun, finish: Finish) -> None:
    assert "PATH=" in hint_of(finish(sh("no-such-command-at-all")))


def test_a_plain_failure_needs_no_hint(sh: MakeRun, finish: Finish) -> None:
    assert hint_of(finish(sh("echo no; exit 3"))) == ""
