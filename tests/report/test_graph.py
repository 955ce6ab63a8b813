"""`fp graph` in all its forms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionpipe.model import Entry, Graph, Language, Node, NodeName, Parent, Source
from fusionpipe.report.graph import render_graph
from fusionpipe.report.layout import lay_out

SVG = "{http://www.w3.org/2000/svg}"


def graph_of(parents: Mapping[str, Sequence[str]], sources: Sequence[str] = ()) -> Graph:
    """A graph from each node's parents, aliases as usual."""
    return Graph(
        {
            NodeName(name): Node(
                NodeName(name),
                parents=tuple(
                    Parent(one.rpartition("/")[2], {"": NodeName(one)}) for one in parents[name]
                ),
                entry=None if name in sources else Entry(Language.PYTHON, "main.py"),
                source=Source(f"{name}/data") if name in sources else None,
            )
            for name in sorted(parents)
        },
        groups=("prep",),
    )


WEATHER = graph_of(
    {
        "raw": [],
        "prep/clean": ["raw"],
        "fit": ["prep/clean"],
        "plot": ["prep/clean"],
        "report": ["fit", "plot", "raw"],
    },
    sources=["raw"],
)
STATES = {
    NodeName("raw"): "source",
    NodeName("prep/clean"): "fresh",
    NodeName("fit"): "stale",
    NodeName("plot"): "failed",
}
ODD = graph_of({'a "b" <c> & \\d': [], "größe/文字 #1;`x`": ['a "b" <c> & \\d'], "end": []})


def test_the_tree_shows_a_node_once_and_points_to_it_later() -> None:
    expected = """\
raw  source
├─ prep/clean
│  ├─ fit  stale
│  │  └─ report
│  └─ plot  failed
│     └─ report ↑
└─ report ↑
"""
    assert expected == render_graph(WEATHER, form="tree", states=STATES)


def test_focus_leaves_what_a_node_depends_on_and_what_depends_on_it() -> None:
    expected = """\
raw  source
├─ prep/clean
│  └─ fit  ◀
│     └─ report
└─ report ↑
"""
    assert expected == render_graph(WEATHER, form="tree", focus=NodeName("fit"))


def test_the_tree_is_painted_when_asked() -> None:
    painted = render_graph(WEATHER, form="tree", states=STATES, colour=True)
    assert "fit  \x1b[33mstale\x1b[0m" in painted


def test_a_very_long_chain_is_continued_at_the_margin() -> None:
    chain = graph_of({f"c{at:05}": [f"c{at - 1:05}"] if at else [] for at in range(3000)})
    lines = render_graph(chain, form="tree").splitlines()
    assert "   " * 23 + "└─ c00024 ↓" == lines[24]
    assert "c00024" == lines[25]
    full = [line for line in lines if not line.endswith("↓")]
    assert [f"c{at:05}" for at in range(3000)] == [line.split()[-1] for line in full]


def test_a_project_without_nodes_is_said_or_empty() -> None:
    nothing = Graph({})
    assert "no nodes\n" == render_graph(nothing, form="tree")
    assert "flowchart LR\n" == render_graph(nothing, form="mermaid")
    assert {"nodes": [], "edges": [], "groups": []} == json.loads(
        render_graph(nothing, form="json")
    )
    ET.fromstring(render_graph(nothing, form="svg"))


def test_dot_has_clusters_shapes_colours_and_edges() -> None:
    expected = """\
digraph fusionpipe {
  rankdir=LR;
  node [shape=box, style="rounded,filled", fillcolor="#f4f5f7", fontname="sans-serif"];
  "fit" [label="fit", fillcolor="#fdf0cf", color="#c08a12", tooltip="stale", penwidth=3];
  "raw" [label="raw", fillcolor="#e3eefb", color="#3d7fc7", tooltip="source", shape=cylinder, style=filled];
  "report" [label="report"];
  subgraph cluster_1 {
    label="prep";
    "prep/clean" [label="clean", fillcolor="#dff3e4", color="#2f9e57", tooltip="fresh"];
  }
  "prep/clean" -> "fit";
  "raw" -> "prep/clean";
  "fit" -> "report";
  "raw" -> "report";
}
"""
    assert expected == render_graph(WEATHER, form="dot", states=STATES, focus=NodeName("fit"))


def test_dot_escapes_quotes_and_backslashes() -> None:
    dot = render_graph(ODD, form="dot")
    assert r'  "a \"b\" <c> & \\d" [label="a \"b\" <c> & \\d"];' in dot.splitlines()
    assert r'  "a \"b\" <c> & \\d" -> "größe/文字 #1;`x`";' in dot.splitlines()


def test_mermaid_has_subgraphs_shapes_classes_and_edges() -> None:
    expected = """\
flowchart LR
  n0["fit"]
  n2[("raw")]
  n3["report"]
  subgraph g1["prep"]
    n1["clean"]
  end
  n1 --> n0
  n2 --> n1
  n0 --> n3
  n2 --> n3
  classDef s0 fill:#fdf0cf,stroke:#c08a12,color:#1f2328
  class n0 s0
  style n0 stroke-width:4px
"""
    states = {NodeName("fit"): "stale"}
    told = render_graph(WEATHER, form="mermaid", states=states, focus=NodeName("fit"))
    assert expected == told


def test_mermaid_ids_are_plain_and_labels_escaped() -> None:
    expected = """\
flowchart LR
  n0["a #34;b#34; #60;c#62; #38; #92;d"]
  n1["end"]
  subgraph g1["größe"]
    n2["文字 #35;1;#96;x#96;"]
  end
  n0 --> n2
"""
    assert expected == render_graph(ODD, form="mermaid")


def test_mermaid_does_not_take_a_numbered_name_for_a_list() -> None:
    expected = 'flowchart LR\n  n0["#45; v1.2"]\n  n1["1#46; load"]\n'
    assert expected == render_graph(graph_of({"1. load": [], "- v1.2": []}), form="mermaid")


def test_json_has_nodes_edges_with_aliases_and_groups() -> None:
    group = Node(
        NodeName("all"), parents=(Parent("runs", {"a": NodeName("r/a"), "b": NodeName("r/b")}),)
    )
    graph = graph_of({"r/a": [], "r/b": []}, sources=["r/b"])
    graph = Graph({NodeName("all"): group, **graph.nodes}, groups=("r",))
    expected = {
        "nodes": [
            {"name": "all", "state": None, "is_source": False, "language": None},
            {"name": "r/a", "state": "stale", "is_source": False, "language": "python"},
            {"name": "r/b", "state": None, "is_source": True, "language": None},
        ],
        "edges": [
            {"from": "r/a", "to": "all", "alias": "runs", "member": "a"},
            {"from": "r/b", "to": "all", "alias": "runs", "member": "b"},
        ],
        "groups": ["r"],
    }
    told = render_graph(graph, form="json", states={NodeName("r/a"): "stale"})
    assert expected == json.loads(told)


@pytest.mark.parametrize("graph", [WEATHER, ODD], ids=["weather", "odd names"])
def test_svg_is_xml_and_holds_every_node_and_edge(graph: Graph) -> None:
    root = ET.fromstring(render_graph(graph, form="svg"))
    boxes = [title.text for title in root.findall(f"{SVG}g/{SVG}title")]
    edges = [title.text for title in root.findall(f"{SVG}path/{SVG}title")]
    assert list(graph.nodes) == boxes
    assert [
        f"{parent} → {name}" for name, node in graph.nodes.items() for parent in node.parent_nodes()
    ] == edges


def test_svg_survives_names_that_xml_cannot_hold() -> None:
    odd = graph_of({"a\udcff\ufffe": []})
    root = ET.fromstring(render_graph(odd, form="svg"))
    assert ["a\ufffd\ufffd"] == [title.text for title in root.iter(f"{SVG}title")]


def test_svg_explains_its_colours() -> None:
    root = ET.fromstring(render_graph(WEATHER, form="svg", states=STATES))
    legend = [text.text for text in root.findall(f"{SVG}text[@class='legend']")]
    assert ["failed", "fresh", "source", "stale"] == legend


def test_svg_boxes_lie_within_the_picture_and_apart() -> None:
    many = graph_of(
        {
            f"group/a rather long name {at}": [f"group/a rather long name {at // 3}"] if at else []
            for at in range(200)
        }
    )
    root = ET.fromstring(render_graph(many, form="svg"))
    boxes = [
        tuple(float(rect.get(side, "")) for side in ("x", "y", "width", "height"))
        for rect in root.findall(f"{SVG}g/{SVG}rect")
    ]
    width, height = (float(root.get(side, "")) for side in ("width", "height"))
    assert 200 == len(boxes)
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    for column in {box[0] for box in boxes}:
        tops = sorted(y for x, y, _, _ in boxes if x == column)
        assert all(below - above > 30 for above, below in pairwise(tops))


def test_lines_that_can_be_drawn_without_crossing_are() -> None:
    ladder = graph_of(
        {f"a{at}": [] for at in range(9)} | {f"b{at}": [f"a{8 - at}"] for at in range(9)}
    )
    layout = lay_out(ladder)
    by_parent = sorted(range(9), key=lambda at: layout.height[NodeName(f"a{8 - at}")])
    by_child = sorted(range(9), key=lambda at: layout.height[NodeName(f"b{at}")])
    assert by_parent == by_child


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 14))
    return graph_of(
        {
            f"n{at:02}": [
                f"n{one:02}"
                for one in draw(
                    st.sets(st.integers(0, at - 1), max_size=3) if at else st.just(set())
                )
            ]
            for at in range(count)
        }
    )


@given(graphs())
@settings(deadline=None)
def test_any_graph_is_laid_out_left_to_right_without_overlap(graph: Graph) -> None:
    layout = lay_out(graph)
    for name, node in graph.nodes.items():
        assert all(layout.layer[parent] < layout.layer[name] for parent in node.parent_nodes())
    for layer in range(layout.layers):
        heights = sorted(layout.height[n] for n in graph.nodes if layout.layer[n] == layer)
        assert all(b - a > 0.999 for a, b in pairwise(heights))
        assert 0 <= heights[0]
        assert heights[-1] <= layout.tallest


@given(graphs())
@settings(deadline=None)
def test_any_tree_names_every_node_in_full_once_and_every_edge(graph: Graph) -> None:
    lines = render_graph(graph, form="tree").splitlines()
    full = [line for line in lines if not line.endswith("↑")]
    edges = sum(len(node.parent_nodes()) for node in graph.nodes.values())
    roots = sum(1 for node in graph.nodes.values() if not node.parent_nodes())
    assert list(graph.nodes) == sorted(re.sub(r"[│├└─ ]", "", line) for line in full)
    assert edges + roots == len(lines)
