"""Which program runs a node, and what of it goes into the key.

Every place looked at is asked of the `Disk`, so that a no-op build knows what to compare. Nothing here
reads the environment or runs a node's code; programs are asked for their version by `probe.py`.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fusionpipe.disk import Disk
from fusionpipe.model import Entry, Language, Node, ProjectSettings
from fusionpipe.runner.commands import INTERPRETERS, entry_arguments, names_of
from fusionpipe.runner.distributions import Distributions
from fusionpipe.runner.installed import Installed
from fusionpipe.runner.probe import Probe
from fusionstore.contract import JsonObject


class Tool(NamedTuple):
    """A program that runs a language.

    `command` is how its argv begins; `path` the program's absolute path ("" when it lies in the node's
    code); `version` what it says of itself, "" where that was not asked; `shown` a user's word for it.
    """

    language: Language
    command: tuple[str, ...]
    version: str
    path: str
    shown: str


class Missing(NamedTuple):
    """No program runs the language here. An error only for nodes that must run."""

    language: Language
    looked_for: tuple[str, ...]
    mend: str

    def __str__(self) -> str:
        return f"nothing here runs {self.language}: looked for {', '.join(self.looked_for)}"


class Mismatch(NamedTuple):
    """The program there is not of the version that the node declares."""

    declared: str
    found: str
    path: str

    def __str__(self) -> str:
        return f"version {self.declared} is declared, {self.path} is {self.found}"


def declared_version(node: Node, language: Language) -> str | None:
    """What the node's `[tools]` say of a language."""
    names = names_of(language)
    return next((text for name, text in node.tools.items() if name.lower() in names), None)


def tool_key(node: Node, tool: Tool | Missing) -> tuple[str, str] | None:
    """The kind and version that are keyed: as declared, else as found. None: nothing tells the version."""
    declared = declared_version(node, tool.language)
    if declared is not None:
        return (str(tool.language), declared)
    return None if isinstance(tool, Missing) else (str(tool.language), tool.version)


def mismatch(node: Node, tool: Tool) -> Mismatch | None:
    """A complaint if the node must run and this is not what it declared: "3.11" fits 3.11.7, not 3.1.1."""
    declared = declared_version(node, tool.language)
    if not declared or not tool.version or _fits(declared, tool.version):
        return None
    return Mismatch(declared, tool.version, tool.path)


def _fits(declared: str, found: str) -> bool:
    if found == declared or f"({declared})" in found:  # MATLAB: "24.2.0.2712019 (R2024b)"
        return True
    return found.startswith(declared) and not found[len(declared)].isalnum()


def command_line(tool: Tool, node: Node) -> tuple[str, ...]:
    """The argv that runs the node's entry from its `code/` directory."""
    entry = _entry(node)
    if tool.language is Language.EXECUTABLE:
        return tool.command
    return (*tool.command, *entry_arguments(tool.language, entry))


def _entry(node: Node) -> Entry:
    assert node.entry is not None, f"{node.name} is a source: nothing runs it"
    return node.entry


class Toolbox:
    """Finds programs, each once a build. `memo` is what earlier builds learned; it is changed in place.

    `ambient` is the caller's environment.
    """

    def __init__(
        self,
        disk: Disk,
        ambient: Mapping[str, str],
        root: Path,
        settings: ProjectSettings,
        memo: dict[str, JsonObject],
    ) -> None:
        self._disk = disk
        self._ambient = ambient
        self._root = root
        self._settings = settings
        self._probe = Probe(disk, ambient, root, memo)
        self._installed = Installed(disk, self._probe)
        self._tools: dict[tuple[Language, str], Tool | Missing] = {}

    # -- programs -----------------------------------------------------------------------------
    def resolve(self, node: Node) -> Tool | Missing:
        """The program that runs a node."""
        entry = _entry(node)
        language = entry.language
        if language is Language.EXECUTABLE:
            path = f"./{entry.main}"
            return Tool(language, (path,), "", "", path)
        if language is Language.COMMAND:
            return self._once(language, entry.argv[0], lambda: self._command(entry.argv[0]))
        if language in (Language.OCTAVE, Language.MATLAB):
            return self._resolve_m(node, language)
        return self._resolve_as(node, language)

    def _once(
        self, language: Language, name: str, find: Callable[[], Tool | Missing]
    ) -> Tool | Missing:
        key = (language, name)
        if key not in self._tools:
            self._tools[key] = find()
        return self._tools[key]

    def _resolve_as(self, node: Node, language: Language) -> Tool | Missing:
        if language is Language.PYTHON:
            return self._once(language, node.python, lambda: self._python(node.python))
        # MATLAB starts for many seconds: a declared version is taken at its word
        is_asked = language is not Language.MATLAB or declared_version(node, language) is None
        word = "asked" if is_asked else "declared"
        return self._once(language, word, lambda: self._on_path(language, is_asked=is_asked))

    def _resolve_m(self, node: Node, language: Language) -> Tool | Missing:
        """Octave or MATLAB: as written in `run`, declared in [tools], configured, or what there is."""
        is_free = not _entry(node).argv
        if not is_free:
            return self._resolve_as(node, language)
        for candidate in (Language.MATLAB, Language.OCTAVE):
            if declared_version(node, candidate) is not None:
                return self._resolve_as(node, candidate)
        if self._settings.matlab:
            return self._resolve_as(node, Language(self._settings.matlab))
        octave = self._resolve_as(node, Language.OCTAVE)
        if isinstance(octave, Tool):
            return octave
        matlab = self._resolve_as(node, Language.MATLAB)
        return matlab if isinstance(matlab, Tool) else octave

    def _command(self, word: str) -> Tool | Missing:
        if "/" in word:
            return Tool(Language.COMMAND, (word,), "", word if word.startswith("/") else "", word)
        path = self._search(word)
        if path is None:
            mend = f"install `{word}`, or correct the first word of `run` in node.toml"
            return Missing(Language.COMMAND, (f"{word} on the PATH",), mend)
        return Tool(Language.COMMAND, (path,), "", path, word)

    def _on_path(self, language: Language, *, is_asked: bool) -> Tool | Missing:
        known = INTERPRETERS[language]
        for name in known.names:
            path = self._search(name)
            if path is not None:
                found = self._tool(language, path, name, is_asked=is_asked)
                if found is not None:
                    return found
        looked_for = tuple(f"{name} on the PATH" for name in known.names)
        return Missing(language, looked_for, known.mend)

    def _tool(
        self, language: Language, path: str, shown: str, *, is_asked: bool = True
    ) -> Tool | None:
        """The program at a path, behind a shim if it is one; None if it does not even tell its version."""
        real = self._probe.behind_shim(language, path)
        known = INTERPRETERS[language]
        if real is None:
            return None
        version = self._probe.version(language, real) if is_asked and known.ask else ""
        return None if version is None else Tool(language, (real,), version, real, shown)

    def _search(self, name: str) -> str | None:
        """The first program of that name on the caller's PATH; relative entries do not count."""
        for directory in self._ambient.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":"):
            if directory.startswith("/"):
                path = f"{directory.rstrip('/')}/{name}"
                if self._probe.is_program(path):
                    return path
        return None

    # -- Python -------------------------------------------------------------------------------
    def _python(self, declared: str) -> Tool | Missing:
        wanted = declared or self._settings.python
        places = [wanted] if wanted else list(self._usual_pythons())
        for place in places:
            path = self._python_at(place)
            tool = None if path is None else self._tool(Language.PYTHON, path, place)
            if tool is not None:
                return tool
        mend = INTERPRETERS[Language.PYTHON].mend
        if wanted:
            mend = f'python = "{wanted}" is declared: make it, or correct it in node.toml or fusionpipe.toml'
        return Missing(Language.PYTHON, tuple(places), mend)

    def _usual_pythons(self) -> Iterator[str]:
        for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
            if self._ambient.get(variable, "").startswith("/"):
                yield f"{self._ambient[variable].rstrip('/')}/bin/python"
        yield ".venv/bin/python"
        yield "python3"

    def _python_at(self, place: str) -> str | None:
        """The program a `python =` stands for: a command, a path from the root, or an environment's directory."""
        if place.startswith("~/") and self._ambient.get("HOME"):
            place = self._ambient["HOME"] + place[1:]
        if "/" not in place and self._disk.kind(f"{place}/bin/python") is None:
            return self._search(place)
        path = self._absolute(place)
        for candidate in (path, f"{path}/bin/python"):
            if self._probe.is_program(candidate):
                return candidate
        return None

    def _absolute(self, path: str) -> str:
        """Absolute and without `..`, links kept: a venv's python is a link, and must not be followed."""
        return os.path.normpath(path if path.startswith("/") else f"{self._root}/{path}")

    def distributions(self, tool: Tool) -> Distributions:
        """What is installed in a Python. It is started only if its directories changed. Raises ProbeFailed."""
        return self._installed.of(tool.path)

    def distributions_now(self, tool: Tool) -> Distributions:
        """The same, looked at again: for the end of a run. Raises ProbeFailed."""
        return self._installed.now(tool.path)
