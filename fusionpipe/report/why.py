"""`fp why`: an explanation on the screen, a headline and sections with their diffs.

Takes text that is already decided; what changed and why is `explain`'s to say. Never imports rich.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TextIO

from fusionpipe.model import NodeName
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import counted

_LONG = 200  # lines of one diff; more scroll the headline away


@dataclass(frozen=True, slots=True)
class Section:
    """One thing to say: a title, lines below it, and lines of a unified diff (without newlines)."""

    title: str
    lines: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()


def render_sections(
    headline: str, sections: Sequence[Section], *, out: TextIO, colour: bool
) -> None:
    """Writes the headline, then each section indented, diffs coloured."""
    output = Output(out, colour=colour)
    lines = [output.paint(shown(headline), Ink.STRONG)]
    for section in sections:
        lines += _section_lines(section, output)
    output.write("".join(f"{line}\n" for line in lines))


def render_sections_json(
    node: NodeName, headline: str, sections: Sequence[Section], *, out: TextIO
) -> None:
    """Writes one JSON object: `node`, `headline`, `sections` with `title`, `lines`, `diff`."""
    told = {"node": node, "headline": headline, "sections": [asdict(one) for one in sections]}
    Output(out, colour=False).line(json.dumps(told))


def _section_lines(section: Section, output: Output) -> Iterator[str]:
    yield f"  {shown(section.title)}".rstrip()
    for line in section.lines:
        yield f"    {shown(line)}".rstrip()
    for line in section.diff[:_LONG]:
        yield f"    {_diff_line(shown(line), output)}".rstrip()
    if len(section.diff) > _LONG:
        more = counted(len(section.diff) - _LONG, "more line")
        yield "    " + output.paint(f"… {more} of this diff", Ink.FAINT)


def _diff_line(line: str, output: Output) -> str:
    match line[:1]:
        case _ if line.startswith(("--- ", "+++ ")):
            return output.paint(line, Ink.STRONG)
        case "@":
            return output.paint(line, Ink.NEWS)
        case "+":
            return output.paint(line, Ink.GOOD)
        case "-":
            return output.paint(line, Ink.BAD)
        case _:
            return line
