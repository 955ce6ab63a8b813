"""The live part of the terminal, drawn with rich: rows of what goes on, and a line of counts.

The only file that imports rich, and only once there is something to draw: the import costs as much as
a whole build that has nothing to do. Everything here is called from one thread at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from fusionpipe.report.progress import Row

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_NARROW = 72  # columns: below this the text needs the room of the bar
_ECHO = (
    3  # columns left free in the last line: a ^C that wraps there pushes a row out of what is wiped
)
_WIDE = 112  # from here on a bar may be long


class LiveView:
    """Lines that are redrawn in place at the bottom of the terminal.

    `console` is made for `out` unless given; its size is asked anew at every drawing.
    """

    def __init__(self, out: TextIO, *, colour: bool, console: Console | None = None) -> None:
        from rich.console import Console  # here for start-up: see the top
        from rich.live import Live

        self._console = console or Console(
            file=out, force_terminal=True, no_color=not colour, highlight=False
        )
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def draw(self, above: Sequence[str], rows: Sequence[Row], counts: Sequence[str]) -> None:
        """Shows rows and counts in place of those before; `above` stays, with its ANSI colours."""
        from rich.text import Text  # here for start-up: see the top

        frame = _frame(rows, counts, self._console.width, self._console.height)
        with self._console:  # one write for both, or the eye sees the old frame below the new lines
            if above:
                self._console.print(Text("\n").join(map(Text.from_ansi, above)), soft_wrap=True)
            self._live.update(frame, refresh=True)

    def stop(self) -> None:
        """Wipes the live part and gives the cursor back."""
        self._live.stop()


def _frame(rows: Sequence[Row], counts: Sequence[str], width: int, height: int) -> RenderableType:
    """As many rows as leave half of the screen to what was printed above, then the counts."""
    from rich.console import Group
    from rich.text import Text

    room = max(1, height // 2 - 2)
    shown = rows if len(rows) <= room else rows[: room - 1]
    parts: list[RenderableType] = [_table(shown, width)] if shown else []
    if len(shown) < len(rows):
        more = f"  … and {len(rows) - len(shown):,} more"
        parts.append(Text(more, style="dim", no_wrap=True, overflow="ellipsis"))
    told = Text(" · ".join(counts), style="bold", no_wrap=True)
    told.truncate(max(1, width - _ECHO), overflow="ellipsis")
    parts.append(told)
    return Group(*parts)


def _table(rows: Sequence[Row], width: int) -> RenderableType:
    from rich.cells import cell_len
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    # Long names give way to how far their nodes are, but only so far: a row nobody can name is no use.
    is_narrow = width < _NARROW
    widest = width * 2 // 5 if is_narrow else width // 3
    names = min(widest, 2 + max(cell_len(row.node) for row in rows))
    bar = 0 if is_narrow else 24 if width >= _WIDE else 12
    gaps = 4 if is_narrow else 6
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", width=names)
    if bar:
        table.add_column(no_wrap=True, width=bar)
    table.add_column(
        no_wrap=True, overflow="ellipsis", max_width=max(1, width - names - bar - gaps)
    )
    for row in rows:
        cells: list[RenderableType] = [
            Text(f"  {_end_of(row.node, names - 2)}"),
            Text(row.text, style="cyan"),
        ]
        if bar:
            known = row.fraction is not None
            cells.insert(1, ProgressBar(1.0, row.fraction or 0.0, width=bar) if known else "")
        table.add_row(*cells)
    return table


def _end_of(name: str, room: int) -> str:
    """A name cut to so many columns from its beginning: nodes of a group differ in their ends."""
    from rich.cells import cell_len

    if cell_len(name) <= room:
        return name
    while name and cell_len(name) > room - 1:
        name = name[1:]
    return f"…{name}"
