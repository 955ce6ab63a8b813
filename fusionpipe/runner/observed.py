"""What a run was seen to use besides what it declared: the Python distributions it imported (L1, §3).

`nodeside/path/sitecustomize.py` takes the notes inside the run; here they are read, and compared with
what is installed now. Nothing here runs a process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fusionpipe.runner.distributions import Distributions
from fusionstore.contract import Json, JsonObject

_LOADED = "+"  # marks in the notes what was loaded before: it was not looked for in vain
_ON_PATH = str(Path(__file__).with_name("nodeside") / "path")


class PackageChange(NamedTuple):
    """A package that is not as the run saw it. None: not installed (or, before, not found)."""

    name: str
    old: str | None
    new: str | None


def environment(observed_directory: str, command: Sequence[str] = ()) -> dict[str, str]:
    """The variables by which a run's Pythons take notes in a directory (which must be there).

    `observed_directory` may contain `{run}`; with "" only `import fusionpipe` is made to work. Nothing
    is observed when the options of `command` keep Python from reading its environment: then no notes
    are found, and the run counts as having used everything.
    """
    on_path = {"PYTHONPATH": _ON_PATH}
    if not observed_directory or _is_isolated(command):
        return on_path
    return {**on_path, "FP_OBSERVED": observed_directory}


def _is_isolated(command: Sequence[str]) -> bool:
    """True for `python -I main.py`, `-E`, `-S`, `-sE`: the notes would be those of children only."""
    words = iter(command[1:])
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            return False
        if word.startswith("--"):
            continue
        options = word[1:]
        for at, option in enumerate(options):
            if option in "IES":
                return True
            if option in "cm":
                return False
            if option in "WX":
                if at == len(options) - 1:
                    next(words, None)
                break
    return False


def collect(directory: Path, distributions: Distributions, own: frozenset[str]) -> JsonObject:
    """What the processes that left notes in a directory imported.

    `own` are the top-level modules of the node's code and libs. {"python": {"uses": {distribution:
    version}, "missing": [modules asked for and not there]}}; or, if the node's own Python left no note,
    {"python": {"everything": {distribution: version}}}.
    """
    names = _noted(directory, distributions.prefix)
    if names is None:
        return {"python": {"everything": dict[str, Json](distributions.everything())}}
    above = {name.lstrip(_LOADED).rpartition(".")[0] for name in names}
    uses: set[str] = set()
    missing: set[str] = set()
    for note in names:
        name = note.lstrip(_LOADED)
        top = name.partition(".")[0]
        if top in distributions.stdlib or (name in above and distributions.is_namespace(name)):
            continue  # of a namespace package, only what was asked for below it was used
        owners = distributions.owners(name)
        if owners is not None:
            uses.update(owners)
        elif top not in own and name == note:
            missing.add(name)
    versions: JsonObject = {name: distributions.version(name) for name in sorted(uses)}
    return {"python": {"uses": versions, "missing": [*sorted(missing)]}}


def _noted(directory: Path, prefix: str) -> set[str] | None:
    """All names noted by processes of the Python at `prefix`; None if there is no such note.

    Another Python is a tool of the node's like any other program: it has other distributions.
    """
    try:
        files = os.listdir(directory)
    except OSError:
        return None
    is_noted = False
    found: set[str] = set()
    for file in files:
        with open(f"{directory}/{file}", "rb", buffering=0) as notes:
            text = notes.read().decode("utf-8", "surrogateescape")
        first, *names = text.splitlines() or [""]
        if first == "=" + prefix:
            is_noted = True
            found.update(names)
    found.discard("")
    return found if is_noted else None


def still_holds(observed: Json, distributions: Distributions | None) -> bool:
    """True if a run now would find the same packages. Without observations, always."""
    if not isinstance(observed, dict) or "python" not in observed:
        return True
    return distributions is not None and not differences(observed, distributions)


def differences(observed: Json, distributions: Distributions) -> tuple[PackageChange, ...]:
    """The packages that are not as observed, by name."""
    seen = observed.get("python") if isinstance(observed, dict) else None
    if not isinstance(seen, dict):
        return ()
    if "everything" in seen:
        return _all_changes(_versions(seen["everything"]), distributions)
    changes = [
        PackageChange(name, old, new)
        for name, old in _versions(seen.get("uses")).items()
        if (new := distributions.version(name)) != old
    ]
    missing = seen.get("missing")
    for name in missing if isinstance(missing, list) else ():
        changes += _appeared(str(name), distributions)
    return tuple(sorted(set(changes), key=lambda change: change.name))


def _all_changes(old: dict[str, str], distributions: Distributions) -> tuple[PackageChange, ...]:
    new = distributions.everything()
    return tuple(
        PackageChange(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def _appeared(module: str, distributions: Distributions) -> list[PackageChange]:
    """The distributions that now bring a module which the run looked for in vain."""
    owners = distributions.owners(module)
    if owners == ():  # what was a namespace package is a regular one now
        owners = distributions.owners(module.partition(".")[0])
    return [PackageChange(owner, None, distributions.version(owner)) for owner in owners or ()]


def _versions(value: Json) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}
