"""`fp logs`: what a node wrote, live while it runs."""

from __future__ import annotations

import os
from pathlib import Path

from fusionpipe.testing import Project, pinned, until


def test_the_log_of_a_result_is_that_of_the_run_that_made_it(project: Project) -> None:
    project.node("load", "echo one; echo two >&2; echo 1 > ../data/x").call("build")
    first = project.call("logs", "load").out
    expected = (
        "# fusionpipe: load started <date> on <host>\n# command: /bin/sh main.sh\none\ntwo\n"
        "# exit 0 after <time>, <size>\n"
    )
    assert expected == pinned(first).replace("/usr/bin/sh", "/bin/sh").replace("dash", "sh")
    (project.root / "load" / "data").unlink()
    project.call("build")
    assert first == project.call("logs", "load").out


def test_the_place_of_a_log_can_be_asked_for(project: Project) -> None:
    project.node("load", "echo one").call("build")
    place = Path(project.call("logs", "--path", "load").out.rstrip("\n"))
    assert "one\n" in place.read_text()


def test_a_logs_paths_are_the_nodes_own(project: Project) -> None:
    project.node("load", "pwd; exit 1").call("build")
    assert "\nload/code\n" in project.call("logs", "load").out


def test_a_log_is_followed_while_it_grows_and_into_the_next_run(project: Project) -> None:
    gate = project.root / "gate"
    os.mkfifo(gate)
    project.node("load", f"echo first; read word < {gate}; echo $word; echo 1 > ../data/x")
    build = project.start("build")
    log = project.root / "load" / "logs.txt"
    until(lambda: log.exists() and "first" in log.read_text(), "the node begins")
    follower = project.start("logs", "-f", "load")
    assert follower.stdout is not None
    lines = iter(follower.stdout.readline, "")
    assert any(line == "first\n" for line in lines), "what is there already"
    gate.write_text("second\n")
    assert any(line == "second\n" for line in lines), "what comes"
    assert any(line.startswith("# exit 0") for line in lines), "its end"
    assert 0 == build.wait(60)
    build.communicate()
    project.node("load", "echo third; echo 1 > ../data/x").call("build")
    assert any(line == "third\n" for line in lines), "the next run's"
    follower.terminate()
    follower.communicate(timeout=60)


def test_a_follower_may_come_before_the_first_run(project: Project) -> None:
    project.node("load", "echo first")
    follower = project.start("logs", "-f", "load")
    project.call("build")
    assert follower.stdout is not None
    assert any(line == "first\n" for line in iter(follower.stdout.readline, ""))
    follower.send_signal(2)
    follower.communicate(timeout=60)
    assert 130 == follower.returncode
