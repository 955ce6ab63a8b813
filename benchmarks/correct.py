"""Runs every peer through all scenarios on a small graph with witnesses: right outputs, and no node too many.

Never measured: the witness costs time. What is measured is checked again for its outputs.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.graph import busiest_root, descendants, layered, leaf
from benchmarks.sites import Site
from benchmarks.work import Kind, Peer, Work

SIZE = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What a peer did that it should not have."""

    peer: str
    kind: Kind
    step: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.peer}, {self.kind}, {self.step}: {self.sentence}"


def faults(peer: Peer, kind: Kind, place: Path, size: int = SIZE) -> list[Fault]:
    """What is wrong with a peer's project, or with the peer. `place` must not be there yet."""
    place.mkdir(parents=True)
    work = Work(layered(size), kind, witness=place / "witness")
    try:
        site = Site.make(peer, work, place / "project")
    except subprocess.CalledProcessError as error:
        return [Fault(peer.name, kind, "set-up", f"{error}: {error.stderr!r}")]
    everyone = {node.name for node in work.graph}
    last, root = leaf(work.graph), busiest_root(work.graph)
    below = set() if peer.cuts_off else descendants(work.graph, root)
    nothing = set() if peer.is_incremental else everyone
    found: list[Fault] = []

    def step(name: str, expected: set[str] | frozenset[str], *, restores: bool = False) -> None:
        sentence = _troubles(site, expected if peer.is_incremental else everyone, restores=restores)
        found.extend(Fault(peer.name, kind, name, each) for each in sentence)

    step("cold", everyone)
    step("no-op", nothing)
    if peer.notices_edits:
        _let_pass(peer)
        site.edit_leaf()
        step("leaf", {last})
        _let_pass(peer)
        site.revert()
        step("revert", set() if peer.caches else {last})
        _let_pass(peer)
        site.comment_root()
        step("comment", {root} | below)
    if peer.caches:
        site.wipe_outputs()
        step("restore", set(), restores=True)
        step("no-op after restore", nothing)
    return found


def _troubles(site: Site, expected: set[str] | frozenset[str], *, restores: bool) -> list[str]:
    peer, work = site.peer, site.work
    command = peer.restore_command(work) if restores else peer.command(work)
    ended = _call(command, site)
    if ended:
        return [ended]
    ran = site.take_witnesses()
    troubles = []
    if sorted(ran) != sorted(expected):
        troubles.append(f"{sorted(ran)} ran instead of {sorted(expected)}")
    if wrong := site.wrong_outputs():
        troubles.append(f"wrong outputs: {wrong}")
    return troubles


def _call(command: Sequence[str], site: Site) -> str:
    """Nothing if it went well, else how it ended and the end of what it said."""
    done = subprocess.run(
        command,
        cwd=site.directory,
        env=site.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return "" if done.returncode == 0 else f"ended with {done.returncode}: {done.stdout[-2000:]}"


def _let_pass(peer: Peer) -> None:
    """Waits for the next second, for peers that would miss an edit made in this one."""
    if peer.misses_same_second:
        time.sleep(1.1)
