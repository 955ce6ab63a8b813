"""What targets stand for, and the order nodes come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.errors import UsageError
from fusionpipe.model import Graph, Node, NodeName, Parent
from fusionpipe.project import resolve_node, select, targets_of, topological

CHAIN = {
    "raw": [],
    "prep/clean": ["raw"],
    "prep/dedup": ["prep/clean"],
    "fits/train1": ["prep/clean"],
    "fits/train2": ["prep/dedup"],
    "fits/deep/fit": [],
    "report": ["fits/train1", "fits/train2"],
    "clean": [],
}


def graph_of(parents):
    nodes = {
        NodeName(name): Node(
            NodeName(name),
            tuple(Parent(of.replace("/", "-"), {"": NodeName(of)}) for of in parents[name]),
        )
        for name in sorted(parents)
    }
    groups = {name.rsplit("/", n)[0] for name in parents for n in range(1, name.count("/") + 1)}
    return Graph(nodes, groups=tuple(sorted(groups)))


@pytest.mark.parametrize(
    ("targets", "here", "expected"),
    [
        ([], "", set(CHAIN)),
        (["."], "", set(CHAIN)),
        (["."], "fits/deep", {"fits/deep/fit"}),
        (["."], "prep/clean/code", {"raw", "prep/clean"}),
        (["raw"], "", {"raw"}),
        (["prep/clean"], "", {"raw", "prep/clean"}),
        (["+prep/clean"], "", {"raw", "prep/clean"}),
        (["clean"], "", {"clean"}),
        (["clean"], "prep", {"raw", "prep/clean"}),
        (["/clean"], "prep", {"clean"}),
        (["../raw"], "prep", {"raw"}),
        (["raw"], "prep", {"raw"}),
        (["dedup"], "prep/clean", {"raw", "prep/clean", "prep/dedup"}),
        (["prep"], "", {"raw", "prep/clean", "prep/dedup"}),
        (["prep/"], "", {"raw", "prep/clean", "prep/dedup"}),
        (["train*"], "fits", {"raw", "prep/clean", "prep/dedup", "fits/train1", "fits/train2"}),
        (["**/fit"], "", {"fits/deep/fit"}),
        (
            ["fits/train?"],
            "report",
            {"raw", "prep/clean", "prep/dedup", "fits/train1", "fits/train2"},
        ),
        (["prep/dedup+"], "", set(CHAIN) - {"fits/deep/fit", "clean"}),
        (["prep/clean/code/main.py"], "", {"raw", "prep/clean"}),
        (["fits/deep", "clean"], "", {"fits/deep/fit", "clean"}),
    ],
)
def test_a_target_stands_for_nodes_and_their_ancestors(targets, here, expected):
    assert expected == set(select(graph_of(CHAIN), targets, here=here))


@pytest.mark.parametrize(
    ("target", "mend"),
    [
        ("claen", 'did you mean "clean" or "prep/clean"?'),
        ("x*", "fp status -v lists them all"),
        ("prep/claen/code", '"prep/clean"'),
        ("../../raw", 'did you mean "raw"?'),
        ("[b-a]", "fp status -v lists them all"),
        ("", "name a node"),
        ("+", "name a node"),
    ],
)
def test_an_unknown_target_is_refused_with_near_names(target, mend):
    with pytest.raises(UsageError) as caught:
        select(graph_of(CHAIN), [target])
    assert mend in caught.value.mend


def test_a_mistyped_word_inside_a_node_does_not_stand_for_that_node():
    with pytest.raises(UsageError, match='"rwa" is no node or group'):
        select(graph_of(CHAIN), ["rwa"], here="prep/clean/code")


def test_one_node_is_resolved_from_where_the_user_is():
    graph = graph_of(CHAIN)
    assert "prep/clean" == resolve_node(graph, "clean", "prep")
    assert "prep/clean" == resolve_node(graph, ".", "prep/clean")
    assert "fits/deep/fit" == resolve_node(graph, "fits/deep")
    assert "fits/deep/fit" == resolve_node(graph, "fits/deep/fit/code/main.py", is_exact=True)
    for word, what in (("fits/deep", "a group"), ("fits/deep/*", "a pattern")):
        with pytest.raises(
            UsageError, match=f"is {what}, not a node\n  name its node: fits/deep/fit"
        ):
            resolve_node(graph, word, is_exact=True)


def test_a_group_is_no_single_node():
    with pytest.raises(UsageError, match="name one of them: prep/clean, prep/dedup"):
        resolve_node(graph_of(CHAIN), "prep")


def test_targets_alone_leave_the_ancestors_out():
    assert ("prep/clean", "prep/dedup") == tuple(sorted(targets_of(graph_of(CHAIN), ["prep"])))


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 12))
    labels = draw(st.permutations([f"{'ab'[n % 2]}/n{n}" for n in range(count)]))
    earlier = [draw(st.sets(st.sampled_from(labels[:n]))) if n else set() for n in range(count)]
    return {label: sorted(of) for label, of in zip(labels, earlier, strict=True)}


def ancestors(parents, name):
    return {name}.union(*(ancestors(parents, of) for of in parents[name]))


@given(graphs())
def test_topological_order_is_complete_parents_first_and_does_not_depend_on_order(parents):
    order = topological(graph_of(parents))
    assert sorted(parents) == sorted(order)
    assert all(order.index(of) < order.index(name) for name in parents for of in parents[name])
    shuffled = dict(reversed(graph_of(parents).nodes.items()))
    assert order == topological(Graph(shuffled))


@given(graphs(), st.data())
def test_select_gives_exactly_the_ancestors_in_order(parents, data):
    graph = graph_of(parents)
    target = data.draw(st.sampled_from(sorted(parents)))
    expected = ancestors(parents, target)
    assert [name for name in topological(graph) if name in expected] == list(
        select(graph, [target])
    )


@given(graphs(), st.data())
def test_select_with_descendants_gives_all_that_read_it_and_what_they_need(parents, data):
    target = data.draw(st.sampled_from(sorted(parents)))
    readers = [name for name in parents if target in ancestors(parents, name)]
    expected = set().union(*(ancestors(parents, name) for name in readers))
    assert expected == set(select(graph_of(parents), [target + "+"]))
