"""Keeps a failed run's directory where the user finds it, with a `./rerun` that repeats the run there.

The values of secrets are never written. What is kept is the user's to change: nothing of it is shared
with the store.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from pathlib import Path

from fusionpipe.runner.run import Run
from fusionpipe.runner.rundir import RunDirectory

_TMP = "\ue000tmp\ue000"  # stands for the script's own choice; no path or variable has it


def keep(rundir: RunDirectory, to: Path, run: Run) -> Path:
    """Moves a finished run's directory to `to`, in place of an earlier one; the path of its `rerun`.

    The directory is no longer the pool's; `recycle` then does nothing. Raises OSError.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(to):
        _put_away(rundir, to)
    try:
        os.rename(rundir.path, to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(rundir.path, to)
        rundir.discard_to_trash(str(rundir.path))
    rundir.is_kept = True
    _give_code(rundir, to)
    return _write_script(run, to)


def _put_away(rundir: RunDirectory, earlier: Path) -> None:
    try:
        rundir.discard_to_trash(str(earlier))
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        import shutil  # slow to import; only failures need it

        shutil.rmtree(earlier)


def _copy(directory: Path, to: Path) -> None:
    """To another file system. Whole or not at all under its name; sockets and the like are left out."""
    import shutil  # slow to import; only failures need it

    half = to.with_name(f".{to.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(directory, half, symlinks=True, ignore=_special)
    os.rename(half, to)


def _special(directory: str, names: list[str]) -> list[str]:
    modes = ((name, os.lstat(f"{directory}/{name}").st_mode) for name in names)
    known = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)
    return [name for name, mode in modes if not any(is_known(mode) for is_known in known)]


def _give_code(rundir: RunDirectory, to: Path) -> None:
    """Makes the code the user's to edit: a hard link would be the store's own bytes."""
    import shutil  # slow to import; only failures need it

    for placed in rundir.layout.code:
        if placed.link is not None:
            continue
        at = to / "code" / placed.at
        own = at.with_name(f".{at.name}.own")
        # What the run removed, or a full disk has no room for, is left as it is: the rerun works.
        with contextlib.suppress(OSError):
            shutil.copyfile(at, own, follow_symlinks=False)
            own.chmod(0o755 if placed.is_executable else 0o644)
            os.replace(own, at)


def _write_script(run: Run, to: Path) -> Path:
    path = to / "rerun"
    text = rerun_script(run, to).encode("utf-8", "surrogateescape")
    with contextlib.suppress(FileNotFoundError):  # a run may have made one
        path.unlink()
    # Only its owner may read it: variables that are passed can hold more than their names say.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700)
    with os.fdopen(file, "wb") as script:
        script.write(text)
    return path


def rerun_script(run: Run, root: Path) -> str:
    """A shell script that repeats `run` in `root`, from wherever it is called, even after a move."""
    environment = run.environment_at(root, Path(_TMP))
    words = [
        f"{name}={value}" for name, value in sorted(environment.items()) if name not in run.secrets
    ]
    given = [f'"{name}=${{{name}}}"' for name in sorted(run.secrets)]
    command = [_word(word, root) for word in _command(run)]
    lines = [*(_word(word, root) for word in words), *given, " ".join(command)]
    asked = "".join(_ASK.format(name=name) for name in sorted(run.secrets))
    return _SCRIPT.format(node=run.node, asked=asked, words=" \\\n    ".join(lines))


def _command(run: Run) -> tuple[str, ...]:
    if "=" in run.argv[0]:  # `env` would take it for a variable
        return ("sh", "-c", 'exec "$@"', "sh", *run.argv)
    return run.argv


def _word(text: str, root: Path) -> str:
    """A shell word for any text; the run directory and TMPDIR in it are where the script finds them."""
    import shlex  # only failures need it

    parts = re.split(f"({re.escape(str(root))}(?![\\w.-])|{_TMP})", text)
    places = {str(root): '"$here"', _TMP: '"$tmp"'}
    quoted = "".join(places.get(part) or shlex.quote(part) for part in parts if part)
    return quoted or "''"


_SCRIPT = """\
#!/bin/sh
# Repeats a failed run of {node} in this directory, with the environment it had, on this terminal.
# data/, reports/ and tmp/ are emptied first, as for every run; code/ is yours to change.
{asked}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) && cd "$here/code" || exit 2
umask 022
rm -rf ../data ../reports ../tmp && mkdir ../data ../reports ../tmp || exit 2

# Sockets need a short path.
tmp=$here/tmp
if [ "${{#tmp}}" -gt 70 ]; then
    tmp=$(mktemp -d /tmp/fp-XXXXXX) || exit 2
    trap 'rm -rf "$tmp"' EXIT
fi

env -i \\
    {words}
"""

_ASK = """\
if [ -z "${{{name}+set}}" ]; then
    echo "rerun: set {name} first: the run had it as a secret" >&2
    exit 2
fi
"""
