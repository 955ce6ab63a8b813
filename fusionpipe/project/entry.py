"""How a node is started: the one file among its code that is an entry, or the words of `run`."""

from __future__ import annotations

from fusionpipe.model import Entry, FileSet, Language
from fusionpipe.project.code import CODE
from fusionpipe.project.discover import ENTRIES, EXECUTABLE_ENTRY, NOTEBOOK_ENTRY
from fusionpipe.project.ignore import is_dropping
from fusionpipe.project.material import Asker, Materials
from fusionpipe.project.nodefile import Written
from fusionpipe.project.suggest import did_you_mean

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
    elif asker.declared.code:
        materials.refuse(asker, asker.declared.code[0], "there is no file in it", "name another")
    elif "path" not in asker.declared.given and not _has_notebook(materials, asker):
        mend = 'write code/main.py, or say source = true, or run = ["command", "argument"]'
        materials.reading.refuse(file, "this node has no code, no run and is no source", mend)
    return ""


def _has_notebook(materials: Materials, asker: Asker) -> bool:
    """True, and noted, when the only entry is a notebook."""
    path = f"{asker.node}/{CODE}/{NOTEBOOK_ENTRY}"
    if not materials.reading.holds(f"{asker.node}/{CODE}", NOTEBOOK_ENTRY):
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
    return b"bash" in (materials.reading.shebang(path) or b"")


_MEND_NOTEBOOK = "export it to main.py (jupyter nbconvert --to script)"
