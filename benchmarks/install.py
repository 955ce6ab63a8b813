"""Puts each peer into an environment of its own below `benchmarks/.work/tools/`.

What cannot be installed is skipped and said; it never touches the environment of fusionpipe itself.

    python -m benchmarks.install [PEER…]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.places import TOOLS, WORK, system_tool

PIP: Mapping[str, Sequence[str]] = {
    "doit": ("doit",),
    "joblib": ("joblib",),
    "snakemake": ("snakemake",),
    "dvc": ("dvc",),
    "redun": ("redun",),
    "pytask": ("pytask", "pytask-parallel"),
}
NPM: Mapping[str, Sequence[str]] = {"nx": ("nx",)}
APT: Mapping[str, Sequence[str]] = {
    "make": ("make",),
    "ninja": ("ninja-build",),
    "tup": ("tup", "fuse3"),  # Debian is content with fuse, whose fusermount tup does not call
}


def install(wanted: Sequence[str]) -> Mapping[str, str]:
    """Installs what is missing of `wanted` (all if empty); peer → why it is not there."""
    missing: dict[str, str] = {}
    for peer in wanted or (*APT, *PIP, *NPM):
        if trouble := _how(peer)(peer):
            missing[peer] = trouble
        print(f"{peer}: {trouble or 'there'}", flush=True)
    return missing


def _how(peer: str) -> Callable[[str], str]:
    if peer in PIP:
        return _by_pip
    if peer in NPM:
        return _by_npm
    if peer in APT:
        return _by_apt
    return lambda _: "needs no installing"


def _by_pip(peer: str) -> str:
    place = TOOLS / peer
    if (place / ".ready").exists():
        return ""
    shutil.rmtree(place, ignore_errors=True)
    pip = [
        str(place / "bin/python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    steps = [[sys.executable, "-m", "venv", str(place)], [*pip, *PIP[peer]]]
    return _all_of(steps, place)


def _by_npm(peer: str) -> str:
    place = TOOLS / peer
    if (place / ".ready").exists():
        return ""
    npm = system_tool("npm")
    if npm is None:
        return "there is no npm"
    place.mkdir(parents=True, exist_ok=True)
    return _all_of([[str(npm), "install", "--silent", "--prefix", str(place), *NPM[peer]]], place)


def _by_apt(peer: str) -> str:
    if system_tool(peer) and (peer != "tup" or system_tool("fusermount3")):
        return ""
    if system_tool("apt-get") is None or os.geteuid() != 0:
        return f"not installed; as root: apt-get install {' '.join(APT[peer])}"
    command = ["apt-get", "install", "--yes", "--quiet", *APT[peer]]
    return _run(command, {**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def _all_of(steps: Sequence[Sequence[str]], place: Path) -> str:
    for step in steps:
        if trouble := _run(step, {**_without_python(), "PATH": _path()}):
            return trouble
    (place / ".ready").touch()
    return ""


def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Nothing if it went well, else the last line of what it said. The rest is in install.log."""
    WORK.mkdir(exist_ok=True)
    with open(WORK / "install.log", "ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode())
        start = log.tell()
        done = subprocess.run(command, env=environment, stdout=log, stderr=log, check=False)
    if done.returncode == 0:
        return ""
    said = (WORK / "install.log").read_bytes()[start:].decode(errors="replace").split("\n")
    last = next((line for line in reversed(said) if line.strip()), "")
    return f"{command[0]} ended with {done.returncode}: {last}"


def _without_python() -> dict[str, str]:
    # The caller may forbid bytecode, and a peer without it would start slower than it does for its users.
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}


def _path() -> str:
    return os.environ.get("PATH", os.defpath)


if __name__ == "__main__":
    install(sys.argv[1:])
