"""Asks programs about themselves, and remembers the answers under what decides them.

An answer holds while the fingerprints of the files it depends on hold. The programs are started with the
caller's environment, without what a node's Python would not get either; never to run a node's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fusionpipe.disk import Disk, FileKind
from fusionpipe.errors import FusionpipeError
from fusionpipe.model import Language
from fusionpipe.runner.commands import INTERPRETERS
from fusionstore.contract import Json, JsonObject

_SECONDS = 300.0  # MATLAB may fetch a licence first
CHOOSING = ("PYENV_", "ASDF_", "MISE_")
"""How the variables begin by which version managers are told which program to start."""


class ProbeFailed(FusionpipeError):
    """A program that has to be asked for part of the key does not answer (L2)."""

    def __init__(self, path: str, wanted: str, said: str, mend: str) -> None:
        super().__init__(path, wanted, said, mend)
        self.path = path
        self.wanted = wanted
        self.said = said
        self.mend = mend

    def __str__(self) -> str:
        last = self.said.strip().splitlines()[-1:]
        why = f": {last[0]}" if last else ""
        return f"{self.path} cannot tell {self.wanted}{why}\n  {self.mend}"


class Probe:
    """Answers from `memo` (changed in place) where they still hold, else from the program itself."""

    def __init__(
        self, disk: Disk, ambient: Mapping[str, str], root: Path, memo: dict[str, JsonObject]
    ) -> None:
        self._disk = disk
        self._ambient = ambient
        self._root = root
        self._memo = memo

    def version(self, language: Language, path: str) -> str | None:
        """What a program says its version is; None if it does not start or says nothing of the kind."""
        known = INTERPRETERS[language]

        def ask() -> str | None:
            import re  # as below: only when something is new

            said = self.ask((path, *known.ask))
            found = re.search(known.pattern, said.out + said.err) if said.is_ok else None
            return found.group(1) if found else None

        return self._text(f"version {language} {path}", (path, venv_file(path)), ask)

    def behind_shim(self, language: Language, path: str) -> str | None:
        """The real program that a version manager's shim starts for this project, else the path.

        A shim costs 30 ms a start and decides by the working directory, which in a run is another.
        """
        known = INTERPRETERS[language]
        if "/shims/" not in path or not known.ask_self:
            return path

        def ask() -> str | None:
            said = self.ask((path, *known.ask_self))
            real = said.out.strip().rpartition("\n")[2]
            return real if said.is_ok and real.startswith("/") and self.is_program(real) else None

        return self._text(f"shim {language} {path}", (path, *self._shim_files(path)), ask)

    def is_program(self, path: str) -> bool:
        """True if an executable file is there and may be looked at."""
        try:
            return self._disk.kind(path) is FileKind.FILE and self._disk.is_executable(path)
        except OSError:  # a directory that may not be searched
            return False

    def remembered(self, name: str, seen: Callable[[Json], Json], ask: Callable[[], Json]) -> Json:
        """The answer known by that name if what was seen of it is unchanged; else a new one.

        `seen` tells what decides an answer, given the answer. None is an answer that is not kept.
        """
        known = self._memo.get(name)
        if known is not None and known["seen"] == seen(known["found"]):
            return known["found"]
        before = seen(None)
        found = ask()
        if (
            found is not None and seen(None) == before
        ):  # else it changed meanwhile: ask again next time
            self._memo[name] = {"seen": seen(found), "found": found}
        return found

    def holds(self, name: str, found: Json) -> bool:
        """True if this answer is the one remembered by that name, and its files are as they were."""
        known = self._memo.get(name)
        if known is None or known["found"] is not found:
            return False
        seen = known["seen"]
        assert isinstance(seen, dict)
        return all(self._print(at) == was for at, was in seen.items() if at.startswith("/"))

    def prints(self, places: Iterable[str]) -> JsonObject:
        """The fingerprint of every place, and what tells a version manager which version to start."""
        chosen = {k: v for k, v in self._ambient.items() if k == "HOME" or k.startswith(CHOOSING)}
        return {**chosen, **{place: self._print(place) for place in places}}

    def ask(self, argv: Sequence[str]) -> Said:
        """What a program prints."""
        import subprocess  # only when something is new: a no-op build must not pay for it

        kept = {k: v for k, v in self._ambient.items() if not k.startswith("PYTHON")}
        environment = {**kept, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                argv, cwd=self._root, env=environment, timeout=_SECONDS, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, encoding="utf-8", errors="replace", check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return Said("", str(error), is_ok=False)
        return Said(done.stdout, done.stderr, is_ok=done.returncode == 0)

    def _text(self, name: str, places: Sequence[str], ask: Callable[[], str | None]) -> str | None:
        found = self.remembered(name, lambda _: self.prints(places), ask)
        return None if found is None else str(found)

    def _print(self, place: str) -> Json:
        try:
            seen = self._disk.fingerprint(place)
        except OSError:
            return "unreadable"
        return None if seen is None else [*seen]

    def _shim_files(self, path: str) -> Iterator[str]:
        """The files from which pyenv, asdf and mise take the version they start."""
        for directory in (self._root, *self._root.parents):
            for name in (".python-version", ".tool-versions", "mise.toml", ".mise.toml"):
                yield str(directory / name)
        yield path.partition("/shims/")[0] + "/version"
        home = self._ambient.get("HOME", "")
        yield from (f"{home}/.tool-versions", f"{home}/.config/mise/config.toml")


class Said:
    """What a program printed, and whether it ended well."""

    __slots__ = ("err", "is_ok", "out")

    def __init__(self, out: str, err: str, *, is_ok: bool) -> None:
        self.out = out
        self.err = err
        self.is_ok = is_ok


def venv_file(path: str) -> str:
    """Where a venv says which Python it is of, for the program at `path`."""
    return f"{path.rsplit('/', 2)[0]}/pyvenv.cfg"
