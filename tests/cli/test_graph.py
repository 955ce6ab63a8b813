"""`fp graph` in each of its forms, with how the nodes stand."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from fusionpipe.testing import Project


@pytest.fixture
def graph(project: Project) -> Project:
    project.node("raw").node("prep/clean", parents=["raw"]).node(
        "report", parents=["prep/clean", "raw"]
    )
    project.node("alone")
    project.call("build", "raw")
    return project


def test_as_a_tree_every_node_is_shown_once_with_what_needs_attention(graph: Project) -> None:
    expected = """\
alone  never run
raw
├─ prep/clean  never run
│  └─ report  never run
└─ report ↑
"""
    assert expected == graph.call("graph").out


def test_around_one_node_only_what_it_needs_and_what_needs_it(graph: Project) -> None:
    told = graph.call("graph", "prep/clean").out
    assert "alone" not in told
    assert all(name in told for name in ("raw", "prep/clean", "report"))


def test_as_dot_it_has_the_edges(graph: Project) -> None:
    told = graph.call("graph", "--format", "dot").out
    assert told.startswith("digraph")
    assert '"prep/clean" -> "report";' in told
    assert 3 == told.count("->")


def test_as_mermaid_it_has_the_edges(graph: Project) -> None:
    told = graph.call("graph", "--format", "mermaid").out
    assert told.startswith("flowchart")
    assert 3 == told.count("-->")


def test_as_json_it_has_nodes_and_edges(graph: Project) -> None:
    told = json.loads(graph.call("graph", "--format", "json").out)
    states = {
        "raw": "fresh",
        "alone": "never run",
        "prep/clean": "never run",
        "report": "never run",
    }
    assert states == {node["name"]: node["state"] for node in told["nodes"]}
    assert 3 == len(told["edges"])


def test_as_svg_it_is_a_picture_with_every_node(graph: Project) -> None:
    picture = ET.fromstring(graph.call("graph", "--format", "svg").out)
    texts = {"".join(text.itertext()) for text in picture.iter() if text.tag.endswith("text")}
    assert texts >= {"raw", "prep/clean", "report", "alone"}
    assert 3 == sum("path" in part.tag and part.get("class") == "edge" for part in picture.iter())


def test_without_states_nothing_is_looked_up(graph: Project) -> None:
    assert "never run" not in graph.call("graph", "--no-states").out
