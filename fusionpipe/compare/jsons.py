"""Two JSON documents by path, and files with one document a line. Pure.

Types are told apart (1 is not 1.0, nor true); every NaN is one. Lists are compared item by item after
what they begin and end with alike, so that one item put in or taken out is one difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fusionpipe.compare.difference import JsonChange, ValueChange

_LONGEST = 80  # characters of a value that are told
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w-]*$")


class NotJson(Exception):
    """The text is no JSON, or nested deeper than can be read."""


class _Missing(NamedTuple):
    """Stands for what is not there, which null is not."""


_MISSING = _Missing()
_Pair = tuple[str, object, object]


def parse(text: str) -> object:
    """The document a text is. Raises NotJson."""
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def parse_lines(text: str) -> list[object]:
    """The document on each line; blank lines are none. Raises NotJson."""
    return [parse(line) for line in text.split("\n") if line.strip()]


def compare_json(old: object, new: object, most: int) -> JsonChange:
    """The difference of two parsed documents, with at most so many values told. Raises NotJson."""
    try:
        return _counted(_differing(old, new), most)
    except RecursionError as error:
        raise NotJson("nested too deeply") from error


def _counted(pairs: Iterator[_Pair], most: int) -> JsonChange:
    added = removed = changed = 0
    values: list[ValueChange] = []
    for path, old, new in pairs:
        if isinstance(old, _Missing):
            added += 1
        elif isinstance(new, _Missing):
            removed += 1
        else:
            changed += 1
        if len(values) < most:
            values.append(ValueChange(path or "(all of it)", _shown(old), _shown(new)))
    return JsonChange(added, removed, changed, tuple(values))


def _differing(old: object, new: object) -> Iterator[_Pair]:
    """The innermost places that differ, in the order of the documents."""
    waiting: list[_Pair] = [("", old, new)]
    while waiting:
        path, was, now = waiting.pop()
        if isinstance(was, dict) and isinstance(now, dict):
            names = [*was, *(name for name in now if name not in was)]
            waiting += [
                (_member(path, name), was.get(name, _MISSING), now.get(name, _MISSING))
                for name in reversed(names)
            ]
        elif isinstance(was, list) and isinstance(now, list):
            waiting += reversed(list(_items(path, was, now)))
        elif not _is_same(was, now):
            yield path, was, now


def _items(path: str, old: Sequence[object], new: Sequence[object]) -> Iterator[_Pair]:
    shorter = min(len(old), len(new))
    both = zip(old, new, strict=False)
    start = next((at for at, (a, b) in enumerate(both) if not _is_same(a, b)), shorter)
    back = zip(reversed(old), reversed(new), strict=False)
    end = next((at for at, (a, b) in enumerate(back) if not _is_same(a, b)), shorter)
    end = min(end, shorter - start)
    for at in range(start, max(len(old), len(new)) - end):
        was = old[at] if at < len(old) - end else _MISSING
        now = new[at] if at < len(new) - end else _MISSING
        yield f"{path}[{at}]", was, now


def _is_same(old: object, new: object) -> bool:
    if type(old) is not type(new):
        return False
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_is_same(old[name], new[name]) for name in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_is_same, old, new))
    return old == new or (old != old and new != new)


def _member(path: str, name: str) -> str:
    if _PLAIN_NAME.match(name):
        return f"{path}.{name}" if path else name
    return f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def _shown(value: object) -> str | None:
    if isinstance(value, _Missing):
        return None
    if isinstance(value, dict | list) and len(value) > _LONGEST:  # not written out to be cut
        return f"({len(value):,} values)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
