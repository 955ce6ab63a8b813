"""Numbers as people say them: durations, bytes, counts, how long ago.

Pure and cheap: on the path of a build that has nothing to do, so it imports nothing heavy.
"""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def duration(seconds: float) -> str:
    """`85 ms`, `4.2 s`, `42 s`, `3 m 12 s`, `3 h 12 m`, `2 d 4 h`. Less than nothing is `0 ms`."""
    if round(seconds * 1000) < 1000:
        return f"{max(0, round(seconds * 1000))} ms"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "m", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "m")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    """Two units, the smaller cut off and not rounded, so that `60 m` is never said."""
    rest = whole % large // small
    return f"{whole // large:,} {large_unit}" + (f" {rest} {small_unit}" if rest else "")


def size(count: int) -> str:
    """Bytes in powers of ten, as disks are sold: `640 B`, `9.9 kB`, `35 MB`, `1.2 GB`."""
    sign, amount, unit = ("-" if count < 0 else ""), float(abs(count)), 0
    while unit + 1 < len(_UNITS) and round(amount) >= 1000:
        amount /= 1000
        unit += 1
    if unit and round(amount, 1) < 10:
        return f"{sign}{amount:.1f} {_UNITS[unit]}"
    return f"{sign}{round(amount)} {_UNITS[unit]}"


def growth(count: int) -> str:
    """Bytes with their sign: `+35 MB`, `-1.2 GB`, `+0 B`."""
    return size(count) if count < 0 else f"+{size(count)}"


def number(count: int) -> str:
    """`1,000`."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """`1 node`, `1,000 nodes`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def ago(then: float, now: float) -> str:
    """How long before `now` something was: `just now`, `5 minutes ago`, `2 days ago`.

    Both in seconds since the epoch. A time in the future (clocks differ between machines) is `just now`.
    """
    passed = now - then
    if passed < 45:
        return "just now"
    for limit, unit, noun in (
        (_HOUR, _MINUTE, "minute"),
        (_DAY, _HOUR, "hour"),
        (30 * _DAY, _DAY, "day"),
        (365 * _DAY, 30 * _DAY, "month"),
    ):
        if passed < limit:
            return f"{counted(max(1, int(passed // unit)), noun)} ago"
    return f"{counted(int(passed // (365 * _DAY)), 'year')} ago"
