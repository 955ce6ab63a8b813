"""What a node's code reads by hand: `parents/`, `inputs/`, `libs/` as relative links, and `params.json`.

Made again only where something is missing or other than it should be. Real files of the user's in these
directories stay.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from fusionpipe.model import FileSet, Laid, Node

_DIRECTORIES = ("parents", "inputs", "libs")


def link_given(root: str, node: Node, params: bytes) -> None:
    """Makes what the node's code reads by hand. Raises OSError."""
    here = f"{root}/{node.name}"
    for directory, wanted in zip(_DIRECTORIES, _wanted(root, node, here), strict=True):
        place = f"{here}/{directory}"
        if wanted:
            _make(place, wanted)
        elif os.path.isdir(place) and not os.path.islink(place):
            _drop_others(place, "", wanted)
    if node.params or os.path.lexists(f"{here}/params.json"):
        write_params(here, params)


def write_params(here: str, params: bytes) -> None:
    """Writes params.json in a node's directory, unless it says so already."""
    path = f"{here}/params.json"
    try:
        with open(path, "rb", buffering=0) as file:
            if file.read() == params:
                return
    except OSError:
        pass
    beside = f"{here}/.params.json.{os.getpid()}"
    with open(beside, "wb") as file:
        file.write(params)
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


def _wanted(root: str, node: Node, here: str) -> tuple[dict[str, str], ...]:
    """For each of the three directories, the links in it: name to text."""
    parents = {
        f"{parent.alias}/{member}" if member else parent.alias: f"{root}/{name}/data"
        for parent in node.parents
        for member, name in parent.members.items()
    }
    inputs = dict(pair for given in node.inputs for pair in _targets(root, given))
    libs = dict(pair for lib in node.libs for pair in _targets(root, lib))
    return tuple(
        {
            name: os.path.relpath(target, os.path.dirname(f"{here}/{directory}/{name}"))
            for name, target in wanted.items()
        }
        for directory, wanted in zip(_DIRECTORIES, (parents, inputs, libs), strict=True)
    )


def _targets(root: str, given: FileSet) -> Iterator[tuple[str, str]]:
    """Where each name of a set leads: one link for the whole where it is one file or directory."""
    bases = {_base(laid) for laid in given.files}
    if len(bases) == 1 and (base := bases.pop()) is not None:
        yield given.name, os.path.join(root, base)
        return
    for laid in given.files:
        yield f"{given.name}/{laid.at}", os.path.join(root, laid.path)


def _base(laid: Laid) -> str | None:
    """The directory that `at` is relative to when it is the end of the path; None when it is not."""
    if laid.at == "":
        return laid.path
    end = "/" + laid.at
    return laid.path.removesuffix(end) if laid.path.endswith(end) else None


def _make(place: str, wanted: dict[str, str]) -> None:
    try:
        os.mkdir(place)
    except FileExistsError:
        if os.path.islink(place):  # the user's own: what lies behind it is not ours to write into
            return
        # first, lest a new name be made behind a link that stands where a directory has to be
        _drop_others(place, "", wanted)
        os.makedirs(place, exist_ok=True)
    for name, text in wanted.items():
        if "/" in name:
            os.makedirs(os.path.dirname(f"{place}/{name}"), exist_ok=True)
        try:
            os.symlink(text, f"{place}/{name}")
        except FileExistsError:
            if os.path.islink(f"{place}/{name}") and os.readlink(f"{place}/{name}") != text:
                swap_link(f"{place}/{name}", text)


def _drop_others(place: str, prefix: str, wanted: dict[str, str]) -> None:
    """Removes links that nothing asks for any more, and directories that are empty then."""
    is_empty = True
    with os.scandir(place) as entries:
        for entry in list(entries):
            name = prefix + entry.name
            if entry.is_symlink() and name not in wanted:
                os.unlink(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                _drop_others(entry.path, name + "/", wanted)
                is_empty = is_empty and not os.path.lexists(entry.path)
            else:
                is_empty = False
    if is_empty:
        os.rmdir(place)
