"""Blobs and trees in memory, laid out on disk only where somebody asks for a path. Every check re-hashes."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from fusionstore.digest import Digest, digest_bytes
from fusionstore.errors import TreeLost, UnstorableFile
from fusionstore.ingest import describe, inner_target
from fusionstore.tree import Entry, Kind, Tree, build, decode


class MemoryTrees:
    """What a memory store has bytes of. The caller sees to it that one thread is here at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.blobs: dict[Digest, bytes] = {}
        self.encodings: dict[Digest, bytes] = {}
        self._asides = itertools.count(1)
        self._findings: list[str] = []

    # -- bringing in ------------------------------------------------------------------------
    def read_in(self, directory: Path) -> Tree:
        """Reads a directory in and lays it out at its place."""
        tree = build(dict(self._read(str(directory), "")))
        self.encodings.update(tree.directories)
        self.check(tree.root)
        return tree

    def read_file(self, path: Path) -> Digest:
        """Reads a file in."""
        data = path.read_bytes()
        digest = digest_bytes(data)
        self.blobs[digest] = data
        return digest

    def adopt(self, tree: Tree) -> Path:
        """Lays a tree out whose blobs are all stored."""
        for path, entry in tree.walk():
            if entry.kind in (Kind.FILE, Kind.EXECUTABLE) and entry.digest not in self.blobs:
                raise TreeLost(tree.root, f"the bytes of {path!r} are gone")
        self.encodings.update(tree.directories)
        return self.check(tree.root)

    # -- using ------------------------------------------------------------------------------
    def path(self, tree: Digest) -> Path:
        """Where a tree is laid out."""
        return self._directory / "trees" / tree

    def laid_out(self) -> Iterable[Path]:
        """Every tree that is."""
        return (self._directory / "trees").glob("*")

    def object_path(self, digest: Digest, *, executable: bool = False) -> Path:
        """A file with a blob's bytes."""
        if digest not in self.blobs:
            raise KeyError(digest)
        path = self._directory / "objects" / (digest + "x" * executable)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write(path, digest, executable=executable)
        return path

    def check(self, tree: Digest) -> Path:
        """Compares every byte with memory, and lays the tree out again if any differs."""
        path = self.path(tree)
        try:
            wanted = dict(self.tree(tree).walk())
        except KeyError:
            raise TreeLost(tree, "no record or root tells what it held") from None
        if not path.is_dir() or not self.is_whole(tree):
            if path.is_dir():
                self._set_aside(path, wanted)
            self._lay_out(path, wanted)
        return path

    def is_whole(self, tree: Digest) -> bool:
        """True if what is laid out has all its bytes, and no others."""
        try:
            return build(dict(self._read(str(self.path(tree)), ""))).root == tree
        except UnstorableFile:
            return False

    def take_findings(self) -> Sequence[str]:
        """What `check` found."""
        found, self._findings = self._findings, []
        return found

    def tree(self, root: Digest) -> Tree:
        """The encodings of a tree."""
        reached: dict[Digest, bytes] = {}
        self.reach(root, reached)
        return Tree(root, reached)

    def reach(self, tree: Digest, reached: dict[Digest, bytes]) -> None:
        """Adds the encodings of a tree and of all below it. Raises KeyError."""
        reached[tree] = self.encodings[tree]
        for entry in decode(reached[tree]):
            if entry.kind is Kind.DIRECTORY:
                self.reach(entry.digest, reached)

    # -- within -----------------------------------------------------------------------------
    def _read(self, root: str, prefix: str) -> list[tuple[str, Entry]]:
        found: list[tuple[str, Entry]] = []
        for name in os.listdir(f"{root}/{prefix}"):
            path = prefix + name
            mode = os.lstat(f"{root}/{path}").st_mode
            if stat.S_ISDIR(mode):
                below = self._read(root, path + "/")
                found += below or [(path, Entry(name, Kind.DIRECTORY))]
            elif stat.S_ISLNK(mode):
                found.append((path, Entry(name, Kind.SYMLINK, target=inner_target(root, path))))
            elif stat.S_ISREG(mode):
                kind = Kind.EXECUTABLE if mode & 0o111 else Kind.FILE
                digest = self.read_file(Path(root, path))
                found.append((path, Entry(name, kind, digest, len(self.blobs[digest]))))
            else:
                raise UnstorableFile(path, describe(mode))
        return found

    def _set_aside(self, path: Path, wanted: dict[str, Entry]) -> None:
        aside = self._directory / "quarantine" / f"{path.name[:12]}-{next(self._asides)}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        names = {str(found.relative_to(path)) for found in path.rglob("*")}
        os.rename(path, aside)
        for name in sorted(names ^ set(wanted)) or ["a changed file"]:
            self._findings.append(f"{path}/{name}: the tree was altered; it was moved to {aside}")

    def _lay_out(self, path: Path, wanted: dict[str, Entry]) -> None:
        path.mkdir(parents=True)
        for name, entry in wanted.items():
            if entry.kind is Kind.DIRECTORY:
                (path / name).mkdir()
            elif entry.kind is Kind.SYMLINK:
                (path / name).symlink_to(entry.target)
            else:
                executable = entry.kind is Kind.EXECUTABLE
                self._write(path / name, entry.digest, executable=executable)

    def _write(self, path: Path, digest: Digest, *, executable: bool) -> None:
        data = self.blobs[digest]
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        path.chmod(0o555 if executable else 0o444)


def files_in(trees: Sequence[Tree]) -> list[Digest]:
    """The blobs of all files of these trees."""
    kinds = (Kind.FILE, Kind.EXECUTABLE)
    return [entry.digest for tree in trees for _, entry in tree.walk() if entry.kind in kinds]
