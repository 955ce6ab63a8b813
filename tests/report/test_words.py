"""Numbers are said as people say them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fusionpipe.report.words import ago, counted, duration, growth, number, size


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0 ms", 0.0),
        ("0 ms", -3.0),
        ("85 ms", 0.085),
        ("999 ms", 0.9994),
        ("1.0 s", 0.9996),
        ("4.2 s", 4.2),
        ("9.9 s", 9.94),
        ("10 s", 9.96),
        ("42 s", 42.3),
        ("1 m", 59.7),
        ("3 m 12 s", 192.0),
        ("1 h", 3600.0),
        ("3 h 12 m", 3 * 3600 + 12 * 60 + 59),
        ("23 h 59 m", 86_399.0),
        ("2 d 4 h", 2 * 86_400 + 4 * 3600 + 100),
        ("1,000 d", 1000 * 86_400),
    ],
)
def test_a_duration_has_at_most_two_units(said: str, seconds: float) -> None:
    assert said == duration(seconds)


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("0 B", 0),
        ("640 B", 640),
        ("999 B", 999),
        ("1.0 kB", 1000),
        ("9.9 kB", 9_949),
        ("10 kB", 9_951),
        ("999 kB", 999_400),
        ("1.0 MB", 999_600),
        ("35 MB", 35_000_000),
        ("1.2 GB", 1_234_567_890),
        ("-35 MB", -35_000_000),
        ("2000 EB", 2 * 10**21),
    ],
)
def test_bytes_are_said_in_powers_of_ten(said: str, count: int) -> None:
    assert said == size(count)


def test_growth_always_has_its_sign() -> None:
    assert ["+35 MB", "+0 B", "-1.2 GB"] == [growth(n) for n in (35_000_000, 0, -1_200_000_000)]


def test_counts_have_thousands_separators_and_a_plural() -> None:
    assert "1,234,567" == number(1_234_567)
    assert ["0 nodes", "1 node", "1,000 nodes"] == [counted(n, "node") for n in (0, 1, 1000)]


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        ("just now", -5),
        ("just now", 44),
        ("1 minute ago", 45),
        ("59 minutes ago", 3599),
        ("1 hour ago", 3600),
        ("23 hours ago", 86_399),
        ("2 days ago", 2 * 86_400 + 5),
        ("1 month ago", 30 * 86_400),
        ("12 months ago", 364 * 86_400),
        ("2 years ago", 2 * 365 * 86_400),
    ],
)
def test_a_date_is_told_by_how_long_ago_it_was(said: str, passed: int) -> None:
    assert said == ago(1_000_000_000.0, 1_000_000_000.0 + passed)


def test_plain_reports_import_neither_rich_nor_networkx() -> None:
    script = (
        "import sys, fusionpipe.report.choose, fusionpipe.report.lines, fusionpipe.report.words,"
        "fusionpipe.report.terminal, fusionpipe.report.status, fusionpipe.report.why,"
        "fusionpipe.report.graph\n"
        "print([name for name in ('rich', 'networkx', 'typer', 'asyncio') if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "[]\n" == told.stdout
