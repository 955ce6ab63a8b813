"""`fp doctor`: everything that can stand in the way of a build here, with what to do. Runs no node.

Each look is made by itself: one that fails is told and does not keep the others from being made.
"""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fusionpipe.build.archive import open_archive
from fusionpipe.build.machine import (
    Abilities,
    Check,
    abilities,
    clock,
    file_systems,
    kernel,
    limits,
    link_mode,
    ok,
    problem,
    space,
    warning,
)
from fusionpipe.build.state import DIRECTORY, State
from fusionpipe.errors import ProjectInvalid
from fusionpipe.gitexclude import find_repository
from fusionpipe.gitignore import GENERATED
from fusionpipe.model import Graph, Language, Node, NodeName, ProjectSettings
from fusionpipe.portable import Named, Trouble, troubles
from fusionpipe.project import load
from fusionpipe.runner.tools import Missing, Tool, Toolbox, mismatch
from fusionpipe.settings import STORE
from fusionpipe.workspace import Workspace
from fusionstore.errors import StoreError, StoreUnusable
from fusionstore.store import Store

_SHOWN = 3  # examples
_GIT_SECONDS = 20


def examine(root: Path, ambient: Mapping[str, str]) -> Iterator[Check]:
    """Every check, as it is made."""
    private = root / DIRECTORY
    if not os.access(root, os.W_OK | os.X_OK):
        mend = "make it yours (chown, chmod), or work in a copy"
        yield problem("project", f"{root} cannot be written", mend)
        return
    private.mkdir(exist_ok=True)
    here = abilities(private)
    graph, checks = _project(root)
    yield from checks
    yield from _store(root, ambient, here)
    yield from space("disk", private)
    yield from limits()
    yield kernel()
    yield clock(private, time.time())
    if graph is not None:
        yield from _tools(root, ambient, graph)
    yield from git_state(root)
    yield portability(troubles(names_below(root)))


# -- the project --------------------------------------------------------------------------------


def _project(root: Path) -> tuple[Graph | None, list[Check]]:
    state = State.load(root)
    try:
        graph = load(Workspace(root, state.memory, lambda _: False))
    except ProjectInvalid as error:
        first = error.problems[0]
        what = (
            f"{_counted(len(error.problems), 'mistake')} in its files, {first.file}: {first.what}"
        )
        return None, [problem("project", what, "fp status tells them all")]
    checks = [ok("project", f"{_counted(len(graph.nodes), 'node')}")]
    misses = graph.near_misses[:_SHOWN]
    checks += (warning("project", f"{miss.file}: {miss.what}", miss.mend) for miss in misses)
    return graph, checks


def _tools(root: Path, ambient: Mapping[str, str], graph: Graph) -> Iterator[Check]:
    """What runs the nodes, each program once."""
    state = State.load(root)
    disk = Workspace(root, state.memory, lambda _: False)
    toolbox = Toolbox(disk, ambient, root, graph.settings, state.probes)
    users: dict[Tool | Missing, list[Node]] = defaultdict(list)
    for node in graph.nodes.values():
        if node.entry is not None and node.entry.language is not Language.EXECUTABLE:
            users[toolbox.resolve(node)].append(node)
    for tool, nodes in users.items():
        yield from _tool(tool, nodes)


def _tool(tool: Tool | Missing, nodes: list[Node]) -> Iterator[Check]:
    used = _listed(node.name for node in nodes)
    if isinstance(tool, Missing):
        yield problem(str(tool.language), f"{tool}; used by {used}", tool.mend)
        return
    found = " ".join(part for part in (tool.version, tool.path or tool.shown) if part)
    wrong = [(node, off) for node in nodes if (off := mismatch(node, tool)) is not None]
    for node, off in wrong[:_SHOWN]:
        mend = "install that version, or correct [tools] in its node.toml"
        yield problem(str(tool.language), f"{node.name}: {off}", mend)
    if not wrong:
        yield ok(str(tool.language), f"{found}, for {_counted(len(nodes), 'node')}")


# -- the store ----------------------------------------------------------------------------------


def _store(root: Path, ambient: Mapping[str, str], here: Abilities) -> Iterator[Check]:
    try:
        with open_archive(root, ambient) as archive:
            there = abilities(archive.store.scratch())
            yield from file_systems(here, there)
            yield link_mode(archive.settings.link, root, archive.store.path, there)
            yield from _opened_store(archive.store, ambient, archive.settings)
    except ProjectInvalid:
        yield from file_systems(here, None)
    except StoreUnusable as error:
        yield from file_systems(here, None)
        yield problem("store", f"{error.path}: {error.what}", error.mend)
    except StoreError as error:
        yield from file_systems(here, None)
        yield problem("store", str(error).replace("\n", ";"), "fp verify tells more")


def _opened_store(
    store: Store, ambient: Mapping[str, str], settings: ProjectSettings
) -> Iterator[Check]:
    told = (
        "by FUSIONPIPE_STORE" if ambient.get(STORE) else "as configured" if settings.store else ""
    )
    yield ok("store", " ".join(part for part in (str(store.path), told) if part))
    yield from owner(store.path)
    yield from space("store disk", store.path)
    audit = store.audit()
    damaged = sum(finding.fault.is_damage for finding in audit.findings)
    if damaged:
        thing = "thing is" if damaged == 1 else "things are"
        yield problem("store health", f"{format(damaged, ',')} {thing} damaged", "fp verify")
    else:
        held = f"{_counted(audit.records, 'result')}, {_counted(audit.objects, 'file')}"
        yield ok("store health", f"sound: {held}")
    left = len(store.abandoned_tmp())
    if left:
        what = f"scratch of {_counted(left, 'process that died', 'processes that died')}"
        yield warning("left over", what, "nothing: the next fp build that has work sweeps them")
    else:
        yield ok("left over", "no scratch or locks of dead processes")


def owner(store: Path) -> Iterator[Check]:
    """Whose the store is, and who else may write to it."""
    status = os.stat(store)
    if status.st_uid != os.geteuid():
        what = f"it belongs to user {status.st_uid}, and this is user {os.geteuid()}"
        yield problem("store owner", what, f"chown -R {os.geteuid()} {store}, or use another store")
        return
    others = stat.S_IMODE(status.st_mode) & 0o022
    if others:
        what = (
            f"others may write to it (mode {stat.S_IMODE(status.st_mode):o}): a store has one owner"
        )
        yield warning("store owner", what, f"chmod go-w {store}")
    else:
        yield ok("store owner", "yours alone to write")


# -- git ----------------------------------------------------------------------------------------


def git_state(root: Path) -> Iterator[Check]:
    """Whether generated names would be committed, or were. Asks git, if there is a repository and a git."""
    if find_repository(root.resolve()) is None:
        yield ok("git", "not a repository")
        return
    try:
        tracked = _generated(root, _git(root, "ls-files", "-z"))
        shown = _generated(root, _git(root, "ls-files", "-z", "--others", "--exclude-standard"))
    except (OSError, subprocess.SubprocessError) as error:
        yield warning("git", f"git cannot be asked: {error}", "install git, or mend the repository")
        return
    if tracked:
        what = f"{_counted(len(tracked), 'generated file')} committed: {_listed(tracked)}"
        yield warning("git", what, f"git rm -r --cached {tracked[0]}")
    if shown:
        what = f"{_counted(len(shown), 'generated file')} not ignored: {_listed(shown)}"
        yield warning("git", what, "fp link writes the ignore files")
    if not tracked and not shown:
        yield ok("git", "generated names are ignored, none is committed")


def _git(root: Path, *words: str) -> list[str]:
    ran = subprocess.run(
        ["git", "--no-optional-locks", "-C", str(root), *words],
        capture_output=True,
        check=True,
        timeout=_GIT_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return [os.fsdecode(raw) for raw in ran.stdout.split(b"\0") if raw]


def _generated(root: Path, paths: Iterable[str]) -> list[str]:
    """Those of the paths that a build makes: in our own directory, or a link of ours beside code."""
    return [path for path in paths if _is_generated(root, path)]


def _is_generated(root: Path, path: str) -> bool:
    parts = path.split("/")
    if parts[0] == DIRECTORY:
        return parts[1:2] != ["local.toml"]
    if parts[-1] not in GENERATED or not (root / path).is_symlink():
        return False
    beside = root.joinpath(*parts[:-1])
    return (beside / "code").is_dir() or (beside / "node.toml").is_file()


# -- portability --------------------------------------------------------------------------------


def names_below(root: Path) -> Iterator[Named]:
    """All that is the user's in a project: not what is hidden or generated, nor data."""
    top = f"{root}/"
    for directory, below, files in os.walk(root):
        is_node = "code" in below or "node.toml" in files
        place = f"{directory}/".removeprefix(top)
        below[:] = [
            name for name in below if name[:1] != "." and not (is_node and name in GENERATED)
        ]
        for name in sorted([*below, *files]):
            if is_node and name in GENERATED:
                continue
            path = f"{directory}/{name}"
            yield Named(place + name, os.readlink(path) if os.path.islink(path) else None)


def portability(found: Iterable[Trouble]) -> Check:
    """What would break elsewhere, in one line; the first few by name."""
    all_found = list(found)
    if not all_found:
        return ok("portability", "names and links would do on macOS and Windows, too")
    path, what = all_found[0]
    more = f" (and {format(len(all_found) - 1, ',')} more)" if len(all_found) > 1 else ""
    told = path.encode("utf-8", "backslashreplace").decode()
    return warning(
        "portability", f"{told} {what}{more}", "rename it, or link to something in the project"
    )


def _counted(count: int, noun: str, plural: str = "") -> str:
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _listed(names: Iterable[NodeName | str]) -> str:
    every = sorted(names)
    more = f" and {format(len(every) - _SHOWN, ',')} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
