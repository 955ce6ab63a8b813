"""What `fp init` and `fp new` write. Never overwrites and never deletes; everything is checked first."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fusionpipe.errors import UsageError
from fusionpipe.literals import path_literals, sibling_imports
from fusionpipe.starters import SUFFIXES, starter

ROOT_FILE = "fusionpipe.toml"
NODE_FILE = "node.toml"
PRIVATE = ".fusionpipe"

_ROOT_TEXT = """\
# A fusionpipe project: every directory below with code/main.* or a node.toml is a node.
# `fp new NAME` makes one, `fp build` runs what is needed. Every setting is optional; the usual ones:

# exclude = ["archive/"]         # where no nodes are looked for, as in .gitignore
# store = "/big/disk/store"      # where results are kept; .fusionpipe/store if unset
# jobs = 4                       # how many nodes at once; as many as there are cores if unset

# [defaults]                     # for every node
# python = ".venv/bin/python"
# libs = ["src/ourlib"]          # shared code: on the node's path, and keyed

# [params]                       # for the nodes that say: use = ["region"]
# region = "north"
"""

_PARAMS_TEXT = """
# [params]                       # the code finds these in ../params.json
# threshold = 0.5
"""

_EXCLUDED = re.compile(r"[@:=,\[\]{}*?+\\\x00-\x1f\x7f]")


class New(NamedTuple):
    """What `new_node` made: files relative to the root, and sentences worth reading."""

    files: tuple[str, ...]
    notes: tuple[str, ...]


def init(root: Path, *, network_store: Path | None = None) -> tuple[str, ...]:
    """Makes `root` a project; gives the files written or added to, relative to it.

    `network_store` is a local place for the store of a project that lies on a network file system; it is
    written to `.fusionpipe/local.toml`, which is this machine's own.
    """
    root = root.absolute()
    for place in (root, *root.parents):
        if (place / ROOT_FILE).exists():
            where = "this directory" if place == root else str(place)
            raise UsageError(
                f"{where} is a fusionpipe project already", "use it, or init elsewhere"
            )
    if not root.is_dir():
        raise UsageError(f"{root} is not a directory", f"make it first: mkdir {root}")
    written = [_write_new(root, ROOT_FILE, _ROOT_TEXT)]
    if _ignore_private(root / ".gitignore"):
        written.append(".gitignore")
    local = f"{PRIVATE}/local.toml"
    if network_store is not None and not (root / local).exists():
        text = "# This machine's settings, never committed.\n"
        text += (
            f"store = {_quoted(str(network_store))}  # databases break on network file systems\n"
        )
        written.append(_write_new(root, local, text))
    return tuple(written)


def new_node(
    root: Path, name: str, *, parents: Sequence[str], language: str, from_script: str | None
) -> New:
    """Makes the node directory `name` below the project `root`, with `node.toml` and first code.

    Parents are names as in `node.toml`: beside the node or from the root. With `from_script` (a path
    relative to the root, or absolute) the code is that script, where it is.
    """
    root = root.resolve()
    name = _checked_name(root, name)
    written_parents = [_written_parent(root, name, parent) for parent in dict.fromkeys(parents)]
    aliases = [_alias(parent) for parent in written_parents]
    _refuse_same_aliases(aliases, written_parents)
    if from_script is not None:
        return _from_script(root, name, written_parents, from_script)
    if language not in SUFFIXES:
        raise UsageError(f"unknown language {language!r}", f"one of: {', '.join(SUFFIXES)}")
    texts = {
        f"{name}/code/main.{language}": starter(language, aliases),
        f"{name}/{NODE_FILE}": _parents_line(written_parents) + _PARAMS_TEXT,
    }
    return New(tuple(_write_all(root, texts)), ())


# -- init ----------------------------------------------------------------------------------------


def _ignore_private(path: Path) -> bool:
    """Adds `/.fusionpipe/` to a .gitignore that does not say it yet; True if it did."""
    before = path.read_bytes() if path.exists() else b""
    said = {line.strip().strip(b"/") for line in before.splitlines() if line.strip()[:1] != b"!"}
    if PRIVATE.encode() in said:
        return False
    newline = b"\r\n" if b"\r\n" in before else b"\n"
    gap = newline if before and not before.endswith(b"\n") else b""
    with path.open("ab") as file:
        file.write(gap + f"/{PRIVATE}/".encode() + newline)
    return True


# -- names ---------------------------------------------------------------------------------------


def _checked_name(root: Path, name: str) -> str:
    """The name without a trailing slash or `./`, if a node may be made there."""
    shown, name = name, name.removeprefix("./").rstrip("/")
    found = _EXCLUDED.search(name)
    if found:
        raise UsageError(
            f"a node may not be called {shown!r}: it has {found[0]!r}",
            "these mean something elsewhere: @ : = , [ ] { } * ? + \\ and control characters",
        )
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise UsageError(
            f"{shown!r} is no place for a node", "name a directory inside the project: prep/clean"
        )
    if any(part.startswith(".") for part in parts):
        raise UsageError(
            f"a node may not be called {shown!r}", "hidden directories are not searched for nodes"
        )
    _refuse_taken(root, name)
    return name


def _refuse_taken(root: Path, name: str) -> None:
    for group in _groups_of(name):
        if is_node(root / group):
            raise UsageError(
                f"{name} would lie inside the node {group}", "nodes do not nest: put it beside it"
            )
        if (root / group / ROOT_FILE).exists():
            raise UsageError(f"{group} is a project of its own", f"run fp new in {group}")
    place = root / name
    if not place.resolve().is_relative_to(root):
        raise UsageError(f"{name} leads out of the project, to {place.resolve()}")
    if is_node(place):
        raise UsageError(f"the node {name} exists already", f"edit {name}/{NODE_FILE}")
    if os.path.lexists(place) and not (place.is_dir() and not any(place.iterdir())):
        raise UsageError(
            f"{name} exists already and is no empty directory",
            f"a directory becomes a node when it has code/main.py or a {NODE_FILE}",
        )


def _groups_of(name: str) -> Iterator[str]:
    """The directories a node's name goes through: for a/b/c these are a and a/b."""
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def is_node(directory: Path) -> bool:
    """True if a directory is a node: it has a `node.toml` or an entry in `code/`."""
    if (directory / NODE_FILE).is_file():
        return True
    code = directory / "code"
    return any((code / f"main.{suffix}").is_file() for suffix in SUFFIXES) or (
        (code / "main").is_file() and os.access(code / "main", os.X_OK)
    )


# -- parents -------------------------------------------------------------------------------------


def _written_parent(root: Path, name: str, parent: str) -> str:
    """A parent as `node.toml` has to say it so that it means one thing."""
    given = parent.rstrip("/")
    group = name.rpartition("/")[0]
    if given.startswith(("./", "../", "/")):
        relative = given.lstrip("/") if given.startswith("/") else os.path.join(group, given)
        _refuse_unknown(root, os.path.normpath(relative), name, parent)
        return given
    beside, at_root = os.path.join(group, given), given
    there = [place for place in dict.fromkeys((beside, at_root)) if _exists(root, place)]
    if len(there) > 1:
        raise UsageError(
            f"the parent {given!r} is both {beside} and {at_root}",
            f"say ./{given} for {beside} or /{given} for {at_root}",
        )
    _refuse_unknown(root, there[0] if there else at_root, name, parent)
    if group and given.startswith(f"{group}/"):
        return _short(root, given.removeprefix(f"{group}/"), given)
    return given


def _short(root: Path, short: str, full: str) -> str:
    """A sibling's name by itself, unless the root has another of that name."""
    return full if _exists(root, short) else short


def _refuse_unknown(root: Path, place: str, name: str, parent: str) -> None:
    if place == name or _is_glob(place):
        if place == name:
            raise UsageError(f"{name} cannot be its own parent")
        return
    if place.startswith("..") or not _exists(root, place):
        from fusionpipe.project.suggest import did_you_mean  # only a mistake has to pay for it

        known = [path.relative_to(root).as_posix() for path in _nodes_below(root)]
        raise UsageError(
            f"there is no node {parent!r} to be a parent of {name}",
            did_you_mean(parent, known, f"make it first: fp new {parent}"),
        )


def _exists(root: Path, place: str) -> bool:
    """A node or a group; a glob where it matches something."""
    if _is_glob(place):
        return any(True for _ in root.glob(place))
    return (root / place).is_dir()


def _is_glob(place: str) -> bool:
    return any(sign in place for sign in "*?[")


def _nodes_below(root: Path) -> Iterator[Path]:
    for directory, below, _ in os.walk(root):
        here = Path(directory)
        if here != root and is_node(here):
            below.clear()
            yield here
        below[:] = [one for one in below if not one.startswith(".")]


def _alias(parent: str) -> str:
    """The name under `parents/`: the last part, for a glob that of its fixed prefix."""
    fixed = [
        part for part in parent.split("/") if not _is_glob(part) and part not in ("", ".", "..")
    ]
    return fixed[-1] if fixed else "parents"


def _refuse_same_aliases(aliases: Sequence[str], parents: Sequence[str]) -> None:
    for alias in aliases:
        same = [parent for parent, its in zip(parents, aliases, strict=True) if its == alias]
        if len(same) > 1:
            raise UsageError(
                f"{' and '.join(same)} would both be parents/{alias}",
                f"make the node with one of them and name the other in its {NODE_FILE}: "
                '[parents] other = "…"',
            )


# -- writing -------------------------------------------------------------------------------------


def _parents_line(parents: Sequence[str]) -> str:
    if not parents:
        return (
            '# parents = ["other"]          # whose data/ this node reads, as ../parents/other/\n'
        )
    if any(map(_is_glob, parents)):  # a glob has no last part to be called by
        named = (f"{_key(_alias(parent))} = {_quoted(parent)}" for parent in parents)
        return f"parents = {{ {', '.join(named)} }}\n"
    return f"parents = [{', '.join(map(_quoted, parents))}]\n"


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False)


def _write_all(root: Path, texts: Mapping[str, str]) -> list[str]:
    """Writes all of the files, or none: half a node makes the whole project invalid."""
    written: list[str] = []
    try:
        for name, text in texts.items():
            written.append(name)
            _write_new(root, name, text)
    except FileExistsError:
        written.pop()  # it is somebody's
        _remove(root, written)
        raise
    except OSError:
        _remove(root, written)
        raise
    return written[::-1]


def _remove(root: Path, names: Sequence[str]) -> None:
    for name in names:
        with suppress(OSError):
            (root / name).unlink()
            (root / name).parent.rmdir()


def _write_new(root: Path, name: str, text: str) -> str:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return name


# -- an existing script --------------------------------------------------------------------------

_RUN_WITH = {".r": "Rscript", ".bash": "bash"}


def _from_script(root: Path, name: str, parents: Sequence[str], from_script: str) -> New:
    script = _checked_script(root, from_script)
    relative = os.path.relpath(script, root / name)
    text = _parents_line(parents)
    text += f"code = [{_quoted(relative)}]\n{_entry_line(script)}\n{_PARAMS_TEXT}"
    notes = tuple(_notes(root, root / name, script))
    return New((_write_new(root, f"{name}/{NODE_FILE}", text),), notes)


def _checked_script(root: Path, from_script: str) -> Path:
    given = root / from_script
    script = Path(os.path.normpath(given))
    if not script.is_file():
        raise UsageError(
            f"there is no script {from_script}", "give its path from the project's root"
        )
    if not script.is_relative_to(root):
        raise UsageError(
            f"{from_script} lies outside the project", "copy it into the project first"
        )
    return script


def _entry_line(script: Path) -> str:
    if script.suffix.removeprefix(".") in SUFFIXES:
        return f"main = {_quoted(script.name)}"
    if script.suffix in _RUN_WITH:
        return f"run = [{_quoted(_RUN_WITH[script.suffix])}, {_quoted(script.name)}]"
    if script.suffix == ".ipynb":
        raise UsageError(
            "notebooks are not supported yet", "save it as a script: jupyter nbconvert"
        )
    if os.access(script, os.X_OK):
        return f"run = [{_quoted('./' + script.name)}]"
    raise UsageError(
        f"what runs {script.name}?",
        f"known are .{', .'.join(SUFFIXES)}, or make it executable: chmod +x {script.name}",
    )


def _notes(root: Path, node: Path, script: Path) -> Iterator[str]:
    text = script.read_text(encoding="utf-8", errors="replace")
    shown = script.relative_to(root).as_posix()
    is_python = script.suffix == ".py"
    found = path_literals(text, is_python=is_python, is_shell=script.suffix in (".sh", ".bash", ""))
    if found:
        yield (
            "these paths leave the node: read a parent as ../parents/<name>/…, write results to "
            "../data/…, plots to ../reports/…"
        )
    yield from (f'{shown}:{literal.line}: "{literal.text}"' for literal in found)
    for module in sibling_imports(text) if is_python else ():
        beside = script.parent / f"{module}.py"
        if beside.is_file():
            yield (
                f"{shown} imports {module}, which lies beside it: add "
                f"{_quoted(os.path.relpath(beside, node))} to code in {NODE_FILE}"
            )
