"""Which program runs a node, and what of it is keyed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fusionpipe.memory import Memory
from fusionpipe.model import Entry, Language, Node, NodeName, ProjectSettings
from fusionpipe.runner.probe import ProbeFailed
from fusionpipe.runner.tools import (
    Mismatch,
    Missing,
    Tool,
    Toolbox,
    command_line,
    mismatch,
    tool_key,
)
from fusionpipe.workspace import Workspace
from fusionstore.contract import JsonObject

if TYPE_CHECKING:
    from conftest import Environment

Program = Callable[[str, str], Path]

COUNTS = 'echo x >> "$0.asked"\n'  # a made-up program that leaves a mark each time it is started


def node(
    language: Language = Language.PYTHON,
    main: str = "main.py",
    argv: tuple[str, ...] = (),
    python: str = "",
    tools: Mapping[str, str] | None = None,
) -> Node:
    return Node(NodeName("n"), entry=Entry(language, main, argv), python=python, tools=tools or {})


def box(
    root: Path,
    *,
    memo: dict[str, JsonObject] | None = None,
    settings: ProjectSettings | None = None,
    path: str | None = None,
    **ambient: str,
) -> Toolbox:
    ambient["PATH"] = path if path is not None else f"{root}/bin"
    workspace = Workspace(root, Memory(), lambda _: False)
    if memo is None:
        memo = {}
    return Toolbox(workspace, ambient, root, settings or ProjectSettings(), memo)


def found(toolbox: Toolbox, node: Node) -> Tool:
    tool = toolbox.resolve(node)
    assert isinstance(tool, Tool), str(tool)
    return tool


def real_python(directory: Path) -> Path:
    """A way to this Python by another name, as a version manager's `versions/` has it."""
    directory.mkdir(parents=True)
    path = directory / "python3"
    path.symlink_to(os.path.realpath(sys.executable))
    return path


VERSION = ".".join(map(str, sys.version_info[:3]))


def test_a_venv_is_never_resolved_away(python: Environment) -> None:
    tool = python.tool()
    assert (str(python.python),) == tool.command
    assert tool.version == VERSION


def test_the_projects_venv_comes_before_the_path(python: Environment, program: Program) -> None:
    program("python3", "exit 1")
    assert found(box(python.root), node()).path == str(python.python)


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_activated_environment_comes_before_the_projects_venv(
    python: Environment, program: Program, tmp_path: Path, variable: str
) -> None:
    activated = program("python", "echo version 3.12.1")
    toolbox = box(python.root, **{variable: str(tmp_path)})
    assert found(toolbox, node()).path == str(activated)


@pytest.mark.parametrize("written", [".venv", ".venv/bin/python", "./.venv/bin/../bin/python"])
def test_a_declared_python_is_a_path_from_the_root(python: Environment, written: str) -> None:
    assert found(box(python.root), node(python=written)).path == str(python.python)


def test_a_declared_python_may_be_a_command(tmp_path: Path, program: Program) -> None:
    path = program("python3.12", "echo version 3.12.1")
    assert found(box(tmp_path), node(python="python3.12")).path == str(path)


def test_a_declared_python_that_is_not_there_is_missing_and_not_replaced(
    python: Environment,
) -> None:
    tool = box(python.root).resolve(node(python="envs/gone"))
    assert isinstance(tool, Missing)
    assert tool.looked_for == ("envs/gone",)
    assert 'python = "envs/gone"' in tool.mend


def test_the_projects_python_serves_nodes_that_say_nothing(python: Environment) -> None:
    settings = ProjectSettings(python=".venv")
    assert found(box(python.root, settings=settings), node()).path == str(python.python)


def test_a_shim_is_replaced_by_what_it_starts(tmp_path: Path, program: Program) -> None:
    real = real_python(tmp_path / "versions")
    shim = program("python3", f'{COUNTS}exec "{real}" "$@"')
    shims = tmp_path / "shims"
    shim.parent.rename(shims)
    memo: dict[str, JsonObject] = {}
    for _ in range(2):
        tool = found(box(tmp_path, memo=memo, path=str(shims)), node())
        assert tool.path == str(real)
    assert (shims / "python3.asked").read_text() == "x\n"


def test_a_shim_is_asked_again_when_the_project_chooses_another_version(
    tmp_path: Path, program: Program
) -> None:
    real = real_python(tmp_path / "versions")
    shim = program("python3", f'{COUNTS}exec "{real}" "$@"')
    shims = tmp_path / "shims"
    shim.parent.rename(shims)
    memo: dict[str, JsonObject] = {}
    found(box(tmp_path, memo=memo, path=str(shims)), node())
    (tmp_path / ".python-version").write_text("3.12\n")
    found(box(tmp_path, memo=memo, path=str(shims)), node())
    found(box(tmp_path, memo=memo, path=str(shims), PYENV_VERSION="3.13"), node())
    assert (shims / "python3.asked").read_text() == "x\n" * 3


def test_a_version_is_asked_once_until_the_program_changes(
    tmp_path: Path, program: Program
) -> None:
    memo: dict[str, JsonObject] = {}
    path = program("julia", f"{COUNTS}echo julia version 1.10.4")
    for _ in range(3):
        assert found(box(tmp_path, memo=memo), node(Language.JULIA)).version == "1.10.4"
    assert Path(f"{path}.asked").read_text() == "x\n"
    program("julia", f"{COUNTS}echo julia version 1.11.0")
    assert found(box(tmp_path, memo=memo), node(Language.JULIA)).version == "1.11.0"


def test_a_build_asks_each_program_once_for_all_nodes(tmp_path: Path, program: Program) -> None:
    path = program("Rscript", f"{COUNTS}echo 'R scripting front-end version 4.3.1 (2023)' >&2")
    toolbox = box(tmp_path)
    tools = {found(toolbox, node(Language.R)).version for _ in range(3)}
    assert tools == {"4.3.1"}
    assert Path(f"{path}.asked").read_text() == "x\n"


@pytest.mark.parametrize(
    ("language", "name", "says", "main", "options", "key"),
    [
        (Language.R, "Rscript", "Rscript (R) version 4.3.1", "main.R", ("--vanilla", "main.R"), "4.3.1"),
        (Language.JULIA, "julia", "julia version 1.10.4", "main.jl", ("--startup-file=no", "main.jl"), "1.10.4"),
        (Language.OCTAVE, "octave", "GNU Octave, version 8.4.0", "main.m", ("--no-gui", "--norc", "--quiet", "main.m"), "8.4.0"),
        (Language.OCTAVE, "octave-cli", "GNU Octave, version 8.4.0", "main.m", ("--no-gui", "--norc", "--quiet", "main.m"), "8.4.0"),
        (Language.MATLAB, "matlab", "version 24.2.0 (R2024b)", "main.m", ("-batch", "main"), "24.2.0 (R2024b)"),
        (Language.MATLAB, "matlab", "version 24.2.0 (R2024b)", "a b/it's.m", ("-batch", "run('a b/it''s.m')"), "24.2.0 (R2024b)"),
        (Language.SHELL, "sh", "", "main.sh", ("main.sh",), ""),
        (Language.BASH, "bash", "GNU bash, version 5.2.15(1)-release (x86_64)", "main.sh", ("main.sh",), "5.2.15(1)-release"),
    ],
)  # fmt: skip
def test_each_language_has_its_command_and_key(
    tmp_path: Path,
    program: Program,
    language: Language,
    name: str,
    says: str,
    main: str,
    options: tuple[str, ...],
    key: str,
) -> None:
    path = program(name, f"echo '{says}'")
    asked = node(language, main)
    tool = found(box(tmp_path, path=f"relative::{tmp_path}/bin"), asked)
    assert command_line(tool, asked) == (str(path), *options)
    assert tool_key(asked, tool) == (str(language), key)


def test_an_executable_is_run_as_it_is(tmp_path: Path) -> None:
    asked = node(Language.EXECUTABLE, "main")
    tool = found(box(tmp_path), asked)
    assert command_line(tool, asked) == ("./main",)
    assert tool_key(asked, tool) == ("executable", "")


def test_the_first_word_of_run_is_replaced_by_the_interpreter(python: Environment) -> None:
    asked = node(main="", argv=("python", "-u", "fit.py", "-v"))
    tool = found(box(python.root), asked)
    assert command_line(tool, asked) == (str(python.python), "-u", "fit.py", "-v")


def test_a_command_is_searched_on_the_path(tmp_path: Path, program: Program) -> None:
    path = program("fit", "")
    asked = node(Language.COMMAND, "", ("fit", "-v"))
    assert command_line(found(box(tmp_path), asked), asked) == (str(path), "-v")


@pytest.mark.parametrize("word", ["./tool", "bin/tool", "/opt/x/tool"])
def test_a_command_with_a_slash_is_left_as_written(tmp_path: Path, word: str) -> None:
    asked = node(Language.COMMAND, "", (word, "-v"))
    tool = found(box(tmp_path), asked)
    assert command_line(tool, asked) == (word, "-v")
    assert tool.path == (word if word.startswith("/") else "")


def test_a_command_that_is_nowhere_is_missing(tmp_path: Path) -> None:
    tool = box(tmp_path).resolve(node(Language.COMMAND, "", ("fit",)))
    assert isinstance(tool, Missing)
    assert str(tool) == "nothing here runs command: looked for fit on the PATH"
    assert "run" in tool.mend


def test_a_file_that_may_not_be_executed_is_no_program(tmp_path: Path, program: Program) -> None:
    program("fit", "").chmod(0o644)
    assert isinstance(box(tmp_path).resolve(node(Language.COMMAND, "", ("fit",))), Missing)


def test_a_program_that_does_not_start_is_missing(tmp_path: Path, program: Program) -> None:
    program("julia", "echo broken >&2; exit 1")
    assert isinstance(box(tmp_path).resolve(node(Language.JULIA)), Missing)


def test_a_declared_version_is_keyed_without_the_program(tmp_path: Path) -> None:
    asked = node(Language.R, tools={"R": "4.3"})
    tool = box(tmp_path).resolve(asked)
    assert isinstance(tool, Missing)
    assert tool_key(asked, tool) == ("r", "4.3")


def test_without_program_and_declaration_there_is_no_key(tmp_path: Path) -> None:
    asked = node(Language.R)
    assert tool_key(asked, box(tmp_path).resolve(asked)) is None


def test_a_declared_matlab_is_not_started(tmp_path: Path, program: Program) -> None:
    path = program("matlab", f"{COUNTS}echo version 24.2.0")
    asked = node(Language.OCTAVE, "main.m", tools={"matlab": "R2024b"})
    tool = found(box(tmp_path), asked)
    assert tool_key(asked, tool) == ("matlab", "R2024b")
    assert not Path(f"{path}.asked").exists()
    assert mismatch(asked, tool) is None


@pytest.mark.parametrize(
    ("settings", "programs", "expected"),
    [
        ("", ("octave", "matlab"), Language.OCTAVE),
        ("", ("matlab",), Language.MATLAB),
        ("matlab", ("octave", "matlab"), Language.MATLAB),
        ("octave", ("octave", "matlab"), Language.OCTAVE),
    ],
)
def test_main_m_is_run_by_octave_or_matlab(
    tmp_path: Path, program: Program, settings: str, programs: tuple[str, ...], expected: Language
) -> None:
    for name in programs:
        program(name, "echo version 1")
    toolbox = box(tmp_path, settings=ProjectSettings(matlab=settings))
    assert expected is found(toolbox, node(Language.OCTAVE, "main.m")).language


def test_run_octave_means_octave(tmp_path: Path, program: Program) -> None:
    program("matlab", "echo version 1")
    toolbox = box(tmp_path, settings=ProjectSettings(matlab="matlab"))
    tool = toolbox.resolve(node(Language.OCTAVE, "", ("octave", "fit.m")))
    assert isinstance(tool, Missing)


@pytest.mark.parametrize(
    ("declared", "version", "fits"),
    [
        ("3.11", "3.11.7", True),
        ("3", "3.11.7", True),
        ("3.11.7", "3.11.7", True),
        ("3.1", "3.11.7", False),
        ("3.12", "3.11.7", False),
        ("R2024b", "24.2.0.2712019 (R2024b)", True),
        ("R2024a", "24.2.0.2712019 (R2024b)", False),
    ],
)
def test_a_declared_version_is_a_prefix(declared: str, version: str, fits: bool) -> None:
    tool = Tool(Language.PYTHON, ("/p",), version, "/p", "p")
    complaint = None if fits else Mismatch(declared, version, "/p")
    assert complaint == mismatch(node(tools={"python": declared}), tool)


def test_distributions_are_asked_for_once_until_something_is_installed(
    python: Environment,
) -> None:
    python.distributions()
    hook = python.root / "asked"
    python.write({"count.pth": f"import sys; open({str(hook)!r}, 'a').write('x')\n"})
    python.distributions()
    asked = hook.read_text()
    python.distributions()
    assert asked == hook.read_text()
    python.install("frames", "1", {"frames.py": ""})
    assert python.distributions().version("frames") == "1"


def test_what_start_up_hooks_print_is_no_answer(python: Environment) -> None:
    python.write({"noise.pth": "import sys; print('{noise}')\n"})
    assert python.distributions().versions == {}


def test_a_python_that_cannot_tell_its_packages_is_an_error_that_says_so(
    tmp_path: Path, program: Program
) -> None:
    program(
        "python3", 'case "$1" in -c) echo version 2.7.18;; *) echo SyntaxError >&2; exit 1;; esac'
    )
    toolbox = box(tmp_path)
    with pytest.raises(
        ProbeFailed, match=r"python3 cannot tell which packages it has: SyntaxError\n"
    ):
        toolbox.distributions(found(toolbox, node()))
