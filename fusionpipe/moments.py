"""Times as people write them: `2026-11-01`, `2026-11-01 14:00`, `yesterday`, `3 days ago`, `2h`. Pure.

What is written is as exact as its last part: a day is all of that day. Local time.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

FORMS = "2026-11-01, 2026-11-01 14:00, yesterday, 3 days ago, 2h"
"""Examples of what is understood, for messages."""

_CLOCKS = (("%H:%M:%S", timedelta(seconds=1)), ("%H:%M", timedelta(minutes=1)))
_DAYS = {"today": 0, "yesterday": 1}
_UNITS = {
    "s": 1, "sec": 1, "second": 1,
    "m": 60, "min": 60, "minute": 60,
    "h": 3600, "hour": 3600,
    "d": 86400, "day": 86400,
    "w": 7 * 86400, "week": 7 * 86400,
    "month": 30 * 86400,
    "y": 365 * 86400, "year": 365 * 86400,
}  # fmt: skip
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+?)s?(?:\s+ago)?")


class Span(NamedTuple):
    """From `start` up to, but without, `end`: seconds since the epoch."""

    start: float
    end: float


def span_of(text: str, now: float) -> Span | None:
    """What a text means, seen from `now`; None if it is no time, or one that no calendar has."""
    words = " ".join(text.lower().split())
    try:
        return _instant(words, now) or _day(words, now)
    except (ValueError, OverflowError, OSError):  # the year 0, the 30th of February, 10^9 years ago
        return None


def _instant(words: str, now: float) -> Span | None:
    if words == "now":
        return Span(now, now)
    match = _AGO.fullmatch(words)
    unit = None if match is None else _UNITS.get(match[2])
    if match is None or unit is None:
        return None
    then = now - float(match[1]) * unit
    datetime.fromtimestamp(then)  # raises for what no calendar has
    return Span(then, then)


def _day(words: str, now: float) -> Span | None:
    day, _, clock = (
        words.replace("t", " ", 1).partition(" ") if words[:1].isdigit() else words.partition(" ")
    )
    start = _date(day, now)
    if start is None:
        return None
    if not clock:
        return _span(start, start + timedelta(days=1))
    for form, length in _CLOCKS:
        try:
            at = datetime.strptime(clock, form)
        except ValueError:
            continue
        begins = start.replace(hour=at.hour, minute=at.minute, second=at.second)
        return _span(begins, begins + length)
    return None


def _date(day: str, now: float) -> datetime | None:
    if day in _DAYS:
        midnight = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=_DAYS[day])
    return datetime.strptime(day, "%Y-%m-%d") if re.fullmatch(r"\d{4}-\d\d?-\d\d?", day) else None


def _span(start: datetime, end: datetime) -> Span:
    return Span(start.timestamp(), end.timestamp())
