"""Parameters that TOML has and JSON has no number for: nan, inf and -inf, from node.toml to `fp diff`."""

from __future__ import annotations

import json
import math

import pytest

from fusionpipe.testing import Project

TOML = "[params]\nx = nan\ny = [1.0, -inf]\nz = {deep = inf}\n"


@pytest.fixture
def odd(project: Project) -> Project:
    project.node("fit", "cp ../params.json ../data/seen.json", toml=TOML)
    assert {"fit": "ran"} == project.outcomes()
    return project


def test_a_node_with_a_nan_runs_once_and_its_code_reads_it(odd: Project) -> None:
    seen = json.loads(odd.data("fit")["seen.json"])
    assert math.isnan(seen["x"])
    assert ([1.0, -math.inf], {"deep": math.inf}) == (seen["y"], seen["z"])
    odd.write("fit/node.toml", TOML.replace("nan", "-nan") + "# a NaN has no sign\n")
    assert {"fit": "kept"} == odd.outcomes()


def test_an_odd_number_can_be_given_for_one_build(odd: Project) -> None:
    assert {"fit": "ran"} == odd.outcomes("-p", "fit.x=inf")
    assert {"fit": "restored"} == odd.outcomes("-p", "fit.x=nan")


def test_odd_numbers_are_shown_compared_and_brought_back(odd: Project) -> None:
    assert "NaN" in odd.call("show", "fit").out
    odd.write("fit/node.toml", TOML.replace("nan", "inf"))
    why = odd.call("why", "fit").out
    assert ("nan" in why, "\\x00" in why) == (True, False)
    assert {"fit": "ran"} == odd.outcomes()
    told = odd.call("diff", "fit@{1}", "fit", "--params").out
    assert ("nan" in told.lower(), "\\x00" in told, "float:" in told) == (True, False, False)
    assert 0 == odd.call("checkout", "--all", "fit@{1}", "../was").code
    was = odd.root.parent / "was/node.toml"
    assert "x = nan" in was.read_text()
    assert 0 == odd.call("reproduce", "fit@{1}").code
