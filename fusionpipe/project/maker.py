"""From what one node declares, and the defaults, to the node as the rest of the project sees it."""

from __future__ import annotations

from collections.abc import Sequence

from fusionpipe.model import Entry, FileSet, Language, Node, NodeName, Params, Parent
from fusionpipe.project.code import find_libs, lay_code
from fusionpipe.project.entry import find_entry
from fusionpipe.project.inputs import find_inputs, find_locks, find_source
from fusionpipe.project.material import Asker, Materials
from fusionpipe.project.nodefile import Declared
from fusionpipe.project.reading import Reading
from fusionpipe.project.rootfile import RootFile
from fusionpipe.project.suggest import did_you_mean
from fusionpipe.project.territory import Territory


class NodeMaker:
    """Makes the nodes of one project; what the defaults name is looked up once, and shared by all."""

    def __init__(self, reading: Reading, root: RootFile, territory: Territory) -> None:
        self._reading = reading
        self._root = root
        self._materials = Materials(reading, territory)
        shared = Asker("", root.defaults)
        self._libs = find_libs(self._materials, shared)
        self._inputs = find_inputs(self._materials, shared)
        self._locks = find_locks(self._materials, shared)
        self._passed = _union(root.passed, root.defaults.passed)
        self._entries: dict[Entry, Entry] = {}

    def make(self, name: NodeName, declared: Declared, parents: tuple[Parent, ...]) -> Node:
        """The node; whatever is amiss with it is noted, and left out of what is given back."""
        asker = Asker(name, declared)
        file = declared.file if declared.is_written else ""
        if declared.source:
            source = find_source(self._materials, asker)
            return Node(name=name, source=source, declared_in=declared.file)
        defaults = self._root.defaults
        known = len(self._reading.problems)
        code = lay_code(self._materials, asker)
        is_code_missing = not code.files and len(self._reading.problems) > known
        if declared.env or declared.secrets:
            self._check_secrets(declared)
        return Node(
            name=name,
            parents=parents,
            code=code,
            entry=None if is_code_missing else self._entry(asker, code),
            libs=self._merge_libs(asker),
            inputs=self._merge_inputs(asker),
            params=self._params(declared),
            env=_union(defaults.env, declared.env),
            passed=_union(self._passed, declared.passed),
            secrets=_union(defaults.secrets, declared.secrets),
            python=declared.python or self._root.settings.python,
            tools={**defaults.tools, **declared.tools} if declared.tools else defaults.tools,
            locks=self._merge_locks(asker),
            is_cached=declared.is_cached,
            version=declared.version if "version" in declared.given else defaults.version,
            is_named=declared.is_named,
            seed=declared.seed if "seed" in declared.given else defaults.seed,
            declared_in=file,
        )

    def _entry(self, asker: Asker, code: FileSet) -> Entry | None:
        entry = find_entry(self._materials, asker, code)
        if entry is None:
            return None
        if entry.main.endswith(".m") and self._root.settings.matlab == Language.MATLAB:
            entry = entry._replace(language=Language.MATLAB)
        return self._entries.setdefault(entry, entry)  # thousands of nodes have a main.py

    def _check_secrets(self, declared: Declared) -> None:
        """A secret must not be keyed because env, here or in the defaults, has it too (L13)."""
        defaults = self._root.defaults
        for key, env, secrets in (
            ("env", declared.env, defaults.secrets),
            ("secrets", defaults.env, declared.secrets),
        ):
            for name in set(env) & set(secrets):
                what = f"{name} cannot be in env and in secrets"
                mend = "take it out of one of them; [defaults] of fusionpipe.toml has the other"
                self._reading.add((declared.problem((key,), what, mend),))

    def _merge_libs(self, asker: Asker) -> tuple[FileSet, ...]:
        own = find_libs(self._materials, asker) if asker.declared.libs else []
        if not (own or self._libs):
            return ()
        merged: dict[str, FileSet] = {}
        for lib in (*self._libs, *own):
            if merged.setdefault(lib.name, lib) != lib:
                what = f'two libs are called "{lib.name}"'
                mend = "rename one: code imports them by name"
                self._reading.add((asker.declared.problem(("libs",), what, mend),))
        return tuple(merged[name] for name in sorted(merged))

    def _merge_inputs(self, asker: Asker) -> tuple[FileSet, ...]:
        own = find_inputs(self._materials, asker) if asker.declared.inputs else []
        if not (own or self._inputs):
            return ()
        merged = {files.name: files for files in (*self._inputs, *own)}
        return tuple(merged[name] for name in sorted(merged))

    def _merge_locks(self, asker: Asker) -> tuple[str, ...]:
        own = find_locks(self._materials, asker) if asker.declared.locks else []
        if not (own or self._locks):
            return ()
        locks = _union(self._locks, own)
        names: dict[str, str] = {}
        for path in locks:
            other = names.setdefault(path.rpartition("/")[2], path)
            if other != path:
                what = f"{other} and {path} have the same name"
                self._reading.add((asker.declared.problem(("lock",), what, "rename one"),))
        return locks

    def _params(self, declared: Declared) -> Params:
        """The node's own params and the project-wide ones it uses."""
        if not declared.use:
            return declared.params
        shared = self._root.settings.params
        params = dict(declared.params)
        for word in declared.use:
            if word.text not in shared:
                self._refuse_use(declared, word.key, word.text)
            elif word.text in declared.params:
                what = f'"{word.text}" is a param of this node and of the project'
                mend = "rename the node's own, or leave it out of use"
                self._reading.add((declared.problem(("params", word.text), what, mend),))
            else:
                params[word.text] = shared[word.text]
        return {name: params[name] for name in sorted(params)}

    def _refuse_use(self, declared: Declared, key: tuple[str | int, ...], name: str) -> None:
        shared = self._root.settings.params
        otherwise = f"declare it in fusionpipe.toml: [params] {name} = …"
        mend = did_you_mean(name, shared, otherwise)
        self._reading.add(
            (declared.problem(key, f'no project-wide param is called "{name}"', mend),)
        )


def _union(shared: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """All of them, each once, in order."""
    return tuple(dict.fromkeys((*shared, *own))) if shared or own else ()
