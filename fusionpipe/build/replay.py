"""From a record to a run of its action: all of it from the store, none of it from the node as it is now.

Only what no record holds is taken from the present: the tool (of the recorded version), the values of
variables that were passed unkeyed, sources and large inputs (with the recorded digest, and watched).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from fusionpipe.action import Action, Material
from fusionpipe.build.archive import Archive, maker
from fusionpipe.build.lookup import Asked, is_observed
from fusionpipe.build.prepare import CannotRun, Changed, Lost, Prepared, Preparer
from fusionpipe.build.proof import Proof
from fusionpipe.build.recipe import (
    NotRepeatable,
    action_of_record,
    frozen_set,
    kept_tree,
    node_of,
    reader_name,
)
from fusionpipe.build.sources import Footprint, read_source
from fusionpipe.errors import Problem, ProjectInvalid
from fusionpipe.explain import Change, Field
from fusionpipe.freeze import CannotFreeze, Frozen, FrozenSet, freeze
from fusionpipe.model import Language, Node, NodeName, Source
from fusionpipe.project import load, may_be_passed
from fusionpipe.runner.distributions import Distributions
from fusionpipe.runner.observed import differences
from fusionpipe.runner.probe import ProbeFailed
from fusionpipe.runner.tools import Missing, Tool, Toolbox, mismatch
from fusionpipe.workspace import Workspace
from fusionstore.contract import FullRecord
from fusionstore.digest import Digest
from fusionstore.errors import Corrupt, TreeLost
from fusionstore.tree import Kind

_MISSED = 'a record does not hold it: bring it back, or keep such data stored (source = "keep")'


class Replay(NamedTuple):
    """A run that may start now, of the action of `full`."""

    full: FullRecord
    asked: Asked
    prepared: Prepared
    code: tuple[Proof, ...]  # its stored code: it may write to its own, but others share the files
    surroundings: tuple[str, ...]  # what is not as it was then
    warnings: tuple[str, ...]


class _Chosen(NamedTuple):
    """The tool that is to run it, and what of it is other than it was."""

    tool: Tool
    packages: Distributions | None
    changes: tuple[Change, ...]
    has_recorded_key: bool


@dataclass(slots=True)
class Present:
    """The project as it is now, as far as it can be read: `nodes` are none where its files are broken."""

    archive: Archive
    nodes: Mapping[NodeName, Node]
    disk: Workspace
    toolbox: Toolbox
    problems: Sequence[Problem] = ()  # why they cannot be read
    _sources: dict[NodeName, tuple[Digest, Path, Footprint] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, archive: Archive) -> Present:
        """The present of a project whose past is opened. Raises nothing for what is wrong with its nodes."""
        disk = Workspace(archive.root, archive.state.memory, lambda _: False)
        nodes: Mapping[NodeName, Node] = {}
        problems: Sequence[Problem] = ()
        try:
            nodes = load(disk).nodes
        except ProjectInvalid as error:
            problems = error.problems
        toolbox = Toolbox(
            disk, archive.ambient, archive.root, archive.settings, archive.state.probes
        )
        return cls(archive, nodes, disk, toolbox, problems)

    def source_with(
        self, digest: Digest, likely: Sequence[NodeName]
    ) -> tuple[Path, Footprint] | None:
        """A source that holds just these bytes. Reads the likely ones first, all others at worst."""
        known = (n for n in self.archive.state.names if self.archive.state.row(n).source == digest)
        for name in dict.fromkeys((*likely, *known, *self.nodes)):
            found = self._source(name)
            if found is not None and found[0] == digest:
                return found[1], found[2]
        return None

    def is_source(self, digest: Digest) -> bool:
        """True if a source of the project holds just these bytes."""
        return self.source_with(digest, ()) is not None

    def _source(self, name: NodeName) -> tuple[Digest, Path, Footprint] | None:
        if name not in self._sources:
            self._sources[name] = self._read_source(name)
        return self._sources[name]

    def _read_source(self, name: NodeName) -> tuple[Digest, Path, Footprint] | None:
        node = self.nodes.get(name)
        if (
            node is None and self.archive.state.row(name).source
        ):  # its files cannot be read any more
            node = Node(name, source=Source(f"{name}/data"))
        if node is None or node.source is None:
            return None
        try:
            found = read_source(node, self.disk, lambda done, total: None)
        except CannotFreeze:
            return None
        place = Path(self.disk.absolute(node.source.path))
        return found.tree.root, place, found.footprint


class Replayer:
    """Prepares recorded actions to be run again. With `any_tool`, also by another version of their tool."""

    def __init__(self, present: Present, *, any_tool: bool = False) -> None:
        self.present = present
        self._archive = present.archive
        self._any_tool = any_tool

    def prepare(self, full: FullRecord) -> Replay:
        """Everything that a run of the record's action needs, proven. Raises NotRepeatable, StoreError."""
        action = action_of_record(full)
        name = maker(full) or NodeName("unknown")
        now = self.present.nodes.get(name)
        code = None if action.code is None else kept_tree(full, "code", action.code)
        if action.code is not None and code is None:
            raise NotRepeatable("its record does not hold its code")
        node = node_of(name, action, now, code)
        chosen = self._tool(node, full, action)
        if not chosen.has_recorded_key:  # what this run is then the result of
            action = action._replace(tool=(action.tool[0], chosen.tool.version))
        frozen = self._frozen(full, action, now)
        sources = self._sources(action, now)
        asked = Asked(
            node, frozen, chosen.tool, chosen.packages, action, action.manifest(), action.key()
        )
        ambient = _ambient(self._archive.ambient, action)
        preparer = Preparer(self._archive.root, self._archive.store, ambient, sources.get)
        try:
            prepared = preparer.prepare(asked)
        except OSError as error:
            raise NotRepeatable(f"it cannot be laid out: {error}") from error
        match prepared:
            case Prepared():
                warnings = () if now is not None else self._without(name)
                surroundings = tuple(map(str, chosen.changes))
                placed = (one for one in prepared.run.layout.code if one.link is None)
                proofs = tuple(Proof.of_file(one.at, one.path) for one in placed)
                return Replay(full, asked, prepared, proofs, surroundings, warnings)
            case Changed(path):
                raise NotRepeatable(f"the bytes of {path} are not in the store any more")
            case Lost(parent, why):
                raise NotRepeatable(f"the bytes of parents/{parent} are gone: {why}")
            case CannotRun(why, hint):
                raise NotRepeatable(why, hint)

    def mend_code(self, replay: Replay) -> None:
        """Proves the stored code of a run again that wrote to its own."""
        code = replay.asked.frozen.code
        for file in () if code is None else code.files:
            if file.entry.kind is not Kind.SYMLINK:
                with suppress(KeyError, Corrupt):  # set aside: nobody is given it any more
                    is_executable = file.entry.kind is Kind.EXECUTABLE
                    self._archive.store.object_path(file.entry.digest, executable=is_executable)

    # -- the tool ------------------------------------------------------------------------------
    def _tool(self, node: Node, full: FullRecord, action: Action) -> _Chosen:
        """Of the tools there are, the one that is most like the recorded one."""
        found: list[_Chosen] = []
        missing: Missing | None = None
        for tool in self._candidates(node, full, action):
            if isinstance(tool, Missing):
                missing = tool
            else:
                found.append(self._chosen(tool, node, full, action))
        if not found:
            assert missing is not None
            raise NotRepeatable(str(missing), missing.mend)
        best = min(found, key=lambda one: (not one.has_recorded_key, len(one.changes)))
        if not best.has_recorded_key and not self._any_tool:
            kind, version = action.tool
            raise NotRepeatable(
                f"{kind} {version} ran it, and there is only {best.tool.version} here "
                f"({best.tool.path})",
                f"install {kind} {version}, or run it by this one: --any-tool",
            )
        return best

    def _candidates(self, node: Node, full: FullRecord, action: Action) -> Sequence[Tool | Missing]:
        kind, version = action.tool
        language = Language(kind)
        if language in (
            Language.OCTAVE,
            Language.MATLAB,
        ):  # either runs a .m: the recorded one is meant
            node = node._replace(tools={**node.tools, kind: version})
        if language is not Language.PYTHON:
            return [self._resolve(node)]
        now = self.present.nodes.get(node.name)
        recorded = _recorded_tool(full).get("path")
        places = dict.fromkeys(
            ("" if now is None else now.python, str(recorded) if recorded else "", "")
        )
        return [self._resolve(node._replace(python=place)) for place in places]

    def _resolve(self, node: Node) -> Tool | Missing:
        try:
            return self.present.toolbox.resolve(node)
        except ProbeFailed as error:
            raise NotRepeatable(str(error)) from error

    def _chosen(self, tool: Tool, node: Node, full: FullRecord, action: Action) -> _Chosen:
        kind, keyed = action.tool
        ran = str(_recorded_tool(full).get("version", keyed))
        changes: list[Change] = []
        if tool.version != ran:
            changes.append(Change(Field.TOOL, kind, ran, tool.version))
        is_declared = keyed != ran  # then any version that fits it has this very key
        declaring = node._replace(tools={kind: keyed})
        fits = mismatch(declaring, tool) is None if is_declared else tool.version == keyed
        packages = None
        if is_observed(tool, node):
            try:
                packages = self.present.toolbox.distributions(tool)
            except ProbeFailed as error:
                raise NotRepeatable(str(error)) from error
            seen = full.record.observed
            changes += (Change(Field.PACKAGE, *one) for one in differences(seen, packages))
        return _Chosen(tool, packages, tuple(changes), fits)

    # -- what it reads -------------------------------------------------------------------------
    def _frozen(self, full: FullRecord, action: Action, now: Node | None) -> Frozen:
        code = None
        if action.code is not None:
            code = self._set(full, "code", Material(Kind.DIRECTORY, action.code), now)
        return Frozen(
            code,
            {name: self._set(full, f"libs/{name}", of, now) for name, of in action.libs.items()},
            {
                name: self._set(full, f"inputs/{name}", of, now)
                for name, of in action.inputs.items()
            },
            dict(action.locks),
        )

    def _set(self, full: FullRecord, label: str, of: Material, now: Node | None) -> FrozenSet:
        tree = kept_tree(full, label, of.digest)
        name = label.rpartition("/")[2]
        if tree is not None:
            return frozen_set(name, of, tree, f"{maker(full)}/{label}")
        given = self._in_place(label, now)
        if given is not None and given.material == of:
            return given
        raise NotRepeatable(f"{label} was read in place and is not here as it was", _MISSED)

    def _in_place(self, label: str, now: Node | None) -> FrozenSet | None:
        """What the node has there now."""
        if now is None or now.source is not None:
            return None
        try:
            frozen = freeze(now, self.present.disk)
        except CannotFreeze:
            return None
        directory, _, name = label.partition("/")
        return (frozen.inputs if directory == "inputs" else frozen.libs).get(name)

    def _sources(self, action: Action, now: Node | None) -> dict[NodeName, tuple[Path, Footprint]]:
        """Where the parents are that the store does not hold. Raises NotRepeatable for one nobody has."""
        found: dict[NodeName, tuple[Path, Footprint]] = {}
        for alias, members in action.parents.items():
            for member, digest in members.items():
                name = reader_name(alias, member)
                if self.is_stored(digest):
                    continue
                place = self.present.source_with(digest, parents_now(now, alias, member))
                if place is None:
                    raise NotRepeatable(
                        f"the bytes of parents/{name} ({digest[:12]}) are not in the store",
                        "if a node made them and its record is here: --deep runs it again\n"
                        "(fp export --deep brings such records along)\n"
                        "if they are a source's: that source must hold what it held",
                    )
                found[name] = place
        return found

    def _without(self, name: NodeName) -> tuple[str, ...]:
        """What is not known of a node that the project does not tell, if that can matter."""
        present = self.present
        if present.problems and not may_be_passed(present.disk, name):
            return ()
        unset = "variables that it was passed (pass, secrets) are not known and not set"
        if present.problems and present.disk.kind(name) is not None:
            first, more = present.problems[0], len(present.problems) - 1
            others = f" and {more} more" if more else ""
            return (f"the project cannot be read ({first.file}: {first.what}{others}): {unset}",)
        return (f"{name} is not in this project as it is now: {unset}",)

    def is_stored(self, tree: Digest) -> bool:
        """True if a tree stands, proven, in the store."""
        try:
            self._archive.store.check(tree)
        except (TreeLost, KeyError):
            return False
        return True


def parents_now(now: Node | None, alias: str, member: str) -> tuple[NodeName, ...]:
    """The node that stands behind an alias today, most likely the one that did then."""
    parents = () if now is None else now.parents
    return tuple(p.members[member] for p in parents if p.alias == alias and member in p.members)


def _ambient(ambient: Mapping[str, str], action: Action) -> dict[str, str]:
    """The caller's variables, but the declared ones as they were."""
    kept = {name: value for name, value in ambient.items() if name not in action.env}
    return kept | {name: value for name, value in action.env.items() if value is not None}


def _recorded_tool(full: FullRecord) -> Mapping[str, object]:
    tool = full.body.get("tool")
    return tool if isinstance(tool, dict) else {}
