"""A node's code and libs: what is laid out under code/ and libs/."""

from __future__ import annotations

from collections.abc import Iterable

from fusionpipe.model import FileSet, Laid
from fusionpipe.project.filewalk import Skip
from fusionpipe.project.ignore import NOT_CODE_AT_NODE
from fusionpipe.project.material import Asker, Materials
from fusionpipe.project.nodefile import Written
from fusionpipe.project.patterns import below, expand, fixed_prefix, is_pattern
from fusionpipe.project.reading import directory_of, is_outside, join

CODE = "code"


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
    return [laid._replace(at=f"{under}/{laid.at}") for laid in files] if under else files


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
