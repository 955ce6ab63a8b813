"""How each language is asked for its version, and how it is told to run an entry. Facts, no search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fusionpipe.model import Entry, Language

_QUOTE = "'"


class Interpreter(NamedTuple):
    """A language's program.

    `names` are searched on the PATH in turn; `ask` makes it tell its version, which `pattern` finds.
    `options` keep the user's own start-up files out: what reaches the code must be in the key.
    `ask_self` makes it tell its real path, for programs behind a version manager's shim. `declared_as` are
    further names that `[tools]` may use.
    """

    names: tuple[str, ...]
    mend: str
    ask: tuple[str, ...] = ()
    pattern: str = r"version (\S+)"
    options: tuple[str, ...] = ()
    ask_self: tuple[str, ...] = ()
    declared_as: tuple[str, ...] = ()


INTERPRETERS: dict[Language, Interpreter] = {
    Language.PYTHON: Interpreter(
        names=("python3",),
        mend='install Python 3, or say which one: python = "PATH" in node.toml or fusionpipe.toml',
        ask=(
            "-c",
            "import sys,platform as p;v=sys.version_info;i=p.python_implementation();"
            "f='%d.%d.%d'%tuple(v[:3])+('' if v[3]=='final' else '%s%d'%tuple(v[3:]))"
            "+getattr(sys,'abiflags','').replace('m','');"
            "print('version '+f.replace(' ','')+('' if i=='CPython' else '-'+i))",
        ),
        ask_self=("-c", "import sys;print(sys.executable)"),
    ),
    Language.SHELL: Interpreter(names=("sh",), mend="put a POSIX shell on the PATH"),
    Language.BASH: Interpreter(names=("bash",), mend="install bash", ask=("--version",)),
    Language.R: Interpreter(
        names=("Rscript",),
        mend="install R, so that `Rscript` is on the PATH",
        ask=("--version",),
        options=("--vanilla",),
        ask_self=("-e", "cat(file.path(R.home('bin'), 'Rscript'))"),
        declared_as=("rscript",),
    ),
    Language.JULIA: Interpreter(
        names=("julia",),
        mend="install Julia, so that `julia` is on the PATH",
        ask=("--version",),
        options=("--startup-file=no",),
        ask_self=("--startup-file=no", "-e", 'print(joinpath(Sys.BINDIR, "julia"))'),
    ),
    Language.OCTAVE: Interpreter(
        names=("octave", "octave-cli"),
        mend="install GNU Octave (or MATLAB), so that `octave` (or `matlab`) is on the PATH",
        ask=("--version",),
        options=("--no-gui", "--norc", "--quiet"),
    ),
    Language.MATLAB: Interpreter(
        names=("matlab",),
        mend="put `matlab` on the PATH, or declare its version ([tools] matlab = \"R2024b\"): "
        "stored results can then be restored without it",
        ask=("-batch", "disp(['version ' version])"),
        pattern=r"version (.*\S)",
    ),
}  # fmt: skip


def names_of(language: Language) -> frozenset[str]:
    """What `[tools]` may call a language, in lower case."""
    known = INTERPRETERS.get(language)
    return frozenset({str(language), *(known.declared_as if known else ())})


def entry_arguments(language: Language, entry: Entry) -> tuple[str, ...]:
    """The words after the program that make it run the entry, from the `code/` directory."""
    if entry.argv:
        return entry.argv[1:]
    if language is Language.MATLAB:
        return ("-batch", _matlab_statement(entry.main))
    options: Sequence[str] = INTERPRETERS[language].options if language in INTERPRETERS else ()
    return (*options, entry.main)


def _matlab_statement(main: str) -> str:
    stem = main.removesuffix(".m")
    import re  # few nodes are MATLAB's

    if re.fullmatch(r"[A-Za-z]\w*", stem):
        return stem
    return f"run('{main.replace(_QUOTE, _QUOTE * 2)}')"
