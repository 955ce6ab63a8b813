"""Times as people write them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.moments import span_of

NOW = datetime(2026, 11, 21, 15, 30).timestamp()
MEANT = {
    "2026-11-01": ("2026-11-01 00:00:00", "2026-11-02 00:00:00"),
    "2026-11-01 14:00": ("2026-11-01 14:00:00", "2026-11-01 14:01:00"),
    "2026-11-01T14:00:05": ("2026-11-01 14:00:05", "2026-11-01 14:00:06"),
    "today": ("2026-11-21 00:00:00", "2026-11-22 00:00:00"),
    "yesterday": ("2026-11-20 00:00:00", "2026-11-21 00:00:00"),
    " Yesterday  9:05 ": ("2026-11-20 09:05:00", "2026-11-20 09:06:00"),
    "now": ("2026-11-21 15:30:00", "2026-11-21 15:30:00"),
    "2h": ("2026-11-21 13:30:00", "2026-11-21 13:30:00"),
    "90 min": ("2026-11-21 14:00:00", "2026-11-21 14:00:00"),
    "3 days ago": ("2026-11-18 15:30:00", "2026-11-18 15:30:00"),
    "1 week": ("2026-11-14 15:30:00", "2026-11-14 15:30:00"),
}


@pytest.mark.parametrize("text", MEANT)
def test_what_is_written_is_understood(text: str) -> None:
    span = span_of(text, NOW)
    assert span is not None
    assert MEANT[text] == tuple(str(datetime.fromtimestamp(at)) for at in span)


@pytest.mark.parametrize(
    "text", ["", "2", "soon", "2026-02-30", "2026", "0000-01-01", "3 moons ago", "yesterday noon", "2026-11-01 25:00", "99999999999 years ago"]
)  # fmt: skip
def test_what_is_no_time_is_none(text: str) -> None:
    assert span_of(text, NOW) is None


@given(st.text(max_size=30), st.floats(0, 4e9))
def test_any_text_is_a_span_in_order_or_none(text: str, now: float) -> None:
    span = span_of(text, now)
    assert span is None or span.start <= span.end


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))
def test_a_moment_lies_in_the_day_and_the_minute_that_name_it(at: datetime) -> None:
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M"):
        span = span_of(at.strftime(form), NOW)
        assert span is not None
        assert span.start <= at.timestamp() < span.end
