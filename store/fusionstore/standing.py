"""The trees that are laid out, against their seals and what their digests stand for. Reads only."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from fusionstore.digest import Digest, RecordId
from fusionstore.errors import Corrupt
from fusionstore.findings import Fault, Finding, Progress, Tell
from fusionstore.holdings import Holdings, what_is_wrong
from fusionstore.index import Index
from fusionstore.layout import Layout, blob_name
from fusionstore.seal import scan_seal, stamp
from fusionstore.tree import Entry, Kind, Tree

_DIGEST = 64


@dataclass(slots=True)
class Standing:
    """What was found of the laid out trees."""

    count: int = 0
    findings: list[Finding] = field(default_factory=list)
    to_learn: list[Digest] = field(default_factory=list)  # good, but not as remembered


class StandingTrees:
    """Looks at trees; `read_tree` gives the encodings of one that something names."""

    def __init__(self, layout: Layout, index: Index, read_tree: Callable[[Digest], Tree]) -> None:
        self._layout = layout
        self._index = index
        self._read_tree = read_tree

    def look(
        self,
        holdings: Holdings,
        named: Collection[Digest],
        wanted: Mapping[Digest, RecordId | None],
        tell: Tell,
        *,
        deep: bool,
    ) -> Standing:
        """Every named tree. One whose seal holds is good, unless the look is `deep`."""
        found, seals = Standing(), self._index.seals()
        names = sorted(os.listdir(self._layout.trees))
        found.count = len(names)
        for number, name in enumerate(names):
            tell(Progress("trees", number, len(names)))
            tree, path = Digest(name), f"{self._layout.trees}/{name}"
            if len(name) != _DIGEST or not os.path.isdir(path) or os.path.islink(path):
                found.findings.append(_misplaced(path, tree, named))
            elif tree in named:
                self._tree(found, holdings, tree, seals.get(tree), deep=deep)
        missing = (seals.keys() & wanted.keys() & set(named)) - {*names}
        found.findings += self._missing(sorted(missing), wanted)
        return found

    def _tree(
        self,
        found: Standing,
        holdings: Holdings,
        tree: Digest,
        seal: bytes | None,
        *,
        deep: bool,
    ) -> None:
        path = self._layout.tree(tree)
        holds = seal is not None and _holds(path, seal)
        if holds and not deep:
            return
        # of a tree nobody sealed (the index was lost) names and sizes are compared, until it is used
        wrong = self._difference(holdings, tree, reads=deep or seal is not None)
        if wrong:
            found.findings.append(Finding(Fault.TREE_ALTERED, path, wrong, tree, trees=(tree,)))
        elif not holds and (deep or seal is not None):
            found.to_learn.append(tree)

    def _difference(self, holdings: Holdings, tree: Digest, *, reads: bool) -> str:
        path = self._layout.tree(tree)
        try:
            return next(_differences(path, self._read_tree(tree), holdings, reads=reads), "")
        except (KeyError, Corrupt):
            return ""  # what names it is told as damaged
        except OSError as error:
            return "" if not os.path.lexists(path) else f"{error.filename}: {error.strerror}"

    def _missing(
        self, trees: list[Digest], wanted: Mapping[Digest, RecordId | None]
    ) -> Iterator[Finding]:
        for tree in trees:
            path = self._layout.tree(tree)
            if self._index.seal(tree) is not None and not os.path.lexists(path):
                id = wanted[tree]
                records = () if id is None else (id,)
                yield Finding(Fault.TREE_MISSING, path, "", tree, trees=(tree,), records=records)


def _misplaced(path: str, tree: Digest, named: Collection[Digest]) -> Finding:
    if tree in named:
        return Finding(Fault.TREE_ALTERED, path, "it is no directory", tree, trees=(tree,))
    return Finding(Fault.STRANGER, path)


def _holds(path: str, seal: bytes) -> bool:
    try:
        return scan_seal(path) == seal
    except OSError:
        return False


def _differences(place: str, tree: Tree, holdings: Holdings, *, reads: bool) -> Iterator[str]:
    """What stands at `place` and is not the tree: names, kinds and sizes, and with `reads` the bytes."""
    for prefix, digest in [("", tree.root), *_directories(tree)]:
        expected = {entry.name: entry for entry in tree.entries(digest)}
        with os.scandir(f"{place}/{prefix}") as names:
            found = {entry.name: entry for entry in names}
        for name in sorted(found.keys() ^ expected.keys()):
            yield f"{prefix}{name} is {'missing' if name in expected else 'not part of it'}"
        for name in sorted(found.keys() & expected.keys()):
            if not _is_same(found[name], expected[name], holdings, reads=reads):
                yield f"{prefix}{name} is not what was stored"


def _is_same(found: os.DirEntry[str], entry: Entry, holdings: Holdings, *, reads: bool) -> bool:
    match entry.kind:
        case Kind.DIRECTORY:
            return found.is_dir(follow_symlinks=False)
        case Kind.SYMLINK:
            return found.is_symlink() and os.readlink(found.path) == entry.target
    if not found.is_file(follow_symlinks=False):
        return False
    status = found.stat(follow_symlinks=False)
    name = blob_name(entry.digest, executable=entry.kind is Kind.EXECUTABLE)
    if holdings.objects.get(name) == stamp(status):  # a name of its object
        return name not in holdings.altered
    if status.st_size != entry.size:
        return False
    return not reads or not what_is_wrong(found.path, name)


def _directories(tree: Tree) -> list[tuple[str, Digest]]:
    kind = Kind.DIRECTORY
    return [(f"{path}/", entry.digest) for path, entry in tree.walk() if entry.kind is kind]
