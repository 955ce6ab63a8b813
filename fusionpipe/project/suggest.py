"""Near names for a word that is not there. Used on errors only: it compares with every candidate."""

from __future__ import annotations

from collections.abc import Iterable

_NEAR = 0.6
_AS_NEAR = 0.05  # how much less alike than the best one still is worth naming


def nearest(word: str, among: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The candidates most like `word`, best first; empty when none is near.

    A path is as near as its last part, which is what people write.
    """
    from difflib import SequenceMatcher  # 5 ms that only an error has to pay

    def likeness(matcher: SequenceMatcher[str], candidate: str) -> float:
        matcher.set_seq1(candidate)
        return matcher.ratio() if matcher.quick_ratio() >= _NEAR else 0.0

    whole, last = (SequenceMatcher(None, "", text) for text in (word, word.rpartition("/")[2]))
    scored = sorted(
        (-max(likeness(whole, candidate), likeness(last, candidate.rpartition("/")[2])), candidate)
        for candidate in set(among)
    )
    if not scored or -scored[0][0] < _NEAR:
        return ()
    return tuple(
        candidate for score, candidate in scored[:count] if score <= scored[0][0] + _AS_NEAR
    )


def did_you_mean(word: str, among: Iterable[str], otherwise: str = "") -> str:
    """A sentence naming the nearest candidates, or `otherwise`."""
    near = nearest(word, among)
    if not near:
        return otherwise
    *rest, last = (f'"{name}"' for name in near)
    return f"did you mean {', '.join(rest)} or {last}?" if rest else f"did you mean {last}?"
