"""From a node's question to a run: its frozen files brought into the store, its inputs proven, laid out.

What was hashed is what runs: a file that is no longer what it was when hashed makes the node be looked
up again (`Changed`). A parent's tree that cannot be trusted any more is named (`Lost`), never used (L8).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from fusionpipe.build.lookup import Asked, is_observed
from fusionpipe.build.proof import Proof
from fusionpipe.build.sources import Footprint, Watched
from fusionpipe.freeze import FrozenFile, FrozenSet
from fusionpipe.model import Language, Node, NodeName
from fusionpipe.params import canonical_json
from fusionpipe.prints import Print, print_of
from fusionpipe.runner.environment import base_environment
from fusionpipe.runner.layout import Layout, Placed
from fusionpipe.runner.observed import environment as observation
from fusionpipe.runner.run import Run
from fusionpipe.runner.rundir import OBSERVED
from fusionpipe.runner.tools import Tool, command_line, mismatch
from fusionstore.contract import ResultStore
from fusionstore.digest import Digest
from fusionstore.errors import Corrupt, TreeLost
from fusionstore.tree import Kind


class Changed(NamedTuple):
    """A file is no longer what it was when it was hashed."""

    path: str


class Lost(NamedTuple):
    """A parent's stored data is damaged beyond healing."""

    parent: NodeName
    why: str


class CannotRun(NamedTuple):
    """The node's tool is not here, or not as declared."""

    why: str
    hint: str


class Prepared(NamedTuple):
    """A run that may start now, and what is read in place while it lasts."""

    run: Run
    footprints: tuple[Watched, ...]


class Preparer:
    """Prepares runs of one build. Trees are proven once per build."""

    def __init__(
        self,
        root: Path,
        store: ResultStore,
        ambient: Mapping[str, str],
        place_of_source: Callable[[NodeName], tuple[Path, Footprint] | None],
    ) -> None:
        self.root = root
        self.store = store
        self.ambient = ambient
        self.place_of_source = place_of_source
        self._proven: dict[Digest, Proof] = {}
        self._environments: dict[tuple[tuple[str, ...], ...], Mapping[str, str]] = {}

    def prepare(self, asked: Asked) -> Prepared | Changed | Lost | CannotRun:
        """Everything a run of this node needs, in place."""
        tool = asked.tool
        if not isinstance(tool, Tool):
            return CannotRun(str(tool), tool.mend)
        if (other := mismatch(asked.node, tool)) is not None:
            return CannotRun(
                str(other), "install that version, or correct [tools] in its node.toml"
            )
        if asked.packages is not None:
            asked.packages.settle()
        footprints: list[Watched] = []
        try:
            code = self._code(asked.frozen.code)
            libs = {n: self._given(s, footprints) for n, s in asked.frozen.libs.items()}
            inputs = {n: self._given(s, footprints) for n, s in asked.frozen.inputs.items()}
        except FileChanged as changed:
            return Changed(changed.path)
        try:
            parents = self._parents(asked, footprints)
        except _ParentLost as lost:
            return Lost(lost.parent, lost.why)
        directories = () if asked.node.code is None else asked.node.code.empty
        layout = Layout(code, directories, inputs, libs, parents, canonical_json(asked.node.params))
        return Prepared(self._run(asked.node, tool, layout), tuple(footprints))

    def _run(self, node: Node, tool: Tool, layout: Layout) -> Run:
        argv = command_line(tool, node)
        base = self._environment(node)
        secrets = {name: self.ambient[name] for name in node.secrets if name in self.ambient}
        extra: dict[str, str] = {}
        if tool.language is Language.PYTHON:
            extra = observation(OBSERVED if is_observed(tool, node) else "", argv)
        return Run(
            node=node.name,
            argv=argv,
            environment=base,
            layout=layout,
            shown=" ".join(argv),
            seed=node.seed,
            named=node.name if node.is_named else None,
            secrets=secrets,
            extra=extra,
        )

    def _environment(self, node: Node) -> Mapping[str, str]:
        """What the node gets of the caller's: the same for most nodes of a build."""
        declared = (node.env, node.passed, node.secrets)
        base = self._environments.get(declared)
        if base is None:
            base = self._environments[declared] = base_environment(self.ambient, *declared)
        return base

    def _code(self, code: FrozenSet | None) -> tuple[Placed, ...]:
        if code is None:
            return ()
        return tuple(self._placed(file) for file in code.files)

    def _placed(self, file: FrozenFile) -> Placed:
        if file.entry.kind is Kind.SYMLINK:
            return Placed(file.at, Path(), link=file.entry.target)
        is_executable = file.entry.kind is Kind.EXECUTABLE
        return Placed(file.at, self._stored(file), is_executable)

    def _stored(self, file: FrozenFile) -> Path:
        return stored(self.store, self.root, file)

    def _given(self, given: FrozenSet, footprints: list[Watched]) -> Path:
        """Where a lib or an input lies for a run: frozen in the store, or in place when it is large."""
        base = _only_base(given) if given.is_in_place else None
        directories = () if base is None else _directories(self.root / base)  # before their names
        if base is not None and _holds_nothing_else(self.root / base, given):
            seen = tuple((str(self.root / f.path), f.seen) for f in given.files if f.seen)
            footprints.append(Footprint((*seen, *directories)))
            return self.root / base
        paths = [self._stored(f) for f in given.files if f.entry.kind is not Kind.SYMLINK]
        tree = given.tree
        if tree is None:
            footprints.append(Proof.of_file(given.name, paths[0]))
            return paths[0]
        proof = self._proof(tree.root, given.name, lambda: self.store.adopt(tree))
        footprints.append(proof)
        return proof.place

    def _parents(
        self, asked: Asked, footprints: list[Watched]
    ) -> dict[str, Path | Mapping[str, Path]]:
        found: dict[str, Path | Mapping[str, Path]] = {}
        for parent in asked.node.parents:
            digests = asked.action.parents[parent.alias]
            members = {
                member: self._parent(name, digests[member], footprints)
                for member, name in parent.members.items()
            }
            found[parent.alias] = members if parent.is_many else members[""]
        return found

    def _parent(self, name: NodeName, digest: Digest, footprints: list[Watched]) -> Path:
        in_place = self.place_of_source(name)
        if in_place is not None:
            footprints.append(in_place[1])
            return in_place[0]
        try:
            proof = self._proof(digest, f"{name}/data", lambda: self.store.check(digest))
        except (TreeLost, KeyError) as error:
            raise _ParentLost(name, str(error)) from error
        footprints.append(proof)
        return proof.place

    def _proof(self, tree: Digest, shown: str, prove: Callable[[], Path]) -> Proof:
        """The present proof of a tree; a new one where there is none, or it does not hold any more."""
        proof = self._proven.get(tree)
        if proof is None or proof.is_spoilt:
            place = prove()
            proof = self._proven[tree] = Proof.of_tree(shown, place)
        return proof


def stored(store: ResultStore, root: Path, file: FrozenFile) -> Path:
    """The object of a frozen file, brought into the store if it is not there yet. Raises FileChanged."""
    is_executable = file.entry.kind is Kind.EXECUTABLE
    try:
        return store.object_path(file.entry.digest, executable=is_executable)
    except (KeyError, Corrupt):
        pass
    try:
        digest = store.store_file(root / file.path, executable=is_executable)
    except OSError as error:
        raise FileChanged(file.path) from error
    if digest != file.entry.digest:
        raise FileChanged(file.path)
    return store.object_path(digest, executable=is_executable)


class FileChanged(Exception):
    """A file is no longer what it was when it was hashed."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class _ParentLost(Exception):
    def __init__(self, parent: NodeName, why: str) -> None:
        super().__init__(parent, why)
        self.parent = parent
        self.why = why


def _directories(place: Path) -> tuple[tuple[str, Print], ...]:
    """The directories of what is given in place: a name that is added shows in their fingerprints."""
    return tuple((at, print_of(os.stat(at))) for at, _, _ in os.walk(place, followlinks=True))


def _holds_nothing_else(place: Path, given: FrozenSet) -> bool:
    """True if a directory can be given as it is: what is not in the key must not be found by the code."""
    if given.tree is None:
        return True
    known = {file.at for file in given.files}
    for directory, _, names in os.walk(place, followlinks=True):
        below = os.path.relpath(directory, place)
        if any(os.path.normpath(f"{below}/{name}") not in known for name in names):
            return False
    return True


def _only_base(given: FrozenSet) -> str | None:
    """The one path that holds the whole set, or None when it was gathered from several."""
    if given.tree is None:
        return given.files[0].path
    bases = {
        file.path.removesuffix("/" + file.at) if file.path.endswith("/" + file.at) else None
        for file in given.files
    }
    return bases.pop() if len(bases) == 1 else None
