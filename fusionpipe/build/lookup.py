"""What a node needs now: its key, and whether a stored result answers it.

Builds, dry runs, `status` and `why` all ask here, so they cannot disagree. Nothing is run, linked or stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeGuard

from fusionpipe.action import Action, key_of
from fusionpipe.build.state import NodeRow, State
from fusionpipe.build.unlinked import LINK_GONE
from fusionpipe.events import Outcome
from fusionpipe.explain import Change, Field, nearest, summary
from fusionpipe.freeze import CannotFreeze, Frozen, action_of, freeze
from fusionpipe.model import Graph, Language, Node, NodeName
from fusionpipe.runner.distributions import Distributions
from fusionpipe.runner.observed import differences, still_holds
from fusionpipe.runner.probe import ProbeFailed
from fusionpipe.runner.tools import Missing, Tool, Toolbox, tool_key
from fusionpipe.workspace import Workspace
from fusionstore.contract import FullRecord, JsonObject, Record, ResultStore, Standing
from fusionstore.digest import ActionKey, Digest, RecordId
from fusionstore.errors import Corrupt
from fusionstore.tree import Tree, build

_REMEMBERED = 100


class Asked(NamedTuple):
    """A node's question to the store, complete."""

    node: Node
    frozen: Frozen
    tool: Tool | Missing
    packages: Distributions | None  # what its Python has installed, for nodes that are observed
    action: Action
    manifest: JsonObject
    key: ActionKey


class NoKey(NamedTuple):
    """A part of the key cannot be computed, so the node stops here (L2)."""

    why: str
    hint: str = ""


class Hit(NamedTuple):
    """A stored result answers. `is_linked` says that the node's directory shows it already."""

    record: Record
    is_linked: bool


class Miss(NamedTuple):
    """It has to run, and why."""

    reason: str
    changes: tuple[Change, ...] = ()
    compared_with: RecordId | None = None


class Lookup:
    """Asks the store on behalf of nodes. One per command."""

    def __init__(
        self,
        graph: Graph,
        disk: Workspace,
        store: ResultStore,
        toolbox: Toolbox,
        state: State,
        ambient: Mapping[str, str],
        linked_root: Callable[[NodeName, Digest], tuple[int, int] | None],
    ) -> None:
        self.graph = graph
        self.disk = disk
        self.store = store
        self.toolbox = toolbox
        self.state = state
        self.ambient = ambient
        self.linked_root = linked_root
        self._full: dict[str, FullRecord | None] = {}

    def ask(self, node: Node, digest_of: Callable[[NodeName], Digest]) -> Asked | NoKey:
        """The node's action and key; `digest_of` gives its parents' data digests."""
        try:
            frozen = freeze(node, self.disk)
        except CannotFreeze as error:
            return NoKey(str(error))
        try:
            tool = self.toolbox.resolve(node)
            packages = self.toolbox.distributions(tool) if is_observed(tool, node) else None
        except ProbeFailed as error:
            return NoKey(str(error))
        keyed = tool_key(node, tool)
        if keyed is None:
            assert isinstance(tool, Missing)
            return NoKey(str(tool), tool.mend)
        parents = {
            parent.alias: {member: digest_of(name) for member, name in parent.members.items()}
            for parent in node.parents
        }
        env = {name: self.ambient.get(name) for name in node.env}
        action = action_of(node, frozen, parents, keyed, env)
        manifest = action.manifest()
        return Asked(node, frozen, tool, packages, action, manifest, key_of(manifest))

    def find(self, asked: Asked) -> Hit | None:
        """The stored result that answers, if there is one."""
        record = self.store.lookup(asked.key, self.accepts(asked), self.choice(asked.key))
        if record is None:
            return None
        return Hit(record, self.is_linked(asked.node.name, record))

    def is_linked(self, node: NodeName, record: Record) -> bool:
        """True if the node's directory shows this record's data, untouched at its root."""
        row = self.state.row(node)
        if row.record != record.id:
            return False
        return self.linked_root(node, record.slots["data"]) == row.root

    def accepts(self, asked: Asked) -> Callable[[Record], bool]:
        """Whether a record's observations hold in this node's environment.

        What somebody only declared (fp accept) answers where it was chosen, and nowhere else.
        """
        choice = self.choice(asked.key)

        def accepts(record: Record) -> bool:
            if record.standing is Standing.ASSERTED and record.id != choice:
                return False
            return still_holds(record.observed, asked.packages)

        return accepts

    def choice(self, key: ActionKey) -> RecordId | None:
        """The record this project chose for a key, if it did."""
        chosen = self.state.choices.get(key)
        return None if chosen is None else RecordId(chosen)

    # -- reasons -------------------------------------------------------------------------------
    def why_missed(self, asked: Asked) -> Miss:
        """Explains a miss against the nearest earlier run (L11)."""
        row = self.state.row(asked.node.name)
        same_key = self.store.records(asked.key)
        if same_key:
            age = {record: age for age, record in enumerate(row.recent)}
            latest_first = sorted(same_key, key=lambda one: age.get(one.id, len(age)))
            return self._why_same_key(asked, latest_first)
        earlier = [
            (full, _manifest(full)) for full in map(self.full, row.recent) if full is not None
        ]
        found = nearest(earlier, asked.manifest, self.tree_reader(asked))
        if found is None:
            return Miss("failed before" if row.failed_key else "never run")
        full, changes = found
        if full.record.key == asked.key:  # its record is there, as `.gone`
            return Miss("its stored result was cleaned up, or lost", changes, full.record.id)
        return Miss(summary(changes) or "its record is gone", changes, full.record.id)

    def _why_same_key(self, asked: Asked, records: Sequence[Record]) -> Miss:
        """An equal key has records, but none that holds here: other packages, or its bytes are gone."""
        for record in records:
            if asked.packages is None or record.observed is None:
                continue
            changed = tuple(
                Change(Field.PACKAGE, change.name, change.old, change.new)
                for change in differences(record.observed, asked.packages)
            )
            if changed:
                return Miss(summary(changed), changed, record.id)
        if all(record.standing is Standing.IMPORTED for record in records):
            return Miss("imported, not reproduced here", (), records[0].id)
        return Miss("its stored result is gone", (), records[0].id)

    def full(self, record: str) -> FullRecord | None:
        """A record with its manifest, or None when it cannot be read any more."""
        if record not in self._full:
            if len(self._full) >= _REMEMBERED:  # they are large, and few are asked for twice
                self._full.clear()
            try:
                self._full[record] = self.store.read_record(RecordId(record))
            except (KeyError, Corrupt):
                self._full[record] = None
        return self._full[record]

    def tree_reader(self, asked: Asked | None) -> Callable[[Digest], Tree | None]:
        """Reads trees of the present question first, then of the store."""
        present = (
            {} if asked is None else {tree.root: tree for tree in trees_of(asked.frozen).values()}
        )

        def read(digest: Digest) -> Tree | None:
            if (tree := present.get(digest)) is not None:
                return tree
            try:
                return self.store.read_tree(digest)
            except KeyError:
                return None

        return read


def is_observed(tool: Tool | Missing, node: Node) -> TypeGuard[Tool]:
    """Whether the packages that a run imports are noted: a Python node's, unless a lock says them."""
    return isinstance(tool, Tool) and tool.language is Language.PYTHON and not node.locks


def trees_of(frozen: Frozen) -> dict[str, Tree]:
    """The trees a record keeps beside its outputs, by name: "code", "libs/x", "inputs/y".

    A single file is kept as a tree of that one file; what was read in place is not kept.
    """
    named = {f"libs/{name}": lib for name, lib in frozen.libs.items()}
    named |= {f"inputs/{name}": given for name, given in frozen.inputs.items()}
    if frozen.code is not None:
        named["code"] = frozen.code
    return {
        name: given.tree or build({given.name: given.files[0].entry})
        for name, given in named.items()
        if not given.is_in_place
    }


def hit_reason(hit: Hit, node: NodeName, row: NodeRow, full: FullRecord | None) -> str:
    """One line on where a result comes from. `full` tells who made it, where that would be news: it is
    said once, not at every branch switched to.
    """
    if hit.is_linked:
        return "unchanged"
    if full is not None and hit.record.standing is Standing.ASSERTED:
        return str(full.body.get("reason"))
    maker = None if full is None else full.body.get("node")
    if isinstance(maker, str) and maker != node:
        return f"found in the store: was {maker}"
    return "found in the store" if row.record != hit.record.id else LINK_GONE


def outcome_of(hit: Hit) -> Outcome:
    """Kept or restored."""
    return Outcome.KEPT if hit.is_linked else Outcome.RESTORED


def _manifest(full: FullRecord) -> JsonObject:
    manifest = full.body.get("manifest")
    return manifest if isinstance(manifest, dict) else {}
