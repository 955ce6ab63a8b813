"""`fp run`: a node in its own directory, on the terminal, with the surroundings a build would give it.

`data/` and `reports/` become empty real directories; nothing is published. What they hold afterwards is the
user's: the next build keeps those bytes before it links a result back (L9).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fusionpipe.build.keep import keep_user_data, move_aside
from fusionpipe.build.linking import link_what_it_reads
from fusionpipe.build.relink import relink
from fusionpipe.build.session import Session
from fusionpipe.errors import UsageError
from fusionpipe.model import FileSet, Node, NodeName
from fusionpipe.params import canonical_json
from fusionpipe.runner.byhand import run_by_hand, terminal_environment
from fusionpipe.runner.environment import base_environment, place_environment
from fusionpipe.runner.layout import Layout
from fusionpipe.runner.observed import environment as observation
from fusionpipe.runner.tools import Missing, command_line

_LAID = ".run"


def run_node(
    session: Session, name: NodeName, ancestors: Sequence[NodeName], command: Sequence[str]
) -> int:
    """Runs a node, or `command` in its place; its exit code. Raises UsageError."""
    node = session.graph.nodes[name]
    if node.source is not None:
        raise UsageError(f"{name} is a source: there is nothing to run")
    tool = session.toolbox.resolve(node)
    if isinstance(tool, Missing) and not command:
        raise UsageError(str(tool), tool.mend)
    relink(session, ancestors)
    _refuse_without_parents(session, node)
    here = session.root / name
    link_what_it_reads(session, node, with_params=True)
    session.state.save(session.graph.nodes)
    base = base_environment(session.ambient, node.env, node.passed, node.secrets)
    base |= terminal_environment(session.ambient)
    base |= {name: session.ambient[name] for name in node.secrets if name in session.ambient}
    for variable, value in observation("").items():
        base[variable] = ":".join(filter(None, (value, base.get(variable, ""))))
    environment = place_environment(
        base,
        here,
        _layout(session.root, node),
        seed=node.seed,
        node=name if node.is_named else None,
        tmp=None,
    )
    argv = tuple(command) or (() if isinstance(tool, Missing) else command_line(tool, node))
    _refuse_unknown_command(argv[0], base.get("PATH"))
    for slot in ("data", "reports"):
        if place := _empty_real(session, here / slot):
            session.notes.append(f"your own {name}/{slot} is kept as {place}")
    with _code_directory(session.root, node) as code:
        return run_by_hand(argv, environment, code)


def _refuse_without_parents(session: Session, node: Node) -> None:
    without = [
        parent
        for parent in node.parent_nodes()
        if not os.path.isdir(session.root / parent / "data")
    ]
    if without:
        names = " ".join(without)
        raise UsageError(f"{node.name} reads {names}, which has no data yet", f"fp build {names}")


def _refuse_unknown_command(command: str, path: str | None) -> None:
    """Before anything is moved. One with a slash is relative to the code, which is laid out later."""
    if "/" not in command and shutil.which(command, path=path) is None:
        raise UsageError(
            f"cannot start {command}: there is no such command", "check its name and PATH"
        )


def _empty_real(session: Session, path: Path) -> str | None:
    """Makes `path` an empty real directory; where the user's bytes that were there are now."""
    kept = None
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        kept = keep_user_data(session.store, path)
    elif path.exists():
        kept = str(move_aside(path))
    path.mkdir(exist_ok=True)
    return kept


def _layout(root: Path, node: Node) -> Layout:
    """The names a run finds, as links in the node's own directory."""
    here = root / node.name
    parents: dict[str, Path | dict[str, Path]] = {}
    for parent in node.parents:
        members = {member: root / name / "data" for member, name in parent.members.items()}
        parents[parent.alias] = members if parent.is_many else members[""]
    return Layout(
        inputs={given.name: here / "inputs" / given.name for given in node.inputs},
        libs={lib.name: here / "libs" / lib.name for lib in node.libs},
        parents=parents,
        params=canonical_json(node.params),
    )


@contextmanager
def _code_directory(root: Path, node: Node) -> Iterator[Path]:
    """A directory beside `data/` that holds the code: `code/`, or links to code from elsewhere."""
    code = node.code
    own = root / node.name / "code"
    if code is None or _lies_in(code, f"{node.name}/code"):
        own.mkdir(exist_ok=True)
        yield own
        return
    laid = root / node.name / _LAID
    _lay(root, code, laid)
    try:
        yield laid
    finally:
        _take_up(laid)


def _lies_in(code: FileSet, directory: str) -> bool:
    return all(file.path == f"{directory}/{file.at}" for file in code.files)


def _lay(root: Path, code: FileSet, laid: Path) -> None:
    if laid.exists():
        _take_up(laid)
    laid.mkdir()
    for file in code.files:
        at = laid / file.at
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(os.path.relpath(root / file.path, at.parent))


def _take_up(laid: Path) -> None:
    """Removes our links; files that the run wrote there are the user's and stay."""
    for path in sorted(laid.rglob("*"), reverse=True):
        if path.is_symlink():
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    if not any(laid.iterdir()):
        laid.rmdir()
