"""Parameters: one canonical form for the key, one readable form for the code, and how they combine.

TOML knows dates and times, which nothing else here does. They become tagged strings, so that the date
2026-11-20 and the text "2026-11-20" remain two different parameters; the code sees both as ISO text. So do
nan, inf and -inf, which JSON lacks (a record is JSON) and of which one is not even equal to itself.
Pure: nothing here reads a file, and no mapping given in is changed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence

from fusionpipe.model import Params, ParamValue

_TAG = "\0"  # no text written by a person starts with it; one that does is tagged itself
_TEXT = _TAG + "text:"
_DATETIME = _TAG + "datetime:"
_DATE = _TAG + "date:"
_TIME = _TAG + "time:"
_FLOAT = _TAG + "float:"
UNQUOTED = (_DATETIME, _DATE, _TIME, _FLOAT)
"""How the canonical text of what TOML writes without quotes begins: the rest is as TOML has it."""
_TAGS = (_TEXT, _DATETIME, _DATE, _TIME)


class UnknownParam(KeyError):
    """A dotted name that is not declared: `missing` is the first part that is not there."""

    def __init__(self, dotted: str, missing: str, declared: Sequence[str]) -> None:
        super().__init__(dotted, missing, declared)
        self.dotted = dotted
        self.missing = missing
        self.declared = tuple(declared)

    def __str__(self) -> str:
        return f'no parameter is called "{self.dotted}"'


def canonical(value: object) -> ParamValue:
    """A value as tomllib gives it, in canonical form: keys sorted, dates and odd floats tagged.

    Integers, floats and booleans stay apart, and so do 0.0 and -0.0. Raises TypeError for a value that
    TOML does not know.
    """
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else f"{_FLOAT}{value}"
        case str():
            return _TEXT + value if value.startswith(_TAG) else value
        case list() | tuple():
            return [canonical(item) for item in value]
        case Mapping():
            return {str(key): canonical(value[key]) for key in sorted(value)}
        case _:
            return _moment(value)


def _moment(value: object) -> str:
    from datetime import date, datetime, time  # slow to import, seldom a parameter

    match value:
        case datetime():  # before date: a datetime is one
            return _DATETIME + value.isoformat()
        case date():
            return _DATE + value.isoformat()
        case time():
            return _TIME + value.isoformat()
        case _:
            raise TypeError(f"no parameter can be a {type(value).__name__}: {value!r}")


def canonical_params(table: Mapping[str, object]) -> Params:
    """A [params] table in canonical form."""
    return {key: canonical(table[key]) for key in sorted(table)}


def plain(value: ParamValue) -> ParamValue:
    """A canonical value as the code and people see it: the tags are gone, dates are ISO text."""
    match value:
        case str():
            if value.startswith(_FLOAT):
                return float(value[len(_FLOAT) :])
            for tag in _TAGS:
                if value.startswith(tag):
                    return value[len(tag) :]
            return value
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


def canonical_json(params: Mapping[str, ParamValue]) -> bytes:
    """The bytes of params.json: readable, sorted, UTF-8, equal for equal params.

    NaN and infinities are written as Python, R and MATLAB read them (NaN, Infinity).
    """
    if not params:
        return b"{}\n"
    shown = {key: plain(value) for key, value in params.items()}
    text = json.dumps(shown, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=True)
    return (text + "\n").encode()


def merge(base: Mapping[str, ParamValue], over: Mapping[str, ParamValue]) -> Params:
    """Both, `over` winning; tables are merged key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return {key: merged[key] for key in sorted(merged)}


def set_dotted(params: Mapping[str, ParamValue], dotted: str, value: ParamValue) -> Params:
    """The params with one declared value replaced. Raises UnknownParam when it is not declared.

    Keys that contain dots themselves are found too: the longest key that is declared wins.
    """
    for head, rest in _splits(dotted):
        if head not in params:
            continue
        if not rest:
            return {**params, head: value}
        below = params[head]
        if isinstance(below, dict):
            try:
                return {**params, head: set_dotted(below, rest, value)}
            except UnknownParam as error:
                declared = [f"{head}.{name}" for name in error.declared]
                raise UnknownParam(dotted, error.missing, declared) from None
    raise UnknownParam(dotted, dotted.partition(".")[0], sorted(params))


def _splits(dotted: str) -> Iterator[tuple[str, str]]:
    """Every way to take a leading key off, the longest key first."""
    yield dotted, ""
    at = dotted.rfind(".")
    while at > 0:
        yield dotted[:at], dotted[at + 1 :]
        at = dotted.rfind(".", 0, at)
