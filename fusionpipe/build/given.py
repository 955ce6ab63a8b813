"""What a node's code reads by hand: `parents/`, `inputs/`, `libs/` as relative links, and `params.json`.

Made again only where something is missing or other than it should be. What we did not make is the
user's and stays: `made` tells what earlier calls made (names; for params.json with a digest of it).
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from fusionpipe.build.keep import move_aside
from fusionpipe.model import FileSet, Laid, Node
from fusionpipe.params import canonical_json
from fusionstore.digest import digest_bytes

_PARAMS = "params.json "
_DIRECTORIES = ("parents", "inputs", "libs")


def given_names(node: Node) -> tuple[str, ...]:
    """What tells, cheaply, whether the links of a node lead elsewhere than they did."""
    parents = (
        f"{parent.alias}/{member}={name}"
        for parent in node.parents
        for member, name in parent.members.items()
    )
    sets = (f"{one.name}={one.files[0].path}" for one in (*node.inputs, *node.libs) if one.files)
    return (*parents, *sets)


def link_given(
    root: str, node: Node, params: bytes, made: Collection[str] = (), *, with_params: bool = False
) -> tuple[str, ...]:
    """Makes what the node's code reads by hand; what there is of ours now. Raises OSError.

    A node without params gets a params.json only `with_params`.
    """
    here = f"{root}/{node.name}"
    names: list[str] = []
    for directory, wanted in zip(_DIRECTORIES, _wanted(root, node), strict=True):
        if not wanted and not any(name.startswith(f"{directory}/") for name in made):
            continue
        place = f"{here}/{directory}"
        if os.path.islink(place):  # the user's: what it leads to is not ours to change
            continue
        _drop_others(here, directory, made, wanted)
        _make(place, wanted)
        names += (f"{directory}/{name}" for name in wanted)
    if node.params or with_params or any(name.startswith(_PARAMS) for name in made):
        found = _read(f"{here}/params.json")
        if found != params:
            is_ours = found is None or _mark(found) in made or _is_of_another_build(found, params)
            _write_params(here, params, is_ours=is_ours)
        names.append(_mark(params))
    return tuple(names)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except FileNotFoundError:
        return None


def _is_of_another_build(found: bytes, params: bytes) -> bool:
    """Whether a params.json was written by a build with other values (-p): as we write, of the same names."""
    try:
        theirs, ours = json.loads(found), json.loads(params)
    except ValueError:
        return False
    if not isinstance(theirs, dict) or theirs.keys() != ours.keys():
        return False
    return bool(theirs) and canonical_json(theirs) == found


def _mark(params: bytes) -> str:
    return _PARAMS + digest_bytes(params)[:16]


def _write_params(here: str, params: bytes, *, is_ours: bool) -> None:
    path = f"{here}/params.json"
    beside = f"{here}/.params.json.{os.getpid()}"
    with open(beside, "wb") as file:
        file.write(params)
    if not is_ours:
        move_aside(Path(path))
    os.replace(beside, path)


def swap_link(path: str, text: str) -> None:
    """Makes `path` a symlink saying `text`, in one step, whatever link is there."""
    head, _, tail = path.rpartition("/")
    beside = f"{head}/.{tail}.{os.getpid()}"
    try:
        os.symlink(text, beside)
    except FileExistsError:  # left by a process of our number that was killed
        os.unlink(beside)
        os.symlink(text, beside)
    os.replace(beside, path)


def _wanted(root: str, node: Node) -> tuple[dict[str, str], ...]:
    """For each of the three directories, the links in it: name to text."""
    parents = {
        f"{parent.alias}/{member}" if member else parent.alias: f"{name}/data"
        for parent in node.parents
        for member, name in parent.members.items()
    }
    inputs = dict(pair for given in node.inputs for pair in _targets(given))
    libs = dict(pair for lib in node.libs for pair in _targets(lib))
    return tuple(
        {
            name: _relative(root, target, f"{node.name}/{directory}/{name}")
            for name, target in wanted.items()
        }
        for directory, wanted in zip(_DIRECTORIES, (parents, inputs, libs), strict=True)
    )


def _relative(root: str, target: str, link: str) -> str:
    """What a link says that leads to `target`; both from the root, but a target may lie outside."""
    if target.startswith(("/", "..")):
        return os.path.relpath(os.path.join(root, target), os.path.dirname(f"{root}/{link}"))
    to, at = target.split("/"), link.split("/")[:-1]
    shared = 0
    for one, other in zip(to, at, strict=False):
        if one != other:
            break
        shared += 1
    return "/".join([".."] * (len(at) - shared) + to[shared:])


def _targets(given: FileSet) -> Iterator[tuple[str, str]]:
    """Where each name of a set leads: one link for the whole where it is one file or directory."""
    bases = {_base(laid) for laid in given.files}
    if len(bases) == 1 and not given.is_gathered and (base := bases.pop()) is not None:
        yield given.name, base
        return
    for laid in given.files:
        yield f"{given.name}/{laid.at}", laid.path


def _base(laid: Laid) -> str | None:
    """The directory that `at` is relative to when it is the end of the path; None when it is not."""
    if laid.at == "":
        return laid.path
    end = "/" + laid.at
    return laid.path.removesuffix(end) if laid.path.endswith(end) else None


def _make(place: str, wanted: dict[str, str]) -> None:
    made: set[str] = set()  # directories that are there by now
    for name, text in wanted.items():
        below = name.rpartition("/")[0]
        if below not in made:
            _make_directories(place, below)
            made.add(below)
        try:
            os.symlink(text, f"{place}/{name}")
        except FileExistsError:
            if os.path.islink(f"{place}/{name}") and os.readlink(f"{place}/{name}") != text:
                swap_link(f"{place}/{name}", text)


def _make_directories(place: str, below: str) -> None:
    """Real directories: through a link, somebody else's would be written to."""
    path = place
    for part in ("", *below.split("/")) if below else ("",):
        path = f"{path}/{part}" if part else path
        if part and os.path.islink(path):
            os.unlink(path)
        with suppress(FileExistsError):
            os.mkdir(path)


def _drop_others(here: str, directory: str, made: Collection[str], wanted: Collection[str]) -> None:
    """Removes links of ours that nothing asks for any more, and the directories that are empty then."""
    for name in made:
        path = f"{here}/{name}"
        is_ours = name.startswith(f"{directory}/") and name[len(directory) + 1 :] not in wanted
        if not is_ours or not os.path.islink(path):
            continue
        os.unlink(path)
        above = os.path.dirname(path)
        with suppress(OSError):  # something is left in it
            while above != here:
                os.rmdir(above)
                above = os.path.dirname(above)
