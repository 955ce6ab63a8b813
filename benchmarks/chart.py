"""A chart with logarithmic axes as SVG text. Drawn here: no plotting library is worth a dependency for one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 560, 420
LEFT, RIGHT, TOP, BOTTOM = 62, 110, 40, 46
INKS = (
    "#c8102e",
    "#1b1b1b",
    "#1f6fb2",
    "#2a9d57",
    "#8e44ad",
    "#d98200",
    "#7a5c3e",
    "#4aa3a2",
    "#a0a0a0",
    "#d45fa0",
    "#5b6abf",
    "#90a020",
)


@dataclass(frozen=True, slots=True)
class Axis:
    """Decades from `low` to `high` on `start` to `end` of the picture."""

    low: int
    high: int
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def decades(self) -> range:
        """The powers of ten that get a line."""
        return range(self.low, self.high + 1)


def axis(values: Sequence[float], start: float, end: float) -> Axis:
    """Whole decades around values greater than 0."""
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    return Axis(low, max(high, low + 1), start, end)


def charts(panels: Mapping[str, Mapping[str, Points]]) -> str:
    """Panels side by side, title → name → one or more points (nodes, seconds); a name has one ink throughout."""
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    inks = {name: INKS[number % len(INKS)] for number, name in enumerate(names)}
    width = WIDTH * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{HEIGHT}" fill="white"/>',
    ]
    for number, (title, series) in enumerate(panels.items()):
        parts.append(f'<g transform="translate({number * WIDTH} 0)">')
        parts += _panel(title, series, inks)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(title: str, series: Mapping[str, Points], inks: Mapping[str, str]) -> list[str]:
    parts = [f'<text x="{LEFT}" y="22" font-size="14">{escape(title)}</text>']
    points = [point for each in series.values() for point in each]
    if not points:
        return [*parts, f'<text x="{LEFT}" y="60">not measured</text>']
    across = axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    up = axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    parts += _grid(across, up)
    for end in sorted({each[-1][0] for each in series.values()}):
        here = {name: each for name, each in series.items() if each[-1][0] == end}
        heights = _apart({name: up.at(each[-1][1]) for name, each in here.items()})
        for name, y in heights.items():
            parts += _line(name, series[name], (across, up), (y, inks[name]))
    return parts


def _grid(across: Axis, up: Axis) -> list[str]:
    parts = []
    for decade in across.decades():
        x = across.at(10**decade)
        parts.append(_stroke(x, up.start, x, up.end))
        parts.append(_text(x, up.start + 16, f"{10**decade:,}", "middle"))
    for decade in up.decades():
        y = up.at(10.0**decade)
        parts.append(_stroke(across.start, y, across.end, y))
        parts.append(_text(across.start - 6, y + 4, _seconds(decade), "end"))
    parts.append(_text((across.start + across.end) / 2, up.start + 34, "nodes", "middle"))
    return parts


def _line(
    name: str, points: Points, axes: tuple[Axis, Axis], label: tuple[float, str]
) -> list[str]:
    across, up = axes
    y, ink = label
    places = [(across.at(x), up.at(seconds)) for x, seconds in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    thick = 3 if name == "fp" else 1.5
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{thick}" fill="{ink}"/>' for x, y in places]
    last = f'<text x="{places[-1][0] + 8:.1f}" y="{y + 4:.1f}" fill="{ink}">{escape(name)}</text>'
    stroke = f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="{thick}"/>'
    return [stroke, *dots, last]


def _apart(places: Mapping[str, float], gap: float = 13) -> dict[str, float]:
    """The same heights, from the top, moved down where labels would overlap."""
    moved: dict[str, float] = {}
    last = -gap
    for name, y in sorted(places.items(), key=lambda item: item[1]):
        last = max(y, last + gap)
        moved[name] = last
    return moved


def _stroke(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _seconds(decade: int) -> str:
    if decade < 0:
        return f"{10 ** (decade + 3):g} ms"
    return f"{10**decade:g} s"
