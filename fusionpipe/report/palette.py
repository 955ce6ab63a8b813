"""The colours of a node's state in pictures: pale fills under dark text, so they do on any background."""

from __future__ import annotations

_COLOURS = {
    "fresh": ("#dff3e4", "#2f9e57"),
    "source": ("#e3eefb", "#3d7fc7"),
    "restorable": ("#dcf3f5", "#2594a3"),
    "stale": ("#fdf0cf", "#c08a12"),
    "never run": ("#f4f5f7", "#8a919c"),
    "failed": ("#fde2e0", "#cf3a32"),
    "modified by hand": ("#f0e5fb", "#8a55c9"),
}
_OTHER = ("#f4f5f7", "#8a919c")


def colours_of(state: str) -> tuple[str, str]:
    """Fill and line of a state of status.py; grey for any other word, and for none."""
    return _COLOURS.get(state, _OTHER)
