"""What runs are seen to import, with real interpreters and made-up distributions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fusionpipe.runner.observed import (
    PackageChange,
    collect,
    differences,
    environment,
    still_holds,
)
from fusionstore.contract import JsonObject

if TYPE_CHECKING:
    from conftest import Environment

NONE: frozenset[str] = frozenset()


def observe(python: Environment, code: str, *options: str) -> JsonObject:
    return collect(python.run(code, *options), python.distributions(), NONE)


def uses(python: Environment, code: str) -> object:
    observed = observe(python, code)["python"]
    assert isinstance(observed, dict)
    return observed["uses"]


def test_only_imported_distributions_are_used(python: Environment) -> None:
    python.install("Fine-Frames", "2.1", {"frames/__init__.py": "", "frames/io.py": ""})
    python.install("linter", "1.0", {"linter.py": ""})
    observed = observe(python, "import frames.io, json, csv")
    assert observed == {"python": {"uses": {"fine-frames": "2.1"}, "missing": []}}


def test_what_a_used_distribution_imports_is_used_too(python: Environment) -> None:
    python.install("lower", "1", {"lower.py": ""})
    python.install("upper", "1", {"upper.py": "import lower"})
    assert uses(python, "import upper") == {"lower": "1", "upper": "1"}


def test_an_upgrade_is_a_difference(python: Environment) -> None:
    python.install("frames", "2.1", {"frames.py": ""})
    observed = observe(python, "import frames")
    python.install("frames", "2.2", {"frames.py": ""})
    assert differences(observed, python.distributions()) == (PackageChange("frames", "2.1", "2.2"),)
    assert not still_holds(observed, python.distributions())


def test_a_removal_is_a_difference(python: Environment) -> None:
    python.install("frames", "2.1", {"frames.py": ""})
    observed = observe(python, "import frames")
    python.uninstall("frames")
    assert differences(observed, python.distributions()) == (PackageChange("frames", "2.1", None),)


def test_installing_a_linter_is_no_difference(python: Environment) -> None:
    python.install("frames", "2.1", {"frames.py": ""})
    observed = observe(python, "import frames")
    python.install("linter", "1.0", {"linter.py": ""})
    assert still_holds(observed, python.distributions())


def test_an_optional_import_is_a_difference_once_it_is_there(python: Environment) -> None:
    observed = observe(python, "try:\n    import numba\nexcept ImportError:\n    pass")
    assert observed == {"python": {"uses": {}, "missing": ["numba"]}}
    assert still_holds(observed, python.distributions())
    python.install("numba", "0.6", {"numba/__init__.py": ""})
    assert differences(observed, python.distributions()) == (PackageChange("numba", None, "0.6"),)


def test_the_nodes_own_modules_are_not_missing(python: Environment) -> None:
    (python.root / "code").mkdir()
    (python.root / "code" / "ours.py").write_text("")
    notes = python.run("import ours")
    observed = collect(notes, python.distributions(), frozenset({"ours"}))
    assert observed == {"python": {"uses": {}, "missing": []}}


@pytest.mark.parametrize(
    "code",
    [
        "import os, frames\nos._exit(0)",
        "import os\nif os.fork() == 0:\n    import frames\n    os._exit(0)\nos.wait()",
        "import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import frames'])",
        "import os, signal, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', "
        "'import frames, os, signal; os.kill(os.getpid(), signal.SIGKILL)'])",
        "import os\nos.closerange(3, 256)\nopen('mine', 'w').close()\nimport frames",
        "import threading\nt = threading.Thread(target=__import__, args=('frames',))\n"
        "t.start()\nt.join()",
        "import importlib\nimportlib.import_module('frames')",
    ],
    ids=["_exit", "fork", "child", "killed", "daemon", "thread", "import_module"],
)
def test_an_import_is_noted_however_the_process_ends(python: Environment, code: str) -> None:
    python.install("frames", "1", {"frames.py": ""})
    assert uses(python, code) == {"frames": "1"}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_process_is_observed(python: Environment, method: str) -> None:
    python.install("frames", "1", {"frames.py": "def twice(x): return 2 * x"})
    code = (
        "import multiprocessing as m\n"
        "def work(x):\n    import frames\n    return frames.twice(x)\n"
        "if __name__ == '__main__':\n"
        f"    with m.get_context({method!r}).Pool(1) as pool:\n"
        "        assert pool.map(work, [1]) == [2]\n"
    )
    assert uses(python, code) == {"frames": "1"}


@pytest.mark.parametrize("option", ["-I", "-S", "-E", "-sE"])
def test_a_python_that_cannot_be_observed_used_everything(python: Environment, option: str) -> None:
    python.install("frames", "1", {"frames.py": ""})
    observed = observe(python, "", option)
    assert observed == {"python": {"everything": {"frames": "1"}}}
    assert still_holds(observed, python.distributions())
    python.install("linter", "1", {"linter.py": ""})
    assert differences(observed, python.distributions()) == (PackageChange("linter", None, "1"),)


@pytest.mark.parametrize(
    ("words", "is_observed"),
    [
        (("-u", "main.py"), True),
        (("-m", "E"), True),
        (("-c", "I", "-I"), True),
        (("main.py", "-I"), True),
        (("-W", "E", "main.py"), True),
        (("-Xdev", "main.py"), True),
        (("-W", "error", "-E", "main.py"), False),
        (("-uI", "main.py"), False),
    ],
)
def test_only_options_of_python_itself_switch_observation_off(
    words: tuple[str, ...], is_observed: bool
) -> None:
    assert is_observed == ("FP_OBSERVED" in environment("notes", ("python", *words)))


def test_of_a_shared_namespace_only_the_used_part_counts(python: Environment) -> None:
    python.install("cloud-store", "1", {"cloud/store/__init__.py": ""})
    python.install("cloud-mail", "1", {"cloud/mail.py": ""})
    observed = observe(
        python, "import cloud.store\ntry:\n    import cloud.sky\nexcept ImportError:\n    pass"
    )
    assert observed == {"python": {"uses": {"cloud-store": "1"}, "missing": ["cloud.sky"]}}
    python.install("cloud-sky", "3", {"cloud/sky.py": ""})
    assert differences(observed, python.distributions()) == (PackageChange("cloud-sky", None, "3"),)


def test_two_distributions_of_one_package_are_both_used(python: Environment) -> None:
    python.install("vision", "1", {"cv/__init__.py": ""})
    python.install("vision-extra", "1", {"cv/extra.py": ""})
    assert uses(python, "import cv") == {"vision": "1", "vision-extra": "1"}


def test_a_start_up_hook_counts_only_for_what_it_loads(python: Environment) -> None:
    python.install("setuptools", "70", {"_distutils_hack/__init__.py": "", "setuptools.py": ""})
    python.install("tracer", "1", {"tracer.py": ""})
    python.write({"a.pth": "import _distutils_hack\n", "b.pth": "import tracer\n"})
    assert uses(python, "") == {"tracer": "1"}


def test_an_edit_of_an_editable_install_is_a_difference(python: Environment) -> None:
    source = python.root / "ourlib" / "src" / "ours"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("from ours import deep")
    (source / "deep.py").write_text("x = 1")
    (source / "notes.txt").write_text("not code")
    python.install("ours", "0.1", {"_ours.pth": f"{source.parent}\n"})
    observed = observe(python, "import ours")
    (source / "notes.txt").write_text("still not code")
    assert still_holds(observed, python.distributions())
    (source / "deep.py").write_text("x = 2")
    changes = differences(observed, python.distributions())
    assert [change.name for change in changes] == ["ours"]


def test_an_editable_install_by_a_finder_is_known(python: Environment) -> None:
    source = python.root / "ourlib" / "ours.py"
    source.parent.mkdir()
    source.write_text("x = 1")
    finder = (
        f"MAPPING: dict[str, str] = {{'ours': {str(source.with_suffix(''))!r}}}\n"
        f"import sys\nsys.path.append({str(source.parent)!r})\n"
    )
    python.install("ours", "0.1", {"__editable___ours_finder.py": finder})
    python.write({"__editable__.ours.pth": "import __editable___ours_finder\n"})
    observed = observe(python, "import ours")
    assert still_holds(observed, python.distributions())
    source.write_text("x = 2")
    assert [change.name for change in differences(observed, python.distributions())] == ["ours"]


def test_a_module_lying_loose_in_a_site_directory_is_used_by_its_content(
    python: Environment,
) -> None:
    python.write({"loose.py": "x = 1"})
    observed = observe(python, "import loose")
    assert still_holds(observed, python.distributions())
    python.write({"loose.py": "x = 2"})
    assert [change.name for change in differences(observed, python.distributions())] == ["./loose"]


def test_another_build_of_one_version_is_a_difference(python: Environment) -> None:
    def install(commit: str) -> None:
        python.install("frames", "1", {"frames.py": ""})
        direct = {"url": "https://x", "vcs_info": {"vcs": "git", "commit_id": commit}}
        python.write({"frames-1.dist-info/direct_url.json": json.dumps(direct)})

    install("1" * 40)
    observed = observe(python, "import frames")
    install("2" * 40)
    assert not still_holds(observed, python.distributions())


def test_another_python_that_a_node_calls_is_not_mistaken_for_its_own(
    python: Environment, tmp_path: Path, empty_venv: Path
) -> None:
    other = empty_venv / "bin" / "python"
    code = f"import subprocess\nsubprocess.run([{str(other)!r}, '-c', 'import json'])"
    notes = python.run(code)
    assert 2 == len(list(notes.iterdir()))
    assert collect(notes, python.distributions(), NONE) == {"python": {"uses": {}, "missing": []}}


def test_observations_are_the_same_every_time(python: Environment) -> None:
    python.install("b", "1", {"b.py": ""})
    python.install("a", "1", {"a.py": ""})
    first = json.dumps(observe(python, "import b, a"))
    assert first == json.dumps(observe(python, "import a, b"))


@pytest.mark.parametrize("observed", [None, {}, {"files": []}])
def test_nothing_observed_always_holds(observed: JsonObject | None) -> None:
    assert still_holds(observed, None)


def test_observations_of_a_python_do_not_hold_without_one() -> None:
    assert not still_holds({"python": {"uses": {}, "missing": []}}, None)


def test_at_the_end_of_a_run_what_is_installed_is_read_again_only_if_it_changed(
    python: Environment,
) -> None:
    python.install("frames", "1", {"frames.py": ""})
    toolbox, tool = python.toolbox(), python.tool()
    before = toolbox.distributions(tool)
    assert toolbox.distributions_now(tool).modules is before.modules
    python.install("frames", "2", {"frames.py": ""})
    assert toolbox.distributions_now(tool).versions == {"frames": "2"}
    assert before.versions == {"frames": "1"}


def test_at_the_end_of_a_run_an_editable_install_is_looked_at_again(python: Environment) -> None:
    python.write({"loose.py": "x = 1"})
    toolbox, tool = python.toolbox(), python.tool()
    before = toolbox.distributions(tool).everything()
    (python.site / "loose.py").write_text("x = 2, and longer")  # its directory does not change
    assert toolbox.distributions_now(tool).everything() != before
