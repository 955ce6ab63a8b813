"""The start-up hook in a node's Pythons: it must do its two things and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fusionpipe.runner.observed import environment


def run(code: str, notes: Path | str = "", *, cwd: Path = Path("/"), **variables: str) -> str:
    """What a Python with the hook prints."""
    hook = environment(str(notes))
    paths = [hook.pop("PYTHONPATH"), variables.pop("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**hook, **variables, "PYTHONPATH": ":".join(path for path in paths if path)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.strip()


def test_the_search_path_is_left_as_it_would_be(tmp_path: Path) -> None:
    plain = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.path)"],
        env={"PYTHONPATH": str(tmp_path)},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert plain.stdout.strip() == run("import sys; print(sys.path)", PYTHONPATH=str(tmp_path))


def test_the_environments_own_hook_is_run(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.path.append('/theirs')\nmark = 1")
    code = "import sys, sitecustomize; print(sitecustomize.mark, sys.path[-1])"
    assert run(code, PYTHONPATH=str(tmp_path)) == "1 /theirs"


def test_modules_beside_the_hook_do_not_become_importable() -> None:
    code = "import importlib.util as u; print(u.find_spec('path'), u.find_spec('distributions'))"
    assert run(code) == "None None"


def test_without_a_directory_to_write_to_nothing_happens(tmp_path: Path) -> None:
    assert run("import csv", tmp_path / "gone") == ""
    assert not (tmp_path / "gone").exists()


def test_a_directory_that_vanishes_during_the_run_is_no_concern(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (tmp_path / "mine.py").write_text("x = 1")
    code = f"import shutil; shutil.rmtree({str(notes)!r}); import mine; print(mine.x)"
    assert run(code, notes, cwd=tmp_path) == "1"


def test_a_missing_module_is_still_a_plain_error(tmp_path: Path) -> None:
    code = "try:\n    import gone\nexcept ModuleNotFoundError as e:\n    print(e, e.name)"
    assert run(code, tmp_path) == "No module named 'gone' gone"


def test_a_name_is_noted_once_and_the_standard_library_never(tmp_path: Path) -> None:
    notes = tmp_path / "ü notes"
    notes.mkdir()
    code = (
        "import json, csv, sysconfig; sysconfig.get_config_vars()\n"
        "for _ in range(3):\n"
        "    try:\n        import gone\n    except ImportError:\n        pass\n"
    )
    run(code, notes)
    (file,) = notes.iterdir()
    lines = file.read_text().splitlines()
    assert lines[0] == f"={sys.prefix}"
    assert ["gone"] == [line for line in lines[1:] if not line.startswith("+")]


def test_fusionpipe_can_be_imported_where_it_is_not_installed() -> None:
    here = Path(__file__).resolve().parents[2] / "fusionpipe" / "__init__.py"
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p and "
        "p.startswith(sys.base_prefix)]; import fusionpipe; print(fusionpipe.__file__)"
    )
    assert str(here) == run(code)


def test_an_installed_fusionpipe_wins(tmp_path: Path) -> None:
    (tmp_path / "fusionpipe.py").write_text("mine = True")
    assert run("import fusionpipe; print(fusionpipe.mine)", PYTHONPATH=str(tmp_path)) == "True"


def test_an_error_of_the_environments_own_hook_is_told_as_always(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import gone_for_good")
    variables = {**environment(""), "HOME": "/"}
    variables["PYTHONPATH"] += f":{tmp_path}"
    command = [sys.executable, "-c", "print('went on')"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert ("went on\n", True) == (done.stdout, "gone_for_good" in done.stderr)


def test_what_the_environments_own_hook_asks_for_is_noted(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    hook = "import theirs\ntry:\n    import gone\nexcept ImportError:\n    pass\n"
    (tmp_path / "sitecustomize.py").write_text(hook)
    (tmp_path / "theirs.py").write_text("")
    run("pass", notes, PYTHONPATH=str(tmp_path))
    (file,) = notes.iterdir()
    assert ["theirs", "gone"] == [
        line for line in file.read_text().splitlines()[1:] if not line.startswith("+")
    ]
