"""How trees differ, for people: a line a file, what differs in it below, bounded at any number of files.

`difference_lines` is for every command that compares trees; what is said of results and builds as a
whole is in `compared.py`. Takes what is already decided. Never imports rich.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fusionpipe.compare import Difference, FileChange, How, NotCompared
from fusionpipe.report.contents import content_lines
from fusionpipe.report.output import Ink, Output, shown
from fusionpipe.report.words import counted, number, size
from fusionstore.tree import Entry, Kind

_GROUPS = 12  # directories in a summary
_DEEPEST = 4  # parts of their names
_BEFORE = 10  # files after which a summary is worth its lines

_MARKS = {
    How.ADDED: ("A", Ink.GOOD),
    How.REMOVED: ("D", Ink.BAD),
    How.RENAMED: ("R", Ink.NEWS),
    How.CHANGED: ("M", Ink.WARNING),
    How.MODE: ("X", Ink.WARNING),
}


class Depth(NamedTuple):
    """How much is told: so many files of a tree, and, of more, what tells the rest."""

    files: int = 30
    rest: str = ""


def difference_lines(
    difference: Difference,
    output: Output,
    *,
    prefix: str = "",
    depth: Depth = Depth(),  # noqa: B008  # a constant
) -> Iterator[str]:
    """The lines that tell how two trees differ, painted, without newlines. `prefix` comes before paths."""
    files = difference.files
    if len(files) > max(depth.files, _BEFORE):
        yield from _summary(files, output, prefix)
    for file in files[: depth.files]:
        yield _file_line(file, output, prefix)
        if file.content is not None:
            for line in content_lines(file.content, output):
                yield f"    {line}".rstrip()
    if len(files) > depth.files:
        more = counted(len(files) - depth.files, "more file")
        yield output.paint(f"… {more}" + (f" ({depth.rest})" if depth.rest else ""), Ink.FAINT)


def counts(files: Sequence[FileChange]) -> str:
    """`3 changed, 1 added`: how the files fared, the most telling first."""
    found = Counter(file.how for file in files)
    order = (How.CHANGED, How.ADDED, How.REMOVED, How.RENAMED, How.MODE)
    words = {How.MODE: "made or no longer executable"}
    return ", ".join(
        f"{number(found[how])} {words.get(how, how.value)}" for how in order if found[how]
    )


def _file_line(file: FileChange, output: Output, prefix: str) -> str:
    mark, ink = _MARKS[file.how]
    path = shown(prefix + file.path)
    if file.was:
        path = f"{shown(prefix + file.was)} → {path}"
    return f"{output.paint(mark, ink)} {path}  {output.paint(_facts(file), Ink.FAINT)}".rstrip()


def _facts(file: FileChange) -> str:
    """Sizes; for links where they lead."""
    old, new = file.old, file.new
    match file.how:
        case How.ADDED:
            return _fact(new)
        case How.REMOVED:
            return _fact(old)
        case How.RENAMED:
            return _fact(new)
        case How.MODE:
            is_now = new is not None and new.kind is Kind.EXECUTABLE
            return "executable now" if is_now else "no longer executable"
        case How.CHANGED:
            told = f"{_fact(old)} → {_fact(new)}"
            if _fact(old) == _fact(new) and old is not None and new is not None:
                told = f"{_fact(new)}, {old.digest[:8]} → {new.digest[:8]}"
            return told + (f", {file.content.why}" if isinstance(file.content, NotCompared) else "")


def _fact(entry: Entry | None) -> str:
    match entry:
        case None:
            return ""
        case Entry(kind=Kind.SYMLINK, target=target):
            return f"link to {shown(target)}"
        case Entry(kind=Kind.DIRECTORY):
            return "empty directory"
        case _:
            return size(entry.size)


def _summary(files: Sequence[FileChange], output: Output, prefix: str) -> Iterator[str]:
    """How many files fared how, directory by directory, as deep as fits."""
    yield f"{counted(len(files), 'file')}: {counts(files)}"
    groups = _groups(files)
    if len(groups) < 2:
        return
    width = max(len(shown(prefix + name)) for name in groups)
    for name, members in groups.items():
        yield f"  {shown(prefix + name):<{width}}  {output.paint(counts(members), Ink.FAINT)}"


def _groups(files: Sequence[FileChange]) -> dict[str, list[FileChange]]:
    """The files by the first parts of their paths, as many parts as leave few groups."""
    best: dict[str, list[FileChange]] = {}
    for depth in range(1, _DEEPEST + 1):
        groups: dict[str, list[FileChange]] = {}
        for file in files:
            parts = file.path.split("/")[:-1][:depth]
            groups.setdefault("".join(f"{part}/" for part in parts), []).append(file)
        if len(groups) > _GROUPS:
            break
        best = groups
    return dict(sorted(best.items()))
