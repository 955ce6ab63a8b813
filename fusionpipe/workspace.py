"""The real `Disk`: the project's files, memoised under stat fingerprints, and what was seen of them.

Every path that was asked about is remembered with the fingerprint it had (`sightings`): that is what a
no-op compares. A memo is trusted only when its fingerprint still holds and was not racy when taken (git's
rule, in `fusionstore.statcache`); racy ones are read again.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar, assert_never

from fusionpipe.disk import FileKind, Listed
from fusionpipe.memory import Memory, Row, Rows
from fusionpipe.prints import Print, fingerprint_of, print_of
from fusionstore.digest import Digest, digest_file

Sighting = Print | str | None
"""What was learned of a path: its fingerprint; only its kind ("f", "d", "o"); or that nothing is there."""

Answer = Digest | bytes | tuple[Listed, ...] | FileKind | bool | None
"""What was found at a path: a file's digest, its bytes, the names in a directory, …"""


class Question(StrEnum):
    """What can be asked of a path, by one letter."""

    NAMES = "n"
    TEXT = "t"
    SHEBANG = "s"
    KIND = "k"
    EXECUTABLE = "x"
    DIGEST = "d"
    PRINT = "p"


Note = Callable[[str, Question, Answer], None]
"""Told of each question and its answer."""

_A = TypeVar("_A", bound=Answer)

_LONGEST_LINE = 4096

_KINDS = {
    stat.S_IFREG: FileKind.FILE,
    stat.S_IFDIR: FileKind.DIRECTORY,
    stat.S_IFLNK: FileKind.SYMLINK,
}
_LETTERS = {FileKind.FILE: "f", FileKind.DIRECTORY: "d", FileKind.OTHER: "o"}
_BY_LETTER = {letter: kind for kind, letter in _LETTERS.items()} | {"l": FileKind.SYMLINK}


class Workspace:
    """The files of one project during one build. Single-threaded but for `digest_many`'s reads.

    `is_settled` says whether a fingerprint is old enough to be trusted from now on.
    """

    def __init__(self, root: Path, memory: Memory, is_settled: Callable[[Print], bool]) -> None:
        self.root = root
        self.memory = memory
        self.sightings: dict[str, Sighting] = {}
        self.links: dict[str, str | None] = {}
        self.real_paths: dict[str, str] = {}
        self.racy: dict[str, dict[Question, Answer]] = {}
        self.note: Note | None = None  # while it is to be known what the answers depend on
        self.listings: dict[str, tuple[Listed, ...]] = {}  # each directory as first seen
        self.is_torn = False  # something was not the same each time it was looked at
        self._ones: dict[Rows, tuple[Rows, tuple[Listed, ...]]] = {}
        self._is_settled = is_settled
        self._prefix = f"{root}/"

    def absolute(self, path: str) -> str:
        """The path for the operating system."""
        return path if path.startswith("/") else self._prefix + path

    # -- Disk ----------------------------------------------------------------------------------
    def scan(self, directory: str) -> tuple[Listed, ...] | None:
        """See `Disk.scan`. The executable bit is looked at afresh for a file called `main` only."""
        return self._note(directory, Question.NAMES, self._scan(directory))

    def _scan(self, directory: str) -> tuple[Listed, ...] | None:
        place = self.absolute(directory)
        status = self._stat(directory)
        if status is None or not stat.S_ISDIR(status.st_mode):
            self._saw(directory, None if status is None else _letter(status))
            return None
        seen = print_of(status)
        self.sightings[directory] = seen  # our own links change it: what counts are the names
        known = self.memory.scans.get(directory)
        if known is not None and known[0] == seen:
            _, listed = self._one(_with_main(place, known[1]))
            self._saw_names(directory, listed)
            return listed
        rows, listed = self._one(_rows(place))
        self._saw_names(directory, listed)
        if self._is_settled(seen):
            self.memory.scans[directory] = (seen, rows)
        else:
            self._is_racy(directory, Question.NAMES, listed)
        return listed

    def _one(self, rows: Rows) -> tuple[Rows, tuple[Listed, ...]]:
        """The one object for all equal listings: most directories of a project hold the same names."""
        known = self._ones.get(rows)
        if known is None:
            listed = tuple([Listed(name, _BY_LETTER[kind], is_so) for name, kind, is_so in rows])
            known = self._ones[rows] = rows, listed
        return known

    def kind(self, path: str) -> FileKind | None:
        """See `Disk.kind`."""
        status = self._stat(path)
        kind = None
        if status is not None:
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), FileKind.OTHER)
        self._saw(path, None if kind is None else _LETTERS[kind])
        return self._note(path, Question.KIND, kind)

    def is_executable(self, path: str) -> bool:
        """See `Disk.is_executable`."""
        seen = self._stat(path)
        self._saw(path, None if seen is None else print_of(seen))
        is_so = seen is not None and bool(seen.st_mode & 0o111)
        return self._note(path, Question.EXECUTABLE, is_so)

    def read_link(self, path: str) -> str | None:
        """See `Disk.read_link`."""
        try:
            text = os.readlink(self.absolute(path))
        except OSError:
            text = None
        self.links[path] = text
        return text

    def real_path(self, path: str) -> str:
        """See `Disk.real_path`."""
        real = os.path.realpath(self.absolute(path))
        self.real_paths[path] = real
        base = os.path.realpath(self.root)
        if real == base:
            return ""
        return real[len(base) + 1 :] if real.startswith(base + "/") else real

    def read(self, path: str) -> bytes | None:
        """See `Disk.read`."""
        text = self._text(path, Question.TEXT, self.memory.texts, _read_all)
        return self._note(path, Question.TEXT, text)

    def shebang(self, path: str) -> bytes | None:
        """See `Disk.shebang`."""
        line = self._text(path, Question.SHEBANG, self.memory.shebangs, _read_shebang)
        return self._note(path, Question.SHEBANG, line)

    def _text(
        self,
        path: str,
        question: Question,
        memory: dict[str, tuple[Print, bytes]],
        read: Callable[[str], bytes],
    ) -> bytes | None:
        status = self._stat(path)
        if status is None or not stat.S_ISREG(status.st_mode):
            self._saw(path, None if status is None else _letter(status))
            return None
        seen = print_of(status)
        self._saw(path, seen)
        known = memory.get(path)
        if known is not None and known[0] == seen:
            return known[1]
        data = read(self.absolute(path))
        if self._is_settled(seen):
            memory[path] = (seen, data)
        else:
            self._is_racy(path, question, data)
        return data

    def digest(self, path: str) -> Digest:
        """See `Disk.digest`."""
        return self.digest_seen(path)[0]

    def size(self, path: str) -> int:
        """See `Disk.size`."""
        return os.stat(self.absolute(path)).st_size

    def fingerprint(self, path: str) -> tuple[int, ...] | None:
        """See `Disk.fingerprint`."""
        status = self._stat(path)
        seen = None if status is None else print_of(status)
        self._saw(path, seen)
        self._note(path, Question.PRINT, None)  # every change of it counts
        return None if seen is None else fingerprint_of(seen)

    # -- beyond Disk ---------------------------------------------------------------------------
    def digest_seen(
        self, path: str, read: Callable[[str], Digest] = digest_file
    ) -> tuple[Digest, os.stat_result]:
        """A file's digest and the `stat` it had; `read` hashes one that is not known. Raises OSError."""
        place = self.absolute(path)
        status = os.stat(place)
        seen = print_of(status)
        self._saw(path, seen)
        known = self.memory.files.get(path)
        if known is not None and known[0] == seen:
            return Digest(known[1]), status
        digest = read(place)
        after = os.stat(place)
        if print_of(after) == seen and self._is_settled(seen):
            self.memory.files[path] = (seen, digest)
        else:
            self._is_racy(path, Question.DIGEST, digest)
        return digest, status

    def settle(self) -> bool:
        """Reads anew what was too young to be trusted; the caller has let the clock move on.

        True when all that was seen is still what this build used: only then may the sightings be kept.
        """
        racy, self.racy = self.racy, {}
        is_same = True
        for path, learned in racy.items():
            for question, was in learned.items():
                try:
                    now = self.ask(path, question)
                except OSError:
                    now = None
                is_same = is_same and _own(now) == _own(was)
        return is_same and not self.racy and not self.is_torn

    def ask(self, path: str, question: Question) -> Answer:
        """The answer to a question, asked anew. Raises OSError."""
        match question:
            case Question.NAMES:
                return self.scan(path)
            case Question.TEXT:
                return self.read(path)
            case Question.SHEBANG:
                return self.shebang(path)
            case Question.KIND:
                return self.kind(path)
            case Question.EXECUTABLE:
                return self.is_executable(path)
            case Question.DIGEST:
                return self.digest(path)
            case Question.PRINT:
                self.fingerprint(path)
                return None
            case _:
                assert_never(question)

    def _is_racy(self, path: str, question: Question, learned: Answer) -> None:
        known = self.racy.setdefault(path, {})
        if _own(known.setdefault(question, learned)) != _own(learned):
            self.is_torn = True

    def _note(self, path: str, question: Question, answer: _A) -> _A:
        if self.note is not None:
            self.note(path, question, answer)
        return answer

    def forget(self, path: str) -> None:
        """A file was found to hold other bytes than its digest says: its fingerprint did not tell."""
        self.memory.files.pop(path, None)
        self.is_torn = True

    def forget_sightings(self) -> None:
        """Starts a new list of what was seen."""
        self.sightings = {}
        self.links = {}
        self.real_paths = {}

    def _saw(self, path: str, seen: Sighting) -> None:
        """Remembers what was seen; a kind never takes the place of a fingerprint, which says more."""
        before = self.sightings.setdefault(path, seen)
        if before == seen or (isinstance(before, bytes) and isinstance(seen, str)):
            return
        is_closer_look = isinstance(before, str) and isinstance(seen, bytes)
        self.is_torn = self.is_torn or not is_closer_look
        self.sightings[path] = seen

    def _saw_names(self, directory: str, listed: tuple[Listed, ...]) -> None:
        first = self.listings.setdefault(directory, listed)
        if first is not listed and _own(first) != _own(listed):
            self.is_torn = True

    def _stat(self, path: str) -> os.stat_result | None:
        try:
            return os.stat(self.absolute(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:  # a symlink that leads to itself
                return None
            raise


def _read_all(place: str) -> bytes:
    with open(place, "rb") as file:
        return file.read()


def _read_shebang(place: str) -> bytes:
    with open(place, "rb") as file:
        first = file.readline(_LONGEST_LINE)
    return first.removesuffix(b"\n") if first.startswith(b"#!") else b""


GENERATED = frozenset(
    {"data", "reports", "parents", "inputs", "libs", "logs.txt", "params.json", ".gitignore"}
)
"""Names that a build makes in a node's directory."""


def _own(seen: object) -> object:
    """What was seen, without the names that builds themselves make."""
    if isinstance(seen, tuple):
        return tuple(row for row in seen if row.name not in GENERATED)
    return seen


def kind_letter(entry: os.DirEntry[str]) -> str:
    """What a name in a directory stands for, as it is remembered."""
    if entry.is_symlink():
        return "l"
    if entry.is_dir(follow_symlinks=False):
        return "d"
    return "f" if entry.is_file(follow_symlinks=False) else "o"


def _rows(place: str) -> Rows:
    with os.scandir(place) as entries:
        return tuple(sorted([_row(entry) for entry in entries]))


def _row(entry: os.DirEntry[str]) -> Row:
    letter = kind_letter(entry)
    if letter != "f":
        return entry.name, letter, False
    return entry.name, letter, bool(entry.stat(follow_symlinks=False).st_mode & 0o111)


def _with_main(place: str, rows: Rows) -> Rows:
    """What was listed, an executable bit looked at anew: chmod does not change the directory, and only an
    executable `main` is an entry.
    """
    for at, (name, letter, _) in enumerate(rows):
        if name == "main" and letter == "f":
            is_so = bool(os.lstat(f"{place}/main").st_mode & 0o111)
            return (*rows[:at], (name, letter, is_so), *rows[at + 1 :])
    return rows


def _letter(status: os.stat_result) -> str:
    return _LETTERS[_KINDS.get(stat.S_IFMT(status.st_mode), FileKind.OTHER)]
