"""A node's declared files: inputs by name, locks, and the data of a source."""

from __future__ import annotations

from collections.abc import Iterable

from fusionpipe.disk import FileKind
from fusionpipe.model import FileSet, Laid, NodeName, Source
from fusionpipe.project.ignore import not_an_input
from fusionpipe.project.material import Asker, Materials
from fusionpipe.project.nodefile import Written
from fusionpipe.project.patterns import below, expand, fixed_prefix, is_pattern
from fusionpipe.project.reading import is_outside, join


def find_inputs(materials: Materials, asker: Asker) -> list[FileSet]:
    """The inputs one file declares; they may lie anywhere, absolute paths are real ones."""
    found = [_input(materials, asker, written) for written in asker.declared.inputs]
    return [files for files in found if files is not None]


def _input(materials: Materials, asker: Asker, written: Written) -> FileSet | None:
    path = join(asker.node, written.text)
    if is_pattern(written.text):
        return _glob(materials, asker, written, path)
    match materials.reading.disk.kind(path):
        case None:
            materials.refuse_missing(asker, written, path)
        case FileKind.OTHER:
            materials.is_readable_kind(asker, written, path)
        case kind if _is_allowed(materials, asker, written, path):
            if kind is FileKind.FILE:
                return FileSet(written.name, (Laid("", path),))
            walked = materials.walk(path, not_an_input)
            return FileSet(written.name, walked.files, walked.empty)
        case _:
            pass
    return None


def _is_allowed(materials: Materials, asker: Asker, written: Written, path: str) -> bool:
    return is_outside(path) or materials.is_allowed(asker, written, path)


def _glob(materials: Materials, asker: Asker, written: Written, pattern: str) -> FileSet | None:
    prefix = fixed_prefix(pattern)
    laid: dict[str, Laid] = {}
    empty: set[str] = set()
    for path in expand(pattern, materials.reading.scan):
        at = below(path, prefix)
        match materials.reading.disk.kind(path):
            case FileKind.FILE if _is_allowed(materials, asker, written, path):
                laid[at] = Laid(at, path)
            case FileKind.DIRECTORY if _is_allowed(materials, asker, written, path):
                walked = materials.walk(path, not_an_input)
                laid |= {
                    f"{at}/{file.at}": Laid(f"{at}/{file.at}", file.path, file.is_link)
                    for file in walked.files
                }
                empty |= {f"{at}/{name}" for name in walked.empty}
            case FileKind.OTHER:
                materials.is_readable_kind(asker, Written(path, written.key), path)
            case _:
                pass
    if not laid:
        materials.refuse(
            asker, written, f'"{written.text}" matches no file', f"looked below {prefix or '.'}"
        )
        return None
    files = tuple(laid[at] for at in sorted(laid))
    return FileSet(written.name, files, tuple(sorted(empty)), is_gathered=True)


def find_locks(materials: Materials, asker: Asker) -> list[str]:
    """The lock files one file names."""
    locks = []
    for written in asker.declared.locks:
        path = materials.look_up(asker, written)
        if path is None:
            continue
        if materials.reading.is_file(path):
            locks.append(path)
        else:
            materials.refuse(
                asker, written, f'"{written.text}" is not a file', "name the lock file itself"
            )
    return locks


def find_source(materials: Materials, asker: Asker) -> Source:
    """Where a source's data is. A `path` that is not there is not noted: it may be on another machine."""
    declared = asker.declared
    node = NodeName(asker.node)
    path = join(node, declared.path) if declared.path else f"{node}/data"
    written = Written(path, ("path",) if declared.path else ("source",))
    _check_source_place(materials, asker, written, path)
    for name in _entries(materials, node):
        materials.refuse(
            asker,
            Written("", ("source",)),
            f"a source is the user's own data, but code/{name} is there",
            "remove source, or the code",
        )
    return Source(path, is_kept=declared.source == "keep")


def _check_source_place(materials: Materials, asker: Asker, written: Written, path: str) -> None:
    kind = materials.reading.disk.kind(path)
    if kind is None and not asker.declared.path:
        mend = f'put the files into {path}, or say where they are: path = "/data/raw"'
        materials.refuse(asker, written, "data/ is not there", mend)
    elif kind not in (None, FileKind.DIRECTORY):
        mend = "name the directory the file lies in"
        materials.refuse(asker, written, f'"{path}" is not a directory', mend)
    elif asker.declared.path and not is_outside(path):
        writer = materials.territory.generated_by(path)
        if writer is not None and writer != asker.node:
            mend = f'read its results as a parent: parents = ["/{writer}"]'
            materials.refuse(asker, written, f'"{path}" is written by the build of {writer}', mend)


def _entries(materials: Materials, node: NodeName) -> Iterable[str]:
    if not materials.reading.holds(node, "code"):
        return ()
    return sorted(
        listed.name
        for listed in materials.reading.scan(f"{node}/code")
        if listed.name.startswith("main.")
    )
