"""What is installed in one Python: distributions, their versions, and the modules they bring.

A version here is what tells whether an import would load the same code again: for an editable install,
and for a module lying loose in a site directory, it contains a digest of the files as they are now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from fusionstore.contract import Json, JsonObject

Contents = Mapping[str, str]
"""Module name to the file or directory that holds it."""


class Distributions(NamedTuple):
    """The installed distributions of one interpreter.

    `modules` maps top-level modules to the distributions that bring them; below namespace packages also
    dotted names. `stdlib` are that interpreter's own modules, `site` the directories it looks into.
    `prefix` is its sys.prefix. Versions are asked of `version`, not of `versions`, which lacks the
    digests of `contents`.
    """

    versions: Mapping[str, str]
    modules: Mapping[str, tuple[str, ...]]
    site: tuple[str, ...]
    stdlib: frozenset[str]
    prefix: str
    contents: Mapping[str, Contents]
    digest: Callable[[Contents], str]

    def version(self, name: str) -> str | None:
        """The version of a distribution, with a digest of what can change under it; None if not there."""
        version = self.versions.get(name)
        contents = self.contents.get(name)
        if version is None or contents is None:
            return version
        return f"{version} {self.digest(contents)}".strip()

    def settle(self) -> None:
        """Takes all digests now: before a run, whose code may be edited while it lasts."""
        for contents in self.contents.values():
            self.digest(contents)

    def everything(self) -> dict[str, str]:
        """Every distribution with its version, by name."""
        return {name: self.version(name) or "" for name in sorted(self.versions)}

    def owners(self, module: str) -> tuple[str, ...] | None:
        """Who brings a module, top-level or below a namespace package; None if nobody does.

        () for a module within a regular package: its top answers for it.
        """
        owners = self.modules.get(module)
        if owners is not None or "." not in module:
            return owners
        above = module.rpartition(".")[0]
        if above in self.modules and not self.is_namespace(above):
            return ()
        return () if self.owners(above) == () else None

    def is_namespace(self, module: str) -> bool:
        """True if distributions share the module as a namespace package."""
        return any(name.startswith(module + ".") for name in self.modules)


def from_probe(found: JsonObject, digest: Callable[[Contents], str]) -> Distributions:
    """The distributions as `nodeside/distributions.py` printed them."""
    modules = {name: tuple(_strings(owners)) for name, owners in _object(found["modules"]).items()}
    contents = {
        name: {module: str(path) for module, path in _object(paths).items()}
        for name, paths in _object(found["contents"]).items()
    }
    return Distributions(
        versions={name: str(text) for name, text in _object(found["versions"]).items()},
        modules=modules,
        site=tuple(_strings(found["site"])),
        stdlib=frozenset(_strings(found["stdlib"])),
        prefix=str(found["prefix"]),
        contents=contents,
        digest=digest,
    )


def _object(value: Json) -> JsonObject:
    assert isinstance(value, dict)
    return value


def _strings(value: Json) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]
