"""What a project's graph was made from: for every path, what was asked of it and a mark of the answers.

The graph is a function of these answers alone. So when some paths look other than they did, it is enough to
ask the same of them again: equal marks, equal graph, and no file of any other node has to be read. Nothing
here reads by itself; the disk does.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from blake3 import blake3

from fusionpipe.disk import Listed
from fusionpipe.workspace import GENERATED, Answer, Asked, Question, Workspace

Structure = dict[str, bytes]
"""By path: the letters of what was asked, ":", and a mark of the answers. Plain, for `memo`."""

_MARK_BYTES = 12


def structure_of(asked: Asked, nodes: Container[str]) -> Structure:
    """The marks of everything that was asked while the graph was made."""
    return {path: _entry(dict(answers), path in nodes) for path, answers in asked.items()}


def is_as_it_was(
    structure: Structure, paths: Iterable[str], disk: Workspace, nodes: Container[str]
) -> bool:
    """True if these paths, asked again, answer what they answered when the graph was made. Raises OSError."""
    for path in paths:
        letters = structure[path].partition(b":")[0].decode()
        answers = {Question(letter): disk.ask(path, Question(letter)) for letter in letters}
        if Question.PRINT in answers or _entry(answers, path in nodes) != structure[path]:
            return False
    return True


def _entry(answers: Mapping[Question, Answer], is_node: bool) -> bytes:
    ordered = sorted(answers)
    parts = [_text(answers[question], is_node) for question in ordered]
    mark = blake3(b"\0\0".join(parts)).digest(_MARK_BYTES)
    return "".join(ordered).encode() + b":" + mark


def _text(answer: Answer, is_node: bool) -> bytes:
    match answer:
        case bytes():
            return b"b" + answer
        case tuple():
            own = (row for row in answer if not is_node or row.name not in GENERATED)
            return b"n" + b"\0".join(map(_row, own))
        case _:
            return repr(answer).encode()


def _row(row: Listed) -> bytes:
    kind = row.kind.value.encode() + (b"x" if row.is_executable else b"-")
    return row.name.encode("utf-8", "surrogateescape") + b"\0" + kind
