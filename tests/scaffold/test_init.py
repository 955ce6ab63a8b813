"""`fp init`: what it writes, and what it leaves alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from fusionpipe.errors import UsageError
from fusionpipe.scaffold import init


def test_init_writes_a_valid_root_file_and_one_ignore_line(tmp_path: Path) -> None:
    assert init(tmp_path) == ("fusionpipe.toml", ".gitignore")
    assert tomllib.loads((tmp_path / "fusionpipe.toml").read_text()) == {}
    assert (tmp_path / ".gitignore").read_text() == "/.fusionpipe/\n"


def test_every_commented_setting_is_valid_toml(tmp_path: Path) -> None:
    init(tmp_path)
    lines = (tmp_path / "fusionpipe.toml").read_text().splitlines()
    settings = [line.removeprefix("# ") for line in lines if "=" in line or line[:3] == "# ["]
    assert set(tomllib.loads("\n".join(settings))) == {
        "exclude",
        "store",
        "jobs",
        "defaults",
        "params",
    }


def test_init_adds_to_a_gitignore_without_disturbing_the_rest(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"*.tmp\r\nbuild/")
    init(tmp_path)
    assert (tmp_path / ".gitignore").read_bytes() == b"*.tmp\r\nbuild/\r\n/.fusionpipe/\r\n"


@pytest.mark.parametrize("line", ["/.fusionpipe/", ".fusionpipe", ".fusionpipe/", "/.fusionpipe"])
def test_init_leaves_a_gitignore_that_says_it_already(tmp_path: Path, line: str) -> None:
    (tmp_path / ".gitignore").write_text(f"*.tmp\n{line}\n")
    assert init(tmp_path) == ("fusionpipe.toml",)
    assert (tmp_path / ".gitignore").read_text() == f"*.tmp\n{line}\n"


def test_init_inside_a_project_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    init(tmp_path)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    with pytest.raises(UsageError, match=str(tmp_path)):
        init(inner)
    with pytest.raises(UsageError, match="this directory is a fusionpipe project already"):
        init(tmp_path)
    assert list(inner.iterdir()) == []


def test_init_where_there_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mkdir"):
        init(tmp_path / "never")


def test_a_store_for_a_network_project_is_this_machines_own_setting(tmp_path: Path) -> None:
    written = init(tmp_path, network_store=Path('/local/"odd" place'))
    assert written == ("fusionpipe.toml", ".gitignore", ".fusionpipe/local.toml")
    local = tomllib.loads((tmp_path / ".fusionpipe" / "local.toml").read_text())
    assert local == {"store": '/local/"odd" place'}
