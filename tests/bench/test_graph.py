"""The generator: the same N is the same graph, in layers, with up to three parents."""

from __future__ import annotations

import math

import pytest

from benchmarks.graph import (
    Node,
    busiest_root,
    combine,
    descendants,
    fan_in,
    layered,
    leaf,
    outputs,
)


@pytest.mark.parametrize("count", [1, 2, 12, 100, 1_000])
def test_the_same_count_gives_the_same_graph(count: int) -> None:
    assert layered(count) == layered(count)
    assert count == len({node.name for node in layered(count)})


def test_another_seed_gives_another_graph() -> None:
    assert layered(100, seed=1) != layered(100, seed=2)


def test_parents_come_from_the_layer_above_and_are_three_at_most() -> None:
    width = math.isqrt(100)
    graph = layered(100)
    numbers = {node.name: number for number, node in enumerate(graph)}
    for number, node in enumerate(graph):
        layer = number // width
        assert {layer - 1} >= {numbers[parent] // width for parent in node.parents}
        assert (0 if layer == 0 else 1) <= len(node.parents) <= 3


def test_this_graph_is_the_one_that_earlier_figures_are_of() -> None:
    expected = [
        "n000003 n000000 n000001",
        "n000004 n000000 n000001 n000002",
        "n000005 n000000 n000002",
        "n000006 n000003 n000004 n000005",
        "n000007 n000003 n000004",
        "n000008 n000003",
    ]
    assert expected == [" ".join((node.name, *node.parents)) for node in layered(9)[3:]]


def test_the_leaf_has_no_readers() -> None:
    graph = layered(100)
    assert frozenset() == descendants(graph, leaf(graph))


def test_the_busiest_root_has_the_most_descendants() -> None:
    graph = layered(100)
    counts = {node.name: len(descendants(graph, node.name)) for node in graph if not node.parents}
    assert max(counts.values()) == counts[busiest_root(graph)]


def test_in_a_fan_every_reader_reads_the_same_parents() -> None:
    graph = fan_in(3, 2, 2)
    assert (("n000000", "n000001"),) * 2 == tuple(node.parents for node in graph[3:])
    assert ((),) * 3 == tuple(node.parents for node in graph[:3])


def test_outputs_are_combined_in_the_order_of_the_parents() -> None:
    graph = (Node("a", ()), Node("b", ()), Node("c", ("a", "b")))
    assert {"a": 5, "b": 7, "c": (2 * 31 + 5) * 31 + 7} == outputs(graph, [5, 7, 2])
    assert combine(2, [5, 7]) != combine(2, [7, 5])
