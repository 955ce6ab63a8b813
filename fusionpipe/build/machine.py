"""`fp doctor`: this machine: file systems, limits, kernel, clock. Each look is tried, not guessed."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from fusionstore.copying import clone
from fusionstore.filesystem import NETWORK, PRECISE, magic_number, network_kind

_GB = 1_000_000_000
_GET_SUBREAPER = 37  # prctl
_CLOCKS_APART = 2.0  # seconds
_LONG_AGO = 1_700_000_000  # a clock that tells less was never set
_ELSEWHERE = 'set store = "/a/local/directory" in .fusionpipe/local.toml'


class Standing(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Check(NamedTuple):
    """One thing looked at; `mend` is what to do about it, for what is not ok."""

    name: str
    standing: Standing
    what: str
    mend: str = ""


def ok(name: str, what: str) -> Check:
    """Nothing to do."""
    return Check(name, Standing.OK, what)


def warning(name: str, what: str, mend: str) -> Check:
    """It works, but something may surprise."""
    return Check(name, Standing.WARNING, what, mend)


def problem(name: str, what: str, mend: str) -> Check:
    """It does not work."""
    return Check(name, Standing.PROBLEM, what, mend)


class Abilities(NamedTuple):
    """What a file system can do, tried in a directory of it."""

    kind: str
    network: str | None
    folds_case: bool
    hard_links: bool
    symlinks: bool
    leases: bool
    reflinks: bool


def abilities(directory: Path) -> Abilities:
    """Tries what a file system can do, in a directory of ours; leaves nothing there. Raises OSError."""
    place = directory / f"doctor-{os.getpid()}-{os.urandom(4).hex()}"
    place.mkdir()
    try:
        file = place / "one"
        file.write_bytes(b"doctor")
        magic = magic_number(str(place))
        return Abilities(
            kind=PRECISE.get(magic)
            or NETWORK.get(magic)
            or (f"{magic:#x}" if magic else "unknown"),
            network=network_kind(str(place)),
            folds_case=(place / "ONE").exists(),
            hard_links=_works(lambda: os.link(file, place / "two")),
            symlinks=_works(lambda: os.symlink("one", place / "three")),
            leases=_leases(file),
            reflinks=_reflinks(file, place / "four"),
        )
    finally:
        for path in place.iterdir():
            path.unlink()
        place.rmdir()


def file_systems(project: Abilities, store: Abilities | None) -> Iterator[Check]:
    """What follows from what the file systems can do."""
    if project.network is not None:
        what = f"on a network file system ({project.network}): looking for edits is slow"
        yield warning(
            "project files", what, f"keep the project on a local disk, or at least {_ELSEWHERE}"
        )
    else:
        yield ok("project files", f"{project.kind}, local")
    if project.folds_case:
        what = "upper and lower case are one here: nodes that differ in case are the same"
        yield warning(
            "project names", what, "give nodes and files names that differ in more than case"
        )
    if not project.symlinks:
        what = "symbolic links cannot be made: data/ and parents/ are links"
        yield problem("project links", what, "move the project to a file system that has them")
    if store is None:
        return
    if store.network is not None:
        what = f"on a network file system ({store.network}), where locks and the index do not hold"
        yield problem("store files", what, _ELSEWHERE)
        return
    can = [
        word
        for word, has in (
            ("hard links", store.hard_links),
            ("symbolic links", store.symlinks),
            ("leases", store.leases),
            ("reflinks", store.reflinks),
        )
        if has
    ]
    if not store.hard_links:
        yield problem(
            "store files", f"{store.kind}: no hard links, which trees are made of", _ELSEWHERE
        )
    elif not store.leases:
        what = f"{store.kind}: no leases; a file still being written is noticed only by its times"
        yield warning("store files", what, f"on ext4, xfs or btrfs it is certain: {_ELSEWHERE}")
    else:
        yield ok("store files", f"{store.kind}, local: {', '.join(can)}")


def link_mode(mode: str, root: Path, store: Path, store_can: Abilities) -> Check:
    """Whether results can be shown in the project the way it asks for."""
    is_same = os.stat(root).st_dev == os.stat(store).st_dev
    if mode in ("hardlink", "reflink") and not is_same:
        what = f'link = "{mode}", but the store is on another file system'
        return problem("link mode", what, 'link = "copy" or "symlink" in .fusionpipe/local.toml')
    if mode == "reflink" and not store_can.reflinks:
        what = f'link = "reflink", which {store_can.kind} does not have: files are copied'
        return warning(
            "link mode", what, 'link = "symlink" costs nothing; btrfs and xfs have reflinks'
        )
    return ok("link mode", mode)


def space(name: str, place: Path) -> Iterator[Check]:
    """Room for bytes and for files."""
    disk = os.statvfs(place)
    free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    what = f"{_gigabytes(free)} of {_gigabytes(total)} free"
    mend = "fp gc -n tells what could go; or move the store: " + _ELSEWHERE
    if free < _GB // 10:
        yield problem(name, what, mend)
    elif free < _GB or free < total // 50:
        yield warning(name, what, mend)
    else:
        yield ok(name, what)
    if disk.f_files and disk.f_favail < 10_000:  # btrfs has no such number
        what = f"only {f'{disk.f_favail:,}'} more files can be made ({name})"
        yield (warning if disk.f_favail > 500 else problem)("inodes", what, mend)


def limits() -> Iterator[Check]:
    """What the shell allows a process."""
    found: list[str] = []
    for word, which, least, mend in (
        ("open files", resource.RLIMIT_NOFILE, 256, "ulimit -n 4096"),
        ("processes", resource.RLIMIT_NPROC, 256, "ulimit -u 4096"),
    ):
        soft, _ = resource.getrlimit(which)
        if soft != resource.RLIM_INFINITY and soft < least:
            what = f"{word}: {soft:,}, and a build of many nodes needs more"
            yield warning("limits", what, mend)
        else:
            shown = "unlimited" if soft == resource.RLIM_INFINITY else f"{soft:,}"
            found.append(f"{word} {shown}")
    for word, which, mend in (
        ("address space", resource.RLIMIT_AS, "ulimit -v unlimited"),
        ("file size", resource.RLIMIT_FSIZE, "ulimit -f unlimited"),
    ):
        soft, _ = resource.getrlimit(which)
        if soft != resource.RLIM_INFINITY:
            yield warning("limits", f"{word} is limited to {_gigabytes(soft)}", mend)
    if found:
        yield ok("limits", ", ".join(found))


def kernel() -> Check:
    """Whether children can be waited for and caught for certain."""
    system = os.uname()
    if sys.platform != "linux":
        what = f"{system.sysname}: the portable ways are used; descendants that hide are not caught"
        return warning(
            "kernel", what, "builds are right, but run those that start daemons on Linux"
        )
    missing = []
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        missing.append("pidfd (5.3)")
    if not _has_subreaper():
        missing.append("child subreaper (3.4)")
    if not hasattr(fcntl, "F_OFD_SETLK"):
        missing.append("open file description locks (3.15)")
    if missing:
        what = f"Linux {system.release} lacks {', '.join(missing)}"
        return problem("kernel", what, "use a newer kernel, or a sandbox that allows these calls")
    return ok("kernel", f"Linux {system.release}: pidfd, subreaper, file locks")


def clock(directory: Path, now: float) -> Check:
    """The machine's clock against that of the file system, which stamps files."""
    probe = directory / f"doctor-{os.getpid()}-{os.urandom(4).hex()}"
    probe.write_bytes(b"now")
    try:
        apart = probe.stat().st_mtime - now
    finally:
        probe.unlink()
    return clock_told(apart, now)


def clock_told(apart: float, now: float) -> Check:
    """What follows from how far a file made just now seems to be from now."""
    if now < _LONG_AGO:
        return problem(
            "clock", "the clock was never set: it tells a time long ago", "set the clock"
        )
    if abs(apart) > _CLOCKS_APART:
        what = f"files made now are stamped {abs(apart):.0f} s {'ahead' if apart > 0 else 'behind'}"
        return warning("clock", what, "set both clocks (NTP): edits are noticed by these times")
    return ok("clock", "agrees with the file system's")


def _works(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def _leases(file: Path) -> bool:
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(fd)
    return True


def _reflinks(file: Path, other: Path) -> bool:
    source = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            return clone(source, target)
        finally:
            os.close(target)
    finally:
        os.close(source)


def _has_subreaper() -> bool:
    import ctypes  # 7 ms, and only here

    with suppress(OSError):
        answer = ctypes.c_int()
        told: int = ctypes.CDLL(None).prctl(_GET_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
        return told == 0
    return False


def _gigabytes(count: int) -> str:
    return f"{count / _GB:,.1f} GB"
