"""The node's side: where a node's code finds its parents, parameters and output directories.

    import fusionpipe as fp
    table = fp.parent("raw") / "x.csv"

It works the same in a build, where FP_* variables say where things are, and by hand, from a script or a
directory at or below the node's own. It must load in a few milliseconds in any Python from 3.8 on, so it
imports nothing but `os` and `sys` until it is asked something; and it must never write through a link
into the store.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would cost more than all of this file
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    Parents = dict[str, Path | dict[str, Path]]

_ENTRIES = ("main.py", "main.sh", "main.R", "main.jl", "main.m", "main")


class NodeSideError(RuntimeError):
    """Something a node's code asked for is not there; the sentence says what to do."""


def parent(alias: str | None = None) -> Path:
    """A parent's data directory; without an alias, the only parent's."""
    names = _names("parents", "FP_PARENTS")
    if alias is None:
        if len(names) != 1:
            raise NodeSideError(f"fp.parent() needs a name here: {_listed('parents', names)}")
        alias = names[0]
    return _there("parents", "FP_PARENTS", alias)


def parents() -> Parents:
    """Every parent's data directory by alias; for a group or a glob, a dict of its members'."""
    from pathlib import Path

    found: Parents = {}
    for alias in _names("parents", "FP_PARENTS"):
        path = str(_there("parents", "FP_PARENTS", alias))
        found[alias] = Path(path) if os.path.islink(path) else dict(_members(path, ""))
    return found


def input(name: str | None = None) -> Path:
    """A declared input: a file or a directory; without a name, the only one."""
    names = _names("inputs", "FP_INPUTS")
    if name is None:
        if len(names) != 1:
            raise NodeSideError(f"fp.input() needs a name here: {_listed('inputs', names)}")
        name = names[0]
    return _there("inputs", "FP_INPUTS", name)


def inputs() -> dict[str, Path]:
    """Every declared input by name."""
    names = _names("inputs", "FP_INPUTS")
    return {name: _there("inputs", "FP_INPUTS", name) for name in names}


def data() -> Path:
    """The directory to write results into: children read it."""
    return _output("data", "FP_DATA")


def reports() -> Path:
    """The directory to write plots and tables for people into: children never see it."""
    return _output("reports", "FP_REPORTS")


def params() -> dict[str, Any]:  # their values are the user's: any closer type is in the way
    """The node's parameters, nested as declared."""
    import json

    path = os.environ.get("FP_PARAMS") or os.path.join(_node_directory(), "params.json")
    try:
        with open(path, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        raise NodeSideError(f"{path} is not there: run `fp link` first") from None
    return found


def seed() -> int:
    """The node's seed: `seed = 7` in node.toml, 0 if it says none."""
    told = os.environ.get("FP_SEED")
    if told is None:
        told = _declared(r"seed\s*=\s*([-+]?\w+)") or "0"
    return int(told, 0)


def node() -> str:
    """The node's name, for nodes that say `named = true`."""
    name = os.environ.get("FP_NODE")
    if name:
        return name
    if _is_in_build() or _declared(r"named\s*=\s*(true)\b") is None:
        raise NodeSideError(
            "this node may not see its name: write `named = true` in its node.toml (the name is then a "
            "part of what its result depends on)"
        )
    directory = _node_directory()
    root = next((d for d in _upwards(directory) if _has(d, "fusionpipe.toml")), None)
    if root is None:
        raise NodeSideError(f"{directory} is in no project: there is no fusionpipe.toml above it")
    return os.path.relpath(directory, root).replace(os.sep, "/")


# -- where things are ----------------------------------------------------------------------------


def _is_in_build() -> bool:
    return "FP_DATA" in os.environ


def _node_directory() -> str:
    """By hand: the nearest node at or above the running script, else at or above the working directory."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    starts = [os.path.dirname(os.path.abspath(script))] if script else []
    for start in (*starts, os.getcwd()):
        for directory in _upwards(start):
            if _is_node(directory):
                return directory
            if _has(directory, "fusionpipe.toml"):
                break
    raise NodeSideError(
        f"{os.getcwd()} is not in a node (a directory with code/main.* or a node.toml): "
        "run the script from its node, or with `fp run NODE`"
    )


def _is_node(directory: str) -> bool:
    code = os.path.join(directory, "code")
    return _has(directory, "node.toml") or any(_has(code, name) for name in _ENTRIES)


def _has(directory: str, name: str) -> bool:
    return os.path.isfile(os.path.join(directory, name))


def _upwards(directory: str) -> Iterator[str]:
    while True:
        yield directory
        above = os.path.dirname(directory)
        if above == directory:
            return
        directory = above


def _place(kind: str, variable: str) -> str:
    return os.environ.get(variable) or os.path.join(_node_directory(), kind)


def _names(kind: str, variable: str) -> list[str]:
    try:
        return sorted(n for n in os.listdir(_place(kind, variable)) if not n.startswith("."))
    except FileNotFoundError:
        return []


def _there(kind: str, variable: str, name: str) -> Path:
    from pathlib import Path

    path = Path(_place(kind, variable)) / name
    if path.exists():
        return path
    if path.is_symlink():
        raise NodeSideError(f"{path} leads nowhere: run `fp build` to make its data again")
    names = _names(kind, variable)
    mend = "" if _is_in_build() else "; if it is declared, run `fp link` or `fp build` first"
    raise NodeSideError(f"there is no {kind}/{name}: {_listed(kind, names)}{mend}")


def _listed(kind: str, names: list[str]) -> str:
    return f"its {kind} are {', '.join(names)}" if names else f"no {kind} are linked"


def _members(directory: str, prefix: str) -> Iterator[tuple[str, Path]]:
    """The linked members of a group or glob; names with `/` are nested directories."""
    from pathlib import Path

    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if os.path.islink(path) or not os.path.isdir(path):
            yield prefix + name, Path(path)
        else:
            yield from _members(path, f"{prefix}{name}/")


def _output(kind: str, variable: str) -> Path:
    from pathlib import Path

    told = os.environ.get(variable)
    if told:
        return Path(told)
    path = os.path.join(_node_directory(), kind)
    if _is_link_to_store(path):
        os.unlink(path)  # the result stays in the store; the next build links it back
    elif os.path.islink(path) and not os.path.exists(path):
        raise NodeSideError(
            f"{path} is a link that leads nowhere: {os.readlink(path)} is not there"
        )
    os.makedirs(path, exist_ok=True)
    return Path(path)


def _is_link_to_store(path: str) -> bool:
    """True for a link to `trees/<digest>`, even if it leads nowhere; never for a user's own."""
    if not os.path.islink(path):
        return False
    above, name = os.path.split(os.path.normpath(os.readlink(path)))
    is_digest = len(name) == 64 and not name.strip("0123456789abcdef")
    return is_digest and os.path.basename(above) == "trees"


def _declared(pattern: str) -> str | None:
    """A top-level value of node.toml. Older Pythons have no TOML parser, and this needs none."""
    import re

    try:
        with open(os.path.join(_node_directory(), "node.toml"), encoding="utf-8") as file:
            top = re.split(r"^\s*\[", file.read(), maxsplit=1, flags=re.MULTILINE)[0]
    except FileNotFoundError:
        return None
    found = re.search(r"^\s*" + pattern, top, re.MULTILINE)
    return found.group(1) if found else None
