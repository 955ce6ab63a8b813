"""The peers, in the order in which reports show them."""

from __future__ import annotations

from benchmarks.peers.doit import Doit
from benchmarks.peers.dvc import Dvc
from benchmarks.peers.floor import Floor
from benchmarks.peers.fp import Fp
from benchmarks.peers.joblib import Joblib
from benchmarks.peers.leanest import Leanest
from benchmarks.peers.make import Make
from benchmarks.peers.ninja import Ninja
from benchmarks.peers.nx import Nx
from benchmarks.peers.pytask import Pytask
from benchmarks.peers.redun import Redun
from benchmarks.peers.snakemake import Snakemake
from benchmarks.peers.tup import Tup
from benchmarks.work import Peer


def all_peers() -> tuple[Peer, ...]:
    """Every peer, installed or not; fusionpipe first, then the two floors."""
    fast = (Fp(), Floor(), Leanest(), Make(), Ninja(), Tup(), Doit(), Joblib())
    return (*fast, Snakemake(), Nx(), Redun(), Pytask(), Dvc())
