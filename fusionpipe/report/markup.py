"""The graph for other programs: Graphviz dot, Mermaid, JSON. Names may hold anything; all is escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fusionpipe.model import Graph, NodeName
from fusionpipe.report.palette import colours_of

_ONE_LINE = str.maketrans({"\\": "\\\\", '"': '\\"'})
_MERMAID = str.maketrans({char: f"#{ord(char)};" for char in '#"<>&`\\'})


def to_dot(graph: Graph, states: Mapping[NodeName, str], focus: NodeName | None) -> str:
    """Graphviz: left to right, a cluster for every group."""
    lines = [
        "digraph fusionpipe {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fillcolor="#f4f5f7", fontname="sans-serif"];',
    ]
    for number, (group, names) in enumerate(_grouped(graph).items()):
        indent = "  "
        if group:
            lines.append(f"  subgraph cluster_{number} {{")
            lines.append(f"    label={_dot(group)};")
            indent = "    "
        lines += [
            f"{indent}{_dot(name)} [{_dot_attributes(graph, name, states, focus)}];"
            for name in names
        ]
        if group:
            lines.append("  }")
    lines += [f"  {_dot(parent)} -> {_dot(child)};" for parent, child in _edges(graph)]
    return "\n".join([*lines, "}"]) + "\n"


def _dot(text: str) -> str:
    return f'"{text.translate(_ONE_LINE)}"'


def _dot_attributes(
    graph: Graph, name: NodeName, states: Mapping[NodeName, str], focus: NodeName | None
) -> str:
    attributes = [f"label={_dot(name.rpartition('/')[2])}"]
    state = states.get(name, "")
    if state:
        fill, line = colours_of(state)
        attributes += [f'fillcolor="{fill}"', f'color="{line}"', f"tooltip={_dot(state)}"]
    if graph.nodes[name].source is not None:
        attributes.append("shape=cylinder, style=filled")
    if name == focus:
        attributes.append("penwidth=3")
    return ", ".join(attributes)


def to_mermaid(graph: Graph, states: Mapping[NodeName, str], focus: NodeName | None) -> str:
    """Mermaid, as Markdown on many sites shows it: left to right, a subgraph for every group."""
    ids = {name: f"n{number}" for number, name in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for number, (group, names) in enumerate(_grouped(graph).items()):
        boxes = [f"{ids[name]}{_mermaid_box(graph, name)}" for name in names]
        if group:
            lines.append(f'  subgraph g{number}["{_mermaid(group)}"]')
            lines += [f"    {box}" for box in boxes]
            lines.append("  end")
        else:
            lines += [f"  {box}" for box in boxes]
    lines += [f"  {ids[parent]} --> {ids[child]}" for parent, child in _edges(graph)]
    lines += _mermaid_styles(ids, states)
    if focus is not None:
        lines.append(f"  style {ids[focus]} stroke-width:4px")
    return "\n".join(lines) + "\n"


def _mermaid_box(graph: Graph, name: NodeName) -> str:
    label = f'"{_mermaid(name.rpartition("/")[2])}"'
    return f"[({label})]" if graph.nodes[name].source is not None else f"[{label}]"


def _mermaid(text: str) -> str:
    """Mermaid's own entities: it knows no other escape.

    Labels are read as Markdown: `1. load` would be a list, which Mermaid refuses to draw.
    """
    return text.translate(_MERMAID).replace(". ", "#46; ").replace("- ", "#45; ")


def _mermaid_styles(ids: Mapping[NodeName, str], states: Mapping[NodeName, str]) -> list[str]:
    lines = []
    for number, state in enumerate(sorted({states[name] for name in ids if states.get(name)})):
        fill, line = colours_of(state)
        members = ",".join(ids[name] for name in ids if states.get(name) == state)
        lines.append(f"  classDef s{number} fill:{fill},stroke:{line},color:#1f2328")
        lines.append(f"  class {members} s{number}")
    return lines


def to_json(graph: Graph, states: Mapping[NodeName, str]) -> str:
    """`nodes` by name, `edges` from parent to child with the child's alias, `groups`."""
    told = {
        "nodes": [
            {
                "name": name,
                "state": states.get(name),
                "is_source": node.source is not None,
                "language": node.entry.language.value if node.entry is not None else None,
            }
            for name, node in graph.nodes.items()
        ],
        "edges": [
            {"from": parent, "to": name, "alias": alias.alias, "member": member}
            for name, node in graph.nodes.items()
            for alias in node.parents
            for member, parent in alias.members.items()
        ],
        "groups": list(graph.groups),
    }
    return json.dumps(told, indent=2) + "\n"


def _edges(graph: Graph) -> list[tuple[NodeName, NodeName]]:
    return [(parent, name) for name, node in graph.nodes.items() for parent in node.parent_nodes()]


def _grouped(graph: Graph) -> dict[str, list[NodeName]]:
    """Nodes by the directory they lie in, "" for those at the root."""
    groups: dict[str, list[NodeName]] = {}
    for name in graph.nodes:
        groups.setdefault(name.rpartition("/")[0], []).append(name)
    return groups
