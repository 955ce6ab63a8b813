"""Near names for a word that is not there. Used on errors only: it compares with every candidate."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, among: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The candidates most like `word`, best first; empty when none is near."""
    import difflib  # 5 ms that only an error has to pay

    candidates = sorted(set(among))
    by_last: dict[str, list[str]] = {}
    for candidate in candidates:
        by_last.setdefault(candidate.rpartition("/")[2], []).append(candidate)
    whole = difflib.get_close_matches(word, candidates, n=count, cutoff=0.6)
    last = difflib.get_close_matches(word.rpartition("/")[2], by_last, n=count, cutoff=0.75)
    near = dict.fromkeys([*whole, *(name for part in last for name in by_last[part])])
    return tuple(near)[:count]


def did_you_mean(word: str, among: Iterable[str], otherwise: str = "") -> str:
    """A sentence naming the nearest candidates, or `otherwise`."""
    near = nearest(word, among)
    if not near:
        return otherwise
    *rest, last = (f'"{name}"' for name in near)
    return f"did you mean {', '.join(rest)} or {last}?" if rest else f"did you mean {last}?"
