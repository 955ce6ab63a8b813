"""Which lines two texts have in common, within a fixed amount of work. Pure.

Lines that occur once in each text are the anchors of long ones (Cohen's patience diff); between them the
longest common runs are looked for, as `difflib` does, until the work is used up. Then lines count as common
that stand at the same place: a diff is longer than it could be, never wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from heapq import heappop, heappush
from itertools import accumulate
from typing import NamedTuple

_CLOSE = 250_000  # pairs of lines from which on anchors are looked for
_WORK = 10_000_000  # pairs of equal lines looked at: a second or two


class Block(NamedTuple):
    """`length` equal lines, from `old` and from `new` on."""

    old: int
    new: int
    length: int


def common_blocks(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    """Runs of equal lines in order, as long as they go; something differs between two of them.

    The first begins both texts, the last ends both: they may be empty.
    """
    start = _equal_from_start(old, new)
    end = _equal_from_end(old, new, start)
    pairs = [(at, at) for at in range(start)]
    work = _WORK
    at_old, at_new = start, start
    stops = [(len(old) - end, len(new) - end)]
    if (stops[0][0] - start) * (stops[0][1] - start) > _CLOSE:
        stops = [*_anchors(old, new, start, end), *stops]
    for stop_old, stop_new in stops:
        if stop_old > at_old and stop_new > at_new:
            found, work = _common_runs(old[at_old:stop_old], new[at_new:stop_new], work)
            pairs += [(at_old + a, at_new + b) for a, b in found]
        if stop_old < len(old) - end:
            pairs.append((stop_old, stop_new))
        at_old, at_new = stop_old + 1, stop_new + 1
    pairs += [(len(old) - left, len(new) - left) for left in range(end, 0, -1)]
    return _joined(pairs, len(old), len(new))


def _common_runs(
    old: Sequence[str], new: Sequence[str], work: int
) -> tuple[list[tuple[int, int]], int]:
    """Pairs of equal lines in order, long runs first, the largest gaps first; and the work left."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    often = Counter(new)
    costs = [0, *accumulate(often[line] + 1 for line in old)]
    pairs: list[tuple[int, int]] = []
    gaps = [(-len(old), 0, len(old), 0, len(new))]
    while gaps:
        _, old_from, old_to, new_from, new_to = heappop(gaps)
        cost = costs[old_to] - costs[old_from]
        if cost > work:
            in_step = zip(range(old_from, old_to), range(new_from, new_to), strict=False)
            pairs += [(a, b) for a, b in in_step if old[a] == new[b]]
            continue
        work -= cost
        a, b, length = matcher.find_longest_match(old_from, old_to, new_from, new_to)
        if not length:
            continue
        pairs += [(a + step, b + step) for step in range(length)]
        for gap in ((old_from, a, new_from, b), (a + length, old_to, b + length, new_to)):
            if gap[0] < gap[1] and gap[2] < gap[3]:
                heappush(gaps, (gap[0] - gap[1], *gap))
    # long runs can lead astray where lines repeat in a rhythm
    in_place = [(at, at) for at, (a, b) in enumerate(zip(old, new, strict=False)) if a == b]
    return max(sorted(pairs), in_place, key=len), work


def _equal_from_start(old: Sequence[str], new: Sequence[str]) -> int:
    both = zip(old, new, strict=False)
    shorter = min(len(old), len(new))
    return next((at for at, (a, b) in enumerate(both) if a != b), shorter)


def _equal_from_end(old: Sequence[str], new: Sequence[str], start: int) -> int:
    room = min(len(old), len(new)) - start
    both = zip(reversed(old), reversed(new), strict=False)
    found = next((at for at, (a, b) in enumerate(both) if a != b), room)
    return min(found, room)


def _anchors(old: Sequence[str], new: Sequence[str], start: int, end: int) -> list[tuple[int, int]]:
    """Lines that are unique on both sides, the longest run of them that keeps its order."""
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    once_old = {line for line, count in Counter(middle_old).items() if count == 1}
    once = {line for line, count in Counter(middle_new).items() if count == 1} & once_old
    place = {line: at for at, line in enumerate(middle_new, start) if line in once}
    unique = [(at, place[line]) for at, line in enumerate(middle_old, start) if line in place]
    return _longest_rising(unique)


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence in which the second numbers rise (by patience sorting)."""
    tops: list[int] = []
    top_pairs: list[int] = []
    before: list[int] = []
    for at, (_, value) in enumerate(pairs):
        pile = bisect_left(tops, value)
        before.append(top_pairs[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(value)
            top_pairs.append(at)
        else:
            tops[pile], top_pairs[pile] = value, at
    found: list[tuple[int, int]] = []
    at = top_pairs[-1] if top_pairs else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _joined(pairs: Sequence[tuple[int, int]], old: int, new: int) -> list[Block]:
    blocks = [Block(0, 0, 0)]
    for a, b in pairs:
        last = blocks[-1]
        if (a, b) == (last.old + last.length, last.new + last.length):
            blocks[-1] = last._replace(length=last.length + 1)
        else:
            blocks.append(Block(a, b, 1))
    last = blocks[-1]
    if (last.old + last.length, last.new + last.length) != (old, new):
        blocks.append(Block(old, new, 0))
    return blocks
