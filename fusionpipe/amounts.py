"""Sizes and ages as people write them: "50G", "1.5 TB", "30d"."""

from __future__ import annotations

import re

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kMGTP]?)(i?)B?\s*", re.IGNORECASE)
_AGE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([smhdwy])\s*")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


def parse_size(text: str) -> int | None:
    """Bytes: "200G" is 200 × 1000³, as disks are sold, "200GiB" is 200 × 1024³. None if it is no size."""
    found = _SIZE.fullmatch(text)
    if found is None or (found[3] and not found[2]):
        return None
    unit: int = (1024 if found[3] else 1000) ** _POWERS[found[2].lower()]
    return round(float(found[1]) * unit)


def parse_age(text: str) -> float | None:
    """Seconds: "30d", "12h", "2w", "90m". None if it is no age."""
    found = _AGE.fullmatch(text)
    return None if found is None else float(found[1]) * _SECONDS[found[2]]
