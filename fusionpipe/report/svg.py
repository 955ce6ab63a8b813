"""The graph as a picture: boxes coloured by state, curves from parent to child, a legend.

One self-contained SVG without scripts, fonts or references, for light and dark pages. Sizes of text are
estimates: fonts differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from unicodedata import east_asian_width

from fusionpipe.model import Graph, NodeName
from fusionpipe.report.layout import Layout, lay_out
from fusionpipe.report.palette import colours_of

_MARGIN = 24
_ROW = 46  # from one box's middle to the next one's
_BOX = 30
_GAP = 64  # between layers, for the curves
_LETTER = 7.3  # mean width of a 13 px sans-serif letter
_NARROWEST, _LONGEST = 64, 34  # pixels; letters of a name before it is cut
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_STYLE = """
  text { font: 13px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .group { fill: #6a717c; }
  .legend { fill: #7a828e; font-size: 12px; }
  .edge { fill: none; stroke: #98a0ab; stroke-width: 1.4; }
  .tip { fill: #98a0ab; }
  @media (prefers-color-scheme: dark) { .legend { fill: #a9b1bc; } .edge { stroke: #717985; } .tip { fill: #717985; } }
"""


class _Places:
    """Pixels for a layout: every layer as wide as its widest name."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.widths = [float(_NARROWEST)] * layout.layers
        for name, layer in layout.layer.items():
            self.widths[layer] = max(self.widths[layer], _text_width(_cut(name)) + 26)
        self._lefts = [float(_MARGIN)]
        for width in self.widths:
            self._lefts.append(self._lefts[-1] + width + _GAP)
        self.right = self._lefts[-1] - _GAP if self.widths else float(_MARGIN)
        self.bottom = _MARGIN + _BOX + layout.tallest * _ROW

    def box(self, name: NodeName) -> tuple[float, float, float]:
        """Left, middle height and width of a node's box."""
        layer = self._layout.layer[name]
        return self._lefts[layer], self._y(self._layout.height[name]), self.widths[layer]

    def path(self, parent: NodeName, child: NodeName) -> str:
        """A curve from box to box, level across the layers it passes."""
        left, y, width = self.box(parent)
        end, end_y, _ = self.box(child)
        x = left + width
        steps = [f"M{x:.1f} {y:.1f}"]
        for layer, height in self._layout.routes[parent, child]:
            at, level = self._lefts[layer], self._y(height)
            steps.append(_curve(x, y, at, level))
            x, y = at + self.widths[layer], level
            steps.append(f"H{x:.1f}")
        steps.append(_curve(x, y, end - 6, end_y))
        return " ".join(steps)

    def _y(self, height: float) -> float:
        return _MARGIN + _BOX / 2 + height * _ROW


def to_svg(graph: Graph, states: Mapping[NodeName, str], focus: NodeName | None) -> str:
    """The picture, ending in a newline. Every box and curve has a title with the full names."""
    places = _Places(lay_out(graph))
    known = [
        state for state in dict.fromkeys(states.get(name, "") for name in graph.nodes) if state
    ]
    legend, legend_right = _legend(sorted(known), places.bottom + 40)
    width = max(places.right, legend_right) + _MARGIN
    height = places.bottom + (40 if known else 0) + _MARGIN
    edges = [
        _edge(places, parent, name)
        for name, node in graph.nodes.items()
        for parent in node.parent_nodes()
    ]
    boxes = [
        _box(
            places,
            name,
            states.get(name, ""),
            is_source=node.source is not None,
            is_focus=name == focus,
        )
        for name, node in graph.nodes.items()
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
    )
    tip = (
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="1" refY="4" orient="auto" '
        'markerUnits="userSpaceOnUse"><path class="tip" d="M0 0.5 L7 4 L0 7.5 Z"/></marker></defs>'
    )
    parts = [head, f"<style>{_STYLE}</style>", tip, *edges, *boxes, *legend, "</svg>"]
    return "\n".join(parts) + "\n"


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_x - x) / 2
    return f"C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _edge(places: _Places, parent: NodeName, child: NodeName) -> str:
    title = f"<title>{_xml(parent)} → {_xml(child)}</title>"
    return (
        f'<path class="edge" marker-end="url(#tip)" d="{places.path(parent, child)}">{title}</path>'
    )


def _box(places: _Places, name: NodeName, state: str, *, is_source: bool, is_focus: bool) -> str:
    left, middle, width = places.box(name)
    fill, line = colours_of(state)
    title = _xml(f"{name}: {state}" if state else name)
    radius = _BOX / 2 if is_source else 7
    group, slash, own = _cut(name).rpartition("/")
    text = f'<tspan class="group">{_xml(group + slash)}</tspan>{_xml(own)}'
    return (
        f"<g><title>{title}</title>"
        f'<rect x="{left:.1f}" y="{middle - _BOX / 2:.1f}" width="{width:.1f}" height="{_BOX}" '
        f'rx="{radius:g}" fill="{fill}" stroke="{line}" stroke-width="{3 if is_focus else 1.4}"/>'
        f'<text x="{left + width / 2:.1f}" y="{middle + 4.5:.1f}" text-anchor="middle">{text}</text></g>'
    )


def _legend(known: Sequence[str], y: float) -> tuple[list[str], float]:
    """A swatch and a word for each state there is, and where the last one ends."""
    parts, x = [], float(_MARGIN)
    for state in known:
        fill, line = colours_of(state)
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="14" height="12" rx="3" fill="{fill}" '
            f'stroke="{line}"/><text class="legend" x="{x + 20:.1f}" y="{y:.1f}">{_xml(state)}</text>'
        )
        x += 20 + _text_width(state) + 18
    return parts, x - 18 if known else x


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:14]}…{name[15 - _LONGEST :]}"


def _text_width(text: str) -> float:
    return sum(13 if east_asian_width(char) in "WF" else _LETTER for char in text)


def _xml(text: str) -> str:
    """Escaped, without what XML cannot hold at all (names of files may be any bytes)."""
    return escape(_NO_XML.sub("\ufffd", text))
