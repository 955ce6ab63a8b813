"""Finds what is installed in a Python, starting it only when something there has changed.

What can change without a directory's time changing (an editable install's files) is digested through
the `Disk`, and only when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from fusionpipe.disk import Disk, FileKind
from fusionpipe.runner.distributions import Contents, Distributions, from_probe
from fusionpipe.runner.probe import Probe, ProbeFailed, venv_file
from fusionstore.contract import Json, JsonObject
from fusionstore.digest import digest_bytes

_SCRIPT = Path(__file__).with_name("nodeside") / "distributions.py"
_HOOK = _SCRIPT.parent / "path" / "sitecustomize.py"
_MEND = "use a Python of 3.6 or later, or give its nodes a `lock`, which is keyed instead"
_CODE_SUFFIXES = (".py", ".so", ".pyd", ".dylib")
_DEEPEST = 32  # directories that link to one another would go on for ever


class Installed:
    """The distributions of every Python asked about, each once a build."""

    def __init__(self, disk: Disk, probe: Probe) -> None:
        self._disk = disk
        self._probe = probe
        self._known: dict[str, tuple[JsonObject, Distributions]] = {}  # what it said, and as read
        self._digests: dict[tuple[tuple[str, str], ...], str] = {}

    def of(self, python: str) -> Distributions:
        """The distributions of the Python at a path. Raises ProbeFailed."""
        if python not in self._known:
            found = self._probe.remembered(
                _name(python),
                lambda found: self._probe.prints(_deciding(python, found)),
                lambda: self._asked(python),
            )
            assert isinstance(found, dict)
            self._known[python] = found, from_probe(found, self._digest)
        return self._known[python][1]

    def now(self, python: str) -> Distributions:
        """The distributions as they are by now, however often they were asked for. Raises ProbeFailed.

        Asked at the end of every run: where all that decides is as it was, so is what was found, and only
        the files of editable installs have to be looked at again.
        """
        anew = Installed(self._disk, self._probe)
        known = self._known.get(python)
        if known is None or not self._probe.holds(_name(python), known[0]):
            return anew.of(python)
        return known[1]._replace(digest=anew._digest)

    def _asked(self, python: str) -> Json:
        said = self._probe.ask((python, str(_SCRIPT)))
        # Start-up and exit hooks may print too.
        lines = [line for line in said.out.splitlines() if line.startswith('{"prefix": ')]
        if not said.is_ok or not lines:
            raise ProbeFailed(python, "which packages it has", said.err, _MEND)
        found: Json = json.loads(lines[-1])
        return found

    def _digest(self, contents: Contents) -> str:
        """One digest over the code files of some modules, as they are now."""
        key = tuple(sorted(contents.items()))
        if key not in self._digests:
            lines = [line for module, path in key for line in self._lines(module, path, _DEEPEST)]
            text = "\n".join(lines).encode(errors="surrogateescape")
            self._digests[key] = digest_bytes(text)[:16]
        return self._digests[key]

    def _lines(self, name: str, path: str, depth: int) -> Iterator[str]:
        listed = self._disk.scan(path)
        if listed is None:
            is_file = self._disk.kind(path) is FileKind.FILE
            yield f"{name} {self._disk.digest(path) if is_file else 'gone'}"
            return
        for entry in listed:
            below = f"{path}/{entry.name}"
            is_hidden = entry.name.startswith(".") or entry.name == "__pycache__"
            is_code = entry.name.endswith(_CODE_SUFFIXES)
            if not is_hidden and depth and (is_code or self._is_directory(below)):
                yield from self._lines(f"{name}/{entry.name}", below, depth - 1)

    def _is_directory(self, path: str) -> bool:
        return self._disk.kind(path) is FileKind.DIRECTORY


def _name(python: str) -> str:
    """By what name its answer is remembered."""
    return f"distributions {python}"


def _deciding(python: str, found: Json) -> list[str]:
    """The files and directories that decide what is installed, given what was found (None: unknown yet).

    Ours are among them: a newer script tells other things, and a hook that is not compiled slows every run.
    """
    places = [python, venv_file(python), str(_SCRIPT), str(_HOOK)]
    if isinstance(found, dict) and (compiled := found.get("compiled")):
        places.append(str(compiled))
    for key in ("site", "hooks"):
        listed = found[key] if isinstance(found, dict) else ()
        assert isinstance(listed, list | tuple)
        places += (str(place) for place in listed)
    return places
