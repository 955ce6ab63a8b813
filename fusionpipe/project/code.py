"""A node's code and libs: what is laid out under code/ and libs/, and how the node is started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fusionpipe.model import Entry, FileSet, Laid, Language
from fusionpipe.project.discover import ENTRIES, EXECUTABLE_ENTRY
from fusionpipe.project.filewalk import Skip
from fusionpipe.project.ignore import NOT_CODE_AT_NODE, is_dropping
from fusionpipe.project.material import Asker, Materials
from fusionpipe.project.nodefile import Written
from fusionpipe.project.patterns import below, expand, fixed_prefix, is_pattern
from fusionpipe.project.reading import directory_of, is_outside, join
from fusionpipe.project.suggest import did_you_mean

CODE = "code"

_BY_SUFFIX = {
    "py": Language.PYTHON,
    "R": Language.R,
    "r": Language.R,
    "jl": Language.JULIA,
}
_BY_COMMAND = {
    "python": Language.PYTHON,
    "python3": Language.PYTHON,
    "Rscript": Language.R,
    "julia": Language.JULIA,
    "octave": Language.OCTAVE,
    "matlab": Language.MATLAB,
    "sh": Language.SHELL,
    "bash": Language.BASH,
}


def lay_code(materials: Materials, asker: Asker) -> FileSet:
    """Everything that goes under code/; clashes and missing pieces are noted."""
    pieces = asker.declared.code
    if not pieces:
        return _default_code(materials, asker)
    if len(pieces) == 1 and not asker.declared.is_code_list:
        path = _code_path(materials, asker, pieces[0])
        if path is not None and materials.reading.is_directory(path):
            return FileSet(CODE, tuple(_directory(materials, asker, path, "")))
    laid = [file for piece in pieces for file in _piece(materials, asker, piece)]
    return FileSet(CODE, _together(materials, asker, laid))


def _default_code(materials: Materials, asker: Asker) -> FileSet:
    directory = f"{asker.node}/{CODE}"
    if not materials.reading.holds(asker.node, CODE):
        return FileSet(CODE, ())
    return FileSet(CODE, tuple(_directory(materials, asker, directory, "")))


def _directory(materials: Materials, asker: Asker, path: str, under: str) -> Iterable[Laid]:
    """A directory's files below `under`. What git would not carry (empty directories) is left out."""
    at_top = NOT_CODE_AT_NODE if path == asker.node else ()
    skip = materials.not_code(path, asker.node, at_top=at_top)
    files = materials.walk(path, skip).files
    return [replace(laid, at=f"{under}/{laid.at}") for laid in files] if under else files


def _code_path(materials: Materials, asker: Asker, written: Written) -> str | None:
    """Where a piece of code is. `/x` is seen from the root, everything else from the node."""
    text = written.text
    path = join("", text.lstrip("/")) if text.startswith("/") else join(asker.node, text)
    if is_outside(path):
        materials.refuse(
            asker,
            written,
            f'"{text}" is outside of the project',
            "copy or link it into the project",
        )
        return None
    if is_pattern(text):
        return path
    if materials.reading.disk.kind(path) is None:
        materials.refuse_missing(asker, written, path)
        return None
    if path == asker.node:
        return path
    return path if materials.is_allowed(asker, written, path) else None


def _piece(materials: Materials, asker: Asker, written: Written) -> Iterable[Laid]:
    """One entry of a code list: a file at its name, a directory under its name, a glob below its prefix."""
    path = _code_path(materials, asker, written)
    if path is None or not materials.is_readable_kind(asker, written, path):
        return ()
    if is_pattern(written.text):
        return _glob(materials, asker, written, path)
    name = path.rpartition("/")[2]
    if not materials.reading.is_directory(path):
        return (Laid(name, path),)
    return _directory(materials, asker, path, "" if name == CODE or path == asker.node else name)


def _glob(materials: Materials, asker: Asker, written: Written, pattern: str) -> list[Laid]:
    prefix = fixed_prefix(pattern)
    at_top = NOT_CODE_AT_NODE if prefix == asker.node else ()
    skip = materials.not_code(prefix, asker.node, at_top=at_top)
    laid: list[Laid] = []
    for path in expand(pattern, materials.reading.scan):
        is_directory = materials.reading.is_directory(path)
        if _is_skipped(path, prefix, is_directory, skip) or materials.territory.generated_by(path):
            continue
        at = below(path, prefix)
        if is_directory:
            if materials.is_allowed(asker, written, path):
                laid += _directory(materials, asker, path, at)
        elif materials.is_readable_kind(asker, written, path):
            laid.append(Laid(at, path))
    if not laid:
        materials.refuse(
            asker, written, f'"{written.text}" matches no file', f"looked below {prefix or '.'}"
        )
    return laid


def _is_skipped(path: str, prefix: str, is_directory: bool, skip: Skip) -> bool:
    """True when a matched path, or a directory it lies in below the prefix, is not code."""
    parts = below(path, prefix).split("/")
    here = prefix
    for at, name in enumerate(parts):
        here = f"{here}/{name}" if here else name
        if skip(here, name, is_directory or at < len(parts) - 1):
            return True
    return False


def _together(materials: Materials, asker: Asker, laid: Iterable[Laid]) -> tuple[Laid, ...]:
    """The pieces in one directory; two files at one place, or a file in a directory's place, are noted."""
    placed: dict[str, Laid] = {}
    for file in laid:
        other = placed.setdefault(file.at, file)
        if other.path != file.path:
            _refuse_clash(materials, asker, other, file)
    for at, file in placed.items():
        above = directory_of(at)
        while above:
            if above in placed:
                _refuse_clash(materials, asker, placed[above], file)
            above = directory_of(above)
    return tuple(placed[at] for at in sorted(placed))


def _refuse_clash(materials: Materials, asker: Asker, one: Laid, other: Laid) -> None:
    materials.refuse(
        asker,
        Written("", (CODE,)),
        f"{one.path} and {other.path} both want to be code/{min(one.at, other.at, key=len)}",
        "rename one, or put it into a directory",
    )


def find_libs(materials: Materials, asker: Asker) -> list[FileSet]:
    """The libs one file names, each under its last path part."""
    libs = []
    for written in asker.declared.libs:
        path = materials.look_up(asker, written)
        if path is None or not materials.is_readable_kind(asker, written, path):
            continue
        name = path.rpartition("/")[2]
        if materials.reading.is_directory(path):
            walked = materials.walk_once(path, materials.not_code(path))
            libs.append(FileSet(name, walked.files))
        else:
            libs.append(FileSet(name, (Laid("", path),)))
    return libs


def find_entry(materials: Materials, asker: Asker, code: FileSet) -> Entry | None:
    """How the node is started; None when that cannot be told, which is noted."""
    declared = asker.declared
    if declared.run:
        return Entry(_command_language(declared.run[0]), argv=declared.run)
    if "run" in declared.given:
        return None  # noted where it was read
    places = {laid.at: laid.path for laid in code.files}
    main = declared.main or _only_entry(materials, asker, places)
    if not main:
        return None
    if main not in places:
        _refuse_entry(materials, asker, main, places)
        return None
    language = _language(materials, main, places[main])
    if language is None:
        materials.refuse(
            asker,
            Written(main, ("main",)),
            f"cannot tell how to run {main}",
            f'make it executable, or write: run = ["command", "{main}"]',
        )
        return None
    return Entry(language, main)


def _command_language(word: str) -> Language:
    return _BY_COMMAND.get(word.rpartition("/")[2], Language.COMMAND)


def _only_entry(materials: Materials, asker: Asker, places: dict[str, str]) -> str:
    """The one file that is an entry by its name; none or several are noted."""
    found = [name for name in ENTRIES if name in places]
    if EXECUTABLE_ENTRY in places and materials.reading.disk.is_executable(
        places[EXECUTABLE_ENTRY]
    ):
        found.append(EXECUTABLE_ENTRY)
    if len(found) == 1:
        return found[0]
    file = asker.declared.file
    if found:
        where = file if asker.declared.is_written else f"{asker.node}/{CODE}"
        materials.reading.refuse(
            where,
            f"code/ has two entries: {' and '.join(found)}",
            f'say which in {file}: main = "{found[0]}"',
        )
    elif places:
        first = min(places, key=lambda at: (at.count("/"), at))
        mend = f'say how to start it: main = "{first}", or run = ["command", "argument"]'
        if EXECUTABLE_ENTRY in places:
            mend = f"make it executable: chmod +x {places[EXECUTABLE_ENTRY]}"
        materials.reading.refuse(file, "no entry (main.py, main.sh, …) in its code", mend)
    elif not _has_notebook(materials, asker) and not asker.declared.code:
        mend = 'write code/main.py, or say source = true, or run = ["command", "argument"]'
        materials.reading.refuse(file, "this node has no code, no run and is no source", mend)
    return ""


def _has_notebook(materials: Materials, asker: Asker) -> bool:
    """True, and noted, when the only entry is a notebook."""
    path = f"{asker.node}/{CODE}/main.ipynb"
    if not materials.reading.holds(f"{asker.node}/{CODE}", "main.ipynb"):
        return False
    materials.reading.refuse(path, "notebooks are not supported yet", _MEND_NOTEBOOK)
    return True


def _refuse_entry(materials: Materials, asker: Asker, main: str, places: dict[str, str]) -> None:
    written = Written(main, ("main",))
    if main.endswith(".ipynb"):
        materials.refuse(asker, written, "notebooks are not supported yet", _MEND_NOTEBOOK)
        return
    what = f'"{main}" is not among the files of its code'
    if is_dropping(main.rpartition("/")[2]):
        what += " (files of that name are never code)"
    mend = did_you_mean(main, places, f"there are: {', '.join(sorted(places)[:5]) or 'none'}")
    materials.refuse(asker, written, what, mend)


def _language(materials: Materials, main: str, path: str) -> Language | None:
    suffix = main.rpartition("/")[2].rpartition(".")[2] if "." in main else ""
    match suffix:
        case "sh":
            return Language.BASH if _names_bash(materials, path) else Language.SHELL
        case "m":
            return Language.OCTAVE  # or MATLAB where the settings say so: see load.py
        case _ if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix]
        case _ if materials.reading.disk.is_executable(path):
            return Language.EXECUTABLE
        case _:
            return None


def _names_bash(materials: Materials, path: str) -> bool:
    first = (materials.reading.read(path) or b"").split(b"\n", 1)[0]
    return first.startswith(b"#!") and b"bash" in first


_MEND_NOTEBOOK = "export it to main.py (jupyter nbconvert --to script)"
