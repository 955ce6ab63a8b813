"""Finding what a node is made of besides its parents: paths as written to file sets.

Shared by code.py (code, libs) and inputs.py (inputs, locks). A set that many nodes name is read once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fusionpipe.disk import FileKind
from fusionpipe.errors import Problem
from fusionpipe.project.filewalk import Skip, Walked, walk_files
from fusionpipe.project.ignore import GENERATED, IGNORE_FILE, NotCode, Patterns, read_ignore_file
from fusionpipe.project.nodefile import Declared, Written
from fusionpipe.project.reading import Reading, is_outside, join
from fusionpipe.project.suggest import did_you_mean
from fusionpipe.project.territory import Territory


class Asker(NamedTuple):
    """A node asking for files, and the file that says so. `node` is "" for [defaults]."""

    node: str
    declared: Declared

    def problem(self, written: Written, what: str, mend: str = "") -> Problem:
        """A mistake at what was written."""
        return self.declared.problem(written.key, what, mend)


_ONLY_DROPPINGS: Skip = NotCode().leaves_out


class Materials:
    """Where paths are looked up, during one load."""

    def __init__(self, reading: Reading, territory: Territory) -> None:
        self.reading = reading
        self.territory = territory
        self._root_patterns = read_ignore_file(reading, "")
        self._walked: dict[str, Walked] = {}

    def look_up(self, asker: Asker, written: Written) -> str | None:
        """A lib's or lock's path: beside the node, else from the root; what is wrong is noted."""
        text = written.text
        if text.startswith("/"):
            return self._existing(asker, written, join("", text.lstrip("/")))
        beside = join(asker.node, text)
        if text.startswith(("./", "../")) or text in (".", ".."):
            return self._existing(asker, written, beside)
        at_root = join("", text)
        is_generated = (
            text.partition("/")[0] in GENERATED
        )  # libs/x beside the node is what a build links
        if beside == at_root or is_generated or self.reading.disk.kind(beside) is None:
            return self._existing(asker, written, at_root)
        if self.reading.disk.kind(at_root) is not None:
            mend = f'write "./{text}" for the one beside the node or "/{text}" for the other'
            self.refuse(asker, written, f'"{text}" is both {beside} and {at_root}', mend)
            return None
        return self._existing(asker, written, beside)

    def _existing(self, asker: Asker, written: Written, path: str) -> str | None:
        if is_outside(path):
            mend = "only inputs and sources may lie elsewhere: copy it into the project"
            self.refuse(asker, written, f'"{written.text}" is outside of the project', mend)
            return None
        if self.reading.disk.kind(path) is None:
            self.refuse_missing(asker, written, path)
            return None
        return path if self.is_allowed(asker, written, path) else None

    def is_allowed(self, asker: Asker, written: Written, path: str) -> bool:
        """True unless the path belongs to what builds write; that is noted."""
        if writer := self.territory.generated_by(path):
            mend = "name a file that nothing generates"
            if writer != asker.node:
                mend = f'read its results as a parent: parents = ["/{writer}"]'
            self.refuse(
                asker, written, f'"{written.text}" is written by the build of {writer}', mend
            )
            return False
        if self.territory.holds_nodes(path) and self.reading.is_directory(path):
            mend = "its results would be part of it: name the files or a directory without nodes"
            self.refuse(asker, written, f'"{written.text}" contains nodes', mend)
            return False
        return True

    def refuse_missing(self, asker: Asker, written: Written, path: str) -> None:
        """Notes that nothing is there, with near names from the same directory."""
        directory, _, name = path.rpartition("/")
        names = [listed.name for listed in self.reading.scan(directory)]
        mend = did_you_mean(name, names, f"looked for {path or '.'}")
        self.refuse(asker, written, f'"{written.text}" is not there', mend)

    def refuse(self, asker: Asker, written: Written, what: str, mend: str = "") -> None:
        """Notes a mistake at what was written."""
        self.reading.add((asker.problem(written, f"{written.key[0]}: {what}", mend),))

    def is_readable_kind(self, asker: Asker, written: Written, path: str) -> bool:
        """True for files and directories; sockets, fifos and devices are noted."""
        if self.reading.disk.kind(path) is not FileKind.OTHER:
            return True
        self.refuse(asker, written, f'"{written.text}" is a socket, fifo or device', "name a file")
        return False

    def not_code(self, *directories: str, at_top: Iterable[str] = ()) -> Skip:
        """What is not code below the first directory; .fpignore counts in all of them and at the root."""
        layers: list[Patterns] = []
        for directory in dict.fromkeys(directories):
            if directory and self.reading.holds(directory, IGNORE_FILE):
                patterns = read_ignore_file(self.reading, directory)
                layers += [patterns] if patterns else []
        layers += [self._root_patterns] if self._root_patterns else []
        if not layers and not at_top:
            return _ONLY_DROPPINGS
        top = directories[0] if directories else ""
        return NotCode(tuple(layers), top, frozenset(at_top)).leaves_out

    def walk(self, directory: str, skip: Skip) -> Walked:
        """The files of a directory, walked anew."""
        return walk_files(self.reading, directory, skip)

    def walk_once(self, directory: str, skip: Skip) -> Walked:
        """The files of a directory that several nodes share; `skip` must be the same each time."""
        walked = self._walked.get(directory)
        if walked is None:
            walked = self._walked[directory] = self.walk(directory, skip)
        return walked
