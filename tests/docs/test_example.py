"""examples/weather: its scripts work by hand, always write the same bytes, and the demo tells the truth."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = CHECKOUT / "examples" / "weather"
ORDER = [
    "prep/clean",
    "stats/monthly",
    "stats/extremes",
    "stats/trend",
    "stats/rainiest",
    "report",
]


def copy_example(place: Path) -> Path:
    """The example as a fresh clone has it."""
    made = place / "weather"
    left_out = shutil.ignore_patterns(
        ".fusionpipe", "__pycache__", "parents", "params.json", "logs.txt"
    )
    shutil.copytree(EXAMPLE, made, ignore=left_out, symlinks=True)
    for node in ORDER:
        for name in ("data", "reports"):
            if (made / node / name).is_symlink():
                (made / node / name).unlink()
    return made


def run_by_hand(project: Path, node: str, environment: dict[str, str]) -> None:
    """Runs a node as a person would who has made the links and the directories."""
    place = project / node
    told = tomllib.loads((place / "node.toml").read_text())
    (place / "params.json").write_text(json.dumps(told.get("params", {})))
    for directory in ("data", "reports", "parents"):
        (place / directory).mkdir()
    for parent in told["parents"]:
        (place / "parents" / Path(parent).name).symlink_to(project / parent / "data")
    main = "main.py" if (place / "code" / "main.py").exists() else "main.sh"
    command = sys.executable if main == "main.py" else "sh"
    ambient = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment}
    subprocess.run(
        [command, main], cwd=place / "code", env=ambient, check=True, capture_output=True
    )


def results(project: Path) -> dict[str, str]:
    """Every file that the nodes wrote, with the digest of its bytes."""
    files = [
        path
        for node in ORDER
        for directory in ("data", "reports")
        for path in sorted((project / node / directory).iterdir())
    ]
    return {
        path.relative_to(project).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_example_writes_the_same_bytes_wherever_it_runs(tmp_path: Path) -> None:
    found = []
    for number, environment in enumerate(
        [{"LC_ALL": "C", "PYTHONHASHSEED": "1"}, {"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"}]
    ):
        place = tmp_path / f"place {number} ü"
        place.mkdir()
        project = copy_example(place)
        for node in ORDER:
            run_by_hand(project, node, environment)
        found.append(results(project))
    assert len(found[0]) == 8
    assert found[0] == found[1]


def test_the_picture_is_well_formed_and_shows_every_month(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    for node in ORDER:
        run_by_hand(project, node, {})
    picture = ET.parse(project / "report" / "reports" / "weather.svg")
    bars = [one for one in picture.iter() if one.get("class") in ("rain", "wettest")]
    assert len(bars) == 48
    page = (project / "report" / "reports" / "report.html").read_text(encoding="utf-8")
    assert "1461 days, 2012-01-01 to 2015-12-31" in page


def test_the_data_is_what_its_readme_says() -> None:
    table = EXAMPLE / "raw" / "data" / "seattle-weather.csv"
    assert f"{table.stat().st_size:,} bytes" in (EXAMPLE / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_demo_runs_what_it_says_and_leaves_the_checkout_alone(tmp_path: Path) -> None:
    fp = tmp_path / "fp"
    run = "from fusionpipe.cli.main import main; import sys; sys.exit(main())"
    fp.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{run}' \"$@\"\n")
    fp.chmod(0o755)
    before = sorted(CHECKOUT.joinpath("examples").rglob("*"))
    ran = subprocess.run(
        ["sh", str(CHECKOUT / "examples" / "demo.sh")],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'store'}",
            "FP": str(fp),
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    summaries = [line.partition(" in ")[0] for line in ran.stdout.splitlines() if " in " in line]
    expected = [
        "6 ran, 0 restored, 1 kept, 0 failed",
        "nothing to do: 7 nodes up to date",
        "1 ran, 0 restored, 6 kept, 0 failed",
        "2 ran, 0 restored, 5 kept, 0 failed",
        "0 ran, 2 restored, 5 kept, 0 failed",
    ]
    assert [line for line in summaries if line in expected] == expected
    assert sorted(CHECKOUT.joinpath("examples").rglob("*")) == before
