"""The README's tour, run line by line with the real `fp`: what it shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fusionpipe.testing import Project

CHECKOUT = Path(__file__).resolve().parents[2]
README = CHECKOUT / "README.md"


class Step(NamedTuple):
    """A command of the tour and the lines shown below it."""

    command: str
    shown: list[str]


def steps(text: str) -> Iterator[Step]:
    """The commands in a text's ```console blocks: `$ ` begins one, `> ` continues it."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        step: Step | None = None
        for line in block.splitlines():
            if line.startswith("$ "):
                if step:
                    yield step
                step = Step(line[2:], [])
            elif step and not step.shown and (line == ">" or line.startswith("> ")):
                step = Step(f"{step.command}\n{line[2:]}", [])
            else:
                assert step, f"a console block must begin with a command: {line}"
                step.shown.append(line)
        if step:
            yield step


def as_pattern(shown: list[str]) -> str:
    """`…` alone is any lines, within a line any text; blanks between words may be more."""
    lines = []
    for line in shown:
        if line == "…":
            lines.append(r"(?:.*\n)*?")
            continue
        words = [re.escape(word) for word in line.rstrip().split(" ")]
        lines.append(" +".join(words).replace("…", ".*") + r" *\n")
    return "".join(lines)


class Shell:
    """Runs commands one after another; each begins where the last one left off."""

    def __init__(self, place: Path) -> None:
        self.here = place
        self.project = Project(place / "beside")
        self.told = place / "told"
        commands = place / "bin"
        commands.mkdir()
        fp = commands / "fp"
        run = "from fusionpipe.cli.main import main; import sys; sys.exit(main())"
        fp.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{run}' \"$@\"\n")
        fp.chmod(0o755)
        self.environment = {
            "PATH": f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TOLD": str(self.told),
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'store'}",
            "HOME": str(place),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
        }

    def run_quickly(self, command: str) -> tuple[str, int]:
        """As `run`, but a command that is `fp` and plain words runs in this process."""
        if not re.fullmatch(r"fp( [\w./=-]+)*", command):
            return self.run(command)
        told = self.project.call(
            *command.split()[1:], at=str(self.here), environment=self.environment
        )
        return told.out + told.err, told.code

    def run(self, command: str) -> tuple[str, int]:
        """What a person would see, and the exit status."""
        ran = subprocess.run(
            ["bash", "-c", f'{command}\nstatus=$?\npwd > "$TOLD"\nexit $status'],
            cwd=self.here,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=120,
        )
        self.here = Path(self.told.read_text().rstrip("\n"))
        return ran.stdout, ran.returncode


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.mark.parametrize(
    "run", [Shell.run_quickly, pytest.param(Shell.run, marks=pytest.mark.slow)]
)
def test_the_tour_shows_what_happens(
    shell: Shell, run: Callable[[Shell, str], tuple[str, int]]
) -> None:
    for step in steps(README.read_text(encoding="utf-8")):
        seen, status = run(shell, step.command)
        assert status == 0, f"$ {step.command}\n{seen}"
        assert re.fullmatch(as_pattern(step.shown), seen), (
            f"$ {step.command}\n--- shown\n{chr(10).join(step.shown)}\n--- seen\n{seen}"
        )


def test_the_tour_has_enough_steps_to_be_one() -> None:
    commands = [step.command for step in steps(README.read_text(encoding="utf-8"))]
    assert len(commands) > 20
    for command in ("init", "new", "build", "status", "why", "logs", "graph"):
        assert any(f"fp {command}" in line for line in commands)


def test_a_shown_line_must_match_but_for_what_is_left_open() -> None:
    assert re.fullmatch(
        as_pattern(["ran …load …", "…", "1 ran"]), "ran   load  0.1 s\nx\ny\n1 ran\n"
    )
    assert not re.fullmatch(as_pattern(["1 ran"]), "2 ran\n")
    assert not re.fullmatch(as_pattern([]), "something\n")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "fusionpipe/DESIGN.md"])
def test_every_file_a_document_links_to_is_there(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert ((CHECKOUT / name).parent / target).exists(), f"{name} links to {target}"


@pytest.mark.parametrize("target", ["demo", "test", "check", "lint", "bench"])
def test_the_makefile_has_the_targets_people_are_told_of(target: str) -> None:
    ran = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
