"""Every peer that is installed builds what fusionpipe builds. Who is not installed is not listed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from benchmarks.correct import faults
from benchmarks.graph import busiest_root, descendants, layered, leaf, outputs
from benchmarks.measure import run_once
from benchmarks.peers.all import all_peers
from benchmarks.peers.floor import Floor
from benchmarks.peers.fp import Fp
from benchmarks.peers.make import Make
from benchmarks.places import WORK
from benchmarks.sites import Site
from benchmarks.work import Kind, Peer, Work

FAST = ("fp", "floor", "leanest", "make", "ninja")
THERE = [
    pytest.param(peer, id=peer.name, marks=[] if peer.name in FAST else [pytest.mark.slow])
    for peer in all_peers()
    if peer.is_available()
]


@pytest.fixture(scope="module", autouse=True)
def home() -> None:
    """The measured commands' own home directory."""
    (WORK / "home").mkdir(parents=True, exist_ok=True)


def built(peer: Peer, kind: Kind, place: Path) -> Site:
    site = Site.make(peer, Work(layered(12), kind), place / peer.name)
    run_once(peer.command(site.work), site.directory, site.environment())
    return site


def contents(site: Site) -> dict[str, str]:
    places = {node.name: site.directory / site.peer.output(node.name) for node in site.work.graph}
    return {name: place.read_text() for name, place in places.items()}


def test_fusionpipe_itself_is_there() -> None:
    assert Fp().is_available()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], dict[str, str]]:
    """What fusionpipe builds, built once of each kind."""
    return cache(lambda kind: contents(built(Fp(), kind, tmp_path_factory.mktemp("ours"))))


@pytest.mark.parametrize("kind", [Kind.SH, pytest.param(Kind.PYTHON, marks=pytest.mark.slow)])
@pytest.mark.parametrize("peer", THERE)
def test_a_peer_builds_the_same_outputs_as_fusionpipe(
    peer: Peer, kind: Kind, ours: Callable[[Kind], dict[str, str]], tmp_path: Path
) -> None:
    theirs = built(peer, kind, tmp_path / "theirs")
    assert ours(kind) == contents(theirs)
    assert [] == theirs.wrong_outputs()


def test_a_python_peer_builds_the_same_outputs_as_fusionpipe(
    ours: Callable[[Kind], dict[str, str]], tmp_path: Path
) -> None:
    """Of each kind one peer always; the others of that kind when there is time."""
    assert ours(Kind.PYTHON) == contents(built(Floor(), Kind.PYTHON, tmp_path))


@pytest.mark.parametrize("peer", THERE)
def test_a_peer_runs_exactly_the_nodes_it_has_to(peer: Peer, tmp_path: Path) -> None:
    assert [] == faults(peer, Kind.SH, tmp_path / "proof", size=9)


def test_a_tool_that_runs_too_much_is_found_out(tmp_path: Path) -> None:
    class Eager(Floor):
        is_incremental = True

    found = faults(Eager(), Kind.SH, tmp_path / "proof", size=9)
    assert {"no-op", "leaf", "revert", "comment"} == {fault.step for fault in found}


@pytest.mark.skipif(not Make().is_available(), reason="make is not installed")
def test_a_tool_that_runs_too_little_is_found_out(tmp_path: Path) -> None:
    class Lazy(Make):
        caches = True  # which make does not

    found = faults(Lazy(), Kind.SH, tmp_path / "proof", size=9)
    assert {"revert", "restore"} == {fault.step for fault in found}


def test_a_missing_edit_shows_as_a_wrong_output(tmp_path: Path) -> None:
    site = built(Floor(), Kind.SH, tmp_path)
    site.edit_leaf()
    assert [leaf(site.work.graph)] == site.wrong_outputs()
    site.revert()
    assert [] == site.wrong_outputs()


@pytest.mark.parametrize("kind", list(Kind))
def test_an_edit_and_its_revert_leave_the_script_as_it_was(kind: Kind, tmp_path: Path) -> None:
    site = Site.make(Floor(), Work(layered(12), kind), tmp_path / "site")
    for edit, node in (
        (site.edit_leaf, leaf(site.work.graph)),
        (site.comment_root, busiest_root(site.work.graph)),
    ):
        script = site.directory / site.peer.script(node, kind)
        before = script.read_text()
        edit()
        assert before != script.read_text()
        site.revert()
        assert before == script.read_text()


def test_two_edits_of_a_leaf_differ(tmp_path: Path) -> None:
    site = Site.make(Floor(), Work(layered(12), Kind.SH), tmp_path / "site")
    script = site.directory / site.peer.script(leaf(site.work.graph), Kind.SH)
    site.edit_leaf()
    first = script.read_text()
    site.edit_leaf()
    assert first != script.read_text()


def test_wiping_takes_every_output_and_no_store(tmp_path: Path) -> None:
    site = built(Fp(), Kind.SH, tmp_path)
    site.wipe_outputs()
    assert {node.name for node in site.work.graph} == set(site.wrong_outputs())
    run_once(site.peer.restore_command(site.work), site.directory, site.environment())
    assert [] == site.wrong_outputs()


def test_the_comment_goes_where_it_matters_most() -> None:
    graph = layered(1_000)
    assert 800 < len(descendants(graph, busiest_root(graph)))


def test_what_is_expected_is_computed_and_not_built() -> None:
    graph = layered(12)
    assert 12 == len(outputs(graph, range(12)))
