"""What of the caller's environment reaches a node, and where it is told that things are."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionpipe.runner.environment import base_environment, place_environment, withheld
from fusionpipe.runner.layout import Layout

ROOT = Path("/s/0")


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "USER",
        "http_proxy",
        "HTTPS_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "CUDA_VISIBLE_DEVICES",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "MLM_LICENSE_FILE",
        "LM_LICENSE_FILE",
        "gurobi_license",
    ],
)
def test_a_variable_that_is_always_passed_reaches_the_node(name: str) -> None:
    assert base_environment({name: "x"})[name] == "x"


def test_nothing_undeclared_reaches_the_node() -> None:
    ambient = {"AWS_PROFILE": "me", "LANG": "de_DE", "PYTHONPATH": "/mine", "TMPDIR": "/t"}
    assert not set(ambient) & set(base_environment(ambient))


def test_what_is_always_set_does_not_depend_on_the_caller() -> None:
    here = base_environment({"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "3"})
    assert here == base_environment({})
    assert here == {
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
    }


def test_a_declared_variable_wins_over_one_that_is_always_set() -> None:
    ambient = {"TZ": "Asia/Tokyo", "REGION": "eu", "TOKEN": "t", "CACHE": "/c", "OTHER": "o"}
    given = base_environment(
        ambient, env=["TZ", "REGION", "GONE"], passed=["CACHE"], secrets=["TOKEN"]
    )
    wanted = {"TZ": "Asia/Tokyo", "REGION": "eu", "TOKEN": "t", "CACHE": "/c"}
    assert wanted == {name: given[name] for name in wanted}
    assert "OTHER" not in given
    assert "GONE" not in given


def test_the_places_are_those_of_the_directory_given() -> None:
    layout = Layout(parents={"raw-2024 ü": Path("/t/1"), "all": {"a": Path("/t/2")}})
    placed = place_environment({"A": "1"}, ROOT, layout, seed=7, node="n", tmp=ROOT / "tmp")
    assert placed == {
        "A": "1",
        "FP_CODE": "/s/0/code",
        "FP_DATA": "/s/0/data",
        "FP_REPORTS": "/s/0/reports",
        "FP_PARAMS": "/s/0/params.json",
        "FP_PARENTS": "/s/0/parents",
        "FP_INPUTS": "/s/0/inputs",
        "FP_LIBS": "/s/0/libs",
        "FP_PARENT_RAW_2024__": "/s/0/parents/raw-2024 ü",
        "FP_PARENT_ALL": "/s/0/parents/all",
        "FP_SEED": "7",
        "FP_NODE": "n",
        "TMPDIR": "/s/0/tmp",
    }


def test_a_node_that_may_not_see_its_name_does_not() -> None:
    assert "FP_NODE" not in place_environment({}, ROOT, Layout(), seed=0)


def test_libs_are_searched_by_every_language_before_what_was_declared() -> None:
    layout = Layout(libs={"ourlib": Path("/t/1")})
    base = {"PYTHONPATH": "/mine"}
    placed = place_environment(base, ROOT, layout, seed=0)
    assert placed["PYTHONPATH"] == "/s/0/libs:/mine"
    assert placed["MATLABPATH"] == "/s/0/libs"
    assert placed["OCTAVE_PATH"] == "/s/0/libs"
    assert placed["JULIA_LOAD_PATH"] == "/s/0/libs:"


def test_a_withheld_variable_that_the_log_names_is_told() -> None:
    ambient = {"DATABASE_URL": "x", "DB_HOST": "y", "HOME": "/h", "HOST": "z", "shell": "s"}
    log = "KeyError: 'DATABASE_URL'\nno route to HOST, HOME unknown, shell gone; DB_HOSTS is not it"
    assert withheld(ambient, {"HOME": "/h"}, log) == ("DATABASE_URL", "HOST")


def test_names_that_logs_use_for_other_things_are_not_told() -> None:
    ambient = {"_": "x", "PWD": "/", "TERM": "xterm", "name": "n", "SHELL": "sh"}
    assert withheld(ambient, {}, "TERM: PWD _ name SHELL") == ()
