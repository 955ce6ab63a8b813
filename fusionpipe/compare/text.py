"""Two texts as a unified diff, its length and its lines bounded. Pure."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from fusionpipe.compare.difference import TextChange
from fusionpipe.compare.lines import Block, common_blocks

_CONTEXT = 3
_LONGEST = 400  # characters of a line that are told
_LEAD = 80  # of these, before the first one that differs
_NO_NEWLINE = "\\ No newline at end of file"


def text_of(data: bytes) -> str | None:
    """What the bytes say in UTF-8, or None if they are no text."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def compare_texts(old: str, new: str, most: int) -> TextChange:
    """The difference of two texts, with at most so many lines of diff."""
    before, after = _lines(old), _lines(new)
    blocks = common_blocks(before, after)
    common = sum(block.length for block in blocks)
    diff = _unified(before, after, blocks)
    lines = tuple(islice(diff, most))
    return TextChange(
        added=len(after) - common,
        removed=len(before) - common,
        lines=lines,
        left_out=sum(1 for _ in diff),
        is_only_line_ends=_same_but_ends(before, after),
    )


def _lines(text: str) -> list[str]:
    """Lines with their ends; only a newline ends one, as in every other tool that counts lines."""
    return list(io.StringIO(text, newline="\n"))


def _same_but_ends(old: Sequence[str], new: Sequence[str]) -> bool:
    if len(old) != len(new) or old == new:
        return False
    return all(a.rstrip("\r\n") == b.rstrip("\r\n") for a, b in zip(old, new, strict=True))


def _unified(old: Sequence[str], new: Sequence[str], blocks: Sequence[Block]) -> Iterator[str]:
    for hunk in _hunks(blocks):
        first, last = hunk[0], hunk[-1]
        lead = min(first.length, _CONTEXT)
        start_old, start_new = first.old + first.length - lead, first.new + first.length - lead
        tail = min(last.length, _CONTEXT)
        yield (f"@@ -{_range(start_old, last.old + tail)} +{_range(start_new, last.new + tail)} @@")
        yield from _told(" ", old[start_old : start_old + lead])
        for before, after in pairwise(hunk):
            yield from _replaced(
                old[before.old + before.length : after.old],
                new[before.new + before.length : after.new],
            )
            shown = after.length if after is not last else tail
            yield from _told(" ", old[after.old : after.old + shown])


def _hunks(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks between which something differs; a long one ends a hunk and begins the next."""
    hunk = [blocks[0]]
    for block in blocks[1:-1]:
        hunk.append(block)
        if block.length > 2 * _CONTEXT:
            yield hunk
            hunk = [block]
    if len(blocks) > 1:
        yield [*hunk, blocks[-1]]


def _range(start: int, stop: int) -> str:
    """As `diff -u` writes it: from 1, and what is empty stands behind the line before it."""
    length = stop - start
    if length == 1:
        return f"{start + 1}"
    return f"{start + 1 if length else start},{length}"


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    starts = [0] * max(len(old), len(new))
    if len(old) == len(new):
        starts = [_first_difference(a, b) for a, b in zip(old, new, strict=True)]
    for sign, lines in (("-", old), ("+", new)):
        yield from _told(sign, lines, starts)


def _first_difference(a: str, b: str) -> int:
    if len(a) <= _LONGEST and len(b) <= _LONGEST:
        return 0
    both = zip(a, b, strict=False)
    return next((at for at, (one, two) in enumerate(both) if one != two), min(len(a), len(b)))


def _told(sign: str, lines: Sequence[str], starts: Sequence[int] = ()) -> Iterator[str]:
    for at, line in enumerate(lines):
        yield sign + _cut(line.rstrip("\r\n"), starts[at] if starts else 0)
        if not line.endswith("\n"):
            yield _NO_NEWLINE


def _cut(line: str, at: int) -> str:
    """A line, or of a long one the part around where it differs."""
    if len(line) <= _LONGEST:
        return line
    start = max(0, min(at - _LEAD, len(line) - _LONGEST))
    left = len(line) - start - _LONGEST
    return (
        (f"… {start:,} characters … " if start else "")
        + line[start : start + _LONGEST]
        + (f" … {left:,} characters …" if left > 0 else "")
    )
