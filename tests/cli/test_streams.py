"""Where the output goes is no business of a build's: a closed, full or deserted stream stops nothing."""

from __future__ import annotations

import os

import pytest

from fusionpipe.testing import Project


@pytest.fixture
def chain(project: Project) -> Project:
    return project.node("load").node("clean", parents=["load"])


def test_a_reader_that_goes_away_stops_no_build_and_hears_no_complaint(chain: Project) -> None:
    assert "" == chain.shell("fp build 2>&1 | true; fp build -f 2>&1 | true; fp graph | true")
    assert {"it.txt": "clean\n"} == chain.data("clean")


def test_a_closed_output_stops_no_build(chain: Project) -> None:
    assert "" == chain.shell("fp build >&-")
    assert {"it.txt": "clean\n"} == chain.data("clean")
    assert "" == chain.shell("fp status >&- 2>&- <&-")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_below_the_output_is_told_and_stops_no_build(
    chain: Project, unbuffered: str
) -> None:
    chain.environment["PYTHONUNBUFFERED"] = unbuffered
    expected = "fp: could not write: No space left on device\n[exit code 1]\n"
    assert expected == chain.shell("fp build > /dev/full")
    assert {"it.txt": "clean\n"} == chain.data("clean")
    assert expected == chain.shell("fp status > /dev/full")


def test_what_a_stream_cannot_say_is_replaced(chain: Project) -> None:
    plain = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
    assert "load\n?? clean\n" == chain.shell(f"fp build -q; {plain} fp graph")


def test_where_children_are_ignored_a_build_hears_how_its_nodes_end(chain: Project) -> None:
    """What a daemon says of its children is handed down to all that it starts."""
    deaf = "import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    daemon = f'python -c \'{deaf}; os.execlp("fp", "fp", "build", "-k")\''
    code = "import signal; print(signal.getsignal(signal.SIGCHLD).name)"
    chain.node("asks", f"{code}\nraise SystemExit(7)", entry="main.py")
    told = chain.shell(daemon)
    assert "exited with 7" in told
    assert "2 ran" in told
    assert "SIG_DFL" in chain.call("logs", "asks").out
