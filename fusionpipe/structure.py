"""What a project's graph was made from: for every path, what was asked of it and a mark of the answers.

The graph is a function of these answers alone. So when some paths look other than they did, it is enough to
ask the same of them again: equal marks, equal graph, and no file of any other node has to be read. Nothing
here reads by itself; the disk does.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from blake3 import blake3

from fusionpipe.disk import Listed
from fusionpipe.workspace import GENERATED, Answer, Question, Workspace

Structure = tuple[tuple[str, ...], bytes]
"""Paths, each once for every question; as many marks in a row: the question's letter, and a digest of the
answer. Plain, for `memo`, and few objects: a large project has half a million of these paths."""

NO_STRUCTURE: Structure = ((), b"")

_DIGEST_BYTES = 12
_MARK_BYTES = 1 + _DIGEST_BYTES
_LATER = bytes(_DIGEST_BYTES)
_BITS = {
    ord(question): 1 << at for at, question in enumerate(Question)
}  # an enum's own hash is slow


class Marker:
    """Takes down what is asked while the graph is made. Of a question asked twice the first answer counts."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}
        self._paths: list[str] = []
        self._marks = bytearray()

    def note(self, path: str, question: Question, answer: Answer) -> None:
        """Hears of a question and its answer."""
        before = self._asked.get(path, 0)
        letter = ord(question)
        bit = _BITS[letter]
        if before & bit:
            return
        self._asked[path] = before | bit
        self._paths.append(path)
        # which names count depends on whether a node is there: nobody knows yet
        is_listing = isinstance(answer, tuple)
        self._marks.append(letter)
        self._marks += _LATER if is_listing else _digest(answer, is_node=False)

    def structure(
        self, listings: Mapping[str, tuple[Listed, ...]], nodes: Container[str]
    ) -> Structure:
        """The marks of everything that was asked; `listings` are the directories as they were seen first."""
        marks, known = self._marks, dict[tuple[int, bool], bytes]()
        for at, path in enumerate(self._paths):
            start = at * _MARK_BYTES + 1
            if marks[start : start + _DIGEST_BYTES] == _LATER:
                listed, is_node = listings[path], path in nodes
                which = id(listed), is_node  # equal listings are one object
                if which not in known:
                    known[which] = _digest(listed, is_node=is_node)
                marks[start : start + _DIGEST_BYTES] = known[which]
        return tuple(self._paths), bytes(marks)


def marks_at(structure: Structure, paths: Container[str]) -> dict[str, dict[Question, bytes]]:
    """For those of the paths that the graph depends on: what was asked of them, and the marks."""
    every, marks = structure
    found: dict[str, dict[Question, bytes]] = {}
    for at, path in enumerate(every):
        if path in paths:
            mark = marks[at * _MARK_BYTES : (at + 1) * _MARK_BYTES]
            found.setdefault(path, {})[Question(mark[:1].decode())] = mark[1:]
    return found


def is_as_it_was(
    marks: Mapping[str, Mapping[Question, bytes]], disk: Workspace, nodes: Container[str]
) -> bool:
    """True if these paths, asked again, answer what they answered when the graph was made. Raises OSError."""
    for path, asked in marks.items():
        if Question.PRINT in asked:  # every change of it counts
            return False
        for question, mark in asked.items():
            if _digest(disk.ask(path, question), is_node=path in nodes) != mark:
                return False
    return True


def _digest(answer: Answer, *, is_node: bool) -> bytes:
    return blake3(_text(answer, is_node)).digest(_DIGEST_BYTES)


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
