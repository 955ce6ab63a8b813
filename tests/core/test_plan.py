"""The plan, move by move: what each state allows, and what happens where several nodes meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from fusionpipe.events import Outcome
from fusionpipe.model import NodeName
from fusionpipe.moves import Move, after
from fusionpipe.plan import Fallen, Plan, State
from fusionstore.digest import ActionKey, Digest

FIRST, PARENT, NODE = NodeName("first"), NodeName("parent"), NodeName("node")
KEY, OTHER_KEY = ActionKey("key"), ActionKey("other key")
ONE, TWO = Digest("one"), Digest("two")
S = State

ALLOWED: dict[Move, dict[State, State]] = {
    Move.PARENTS_KNOWN: {S.WAITING: S.READY},
    Move.READ: {S.READY: S.READING},
    Move.HIT: dict.fromkeys((S.READY, S.READING, S.WANTED, S.BUSY), S.DONE),
    Move.MISS: {S.READY: S.WANTED},
    Move.SAME_KEY: {S.READY: S.TWIN},
    Move.TWIN_ENDED: {S.TWIN: S.READY},
    Move.HELD: {S.WANTED: S.BUSY},
    Move.GOT_CLAIM: {S.BUSY: S.WANTED},
    Move.START: {S.WANTED: S.RUNNING},
    Move.CHANGED: {S.WANTED: S.READY},
    Move.EXIT: {S.RUNNING: S.STORING},
    Move.HASH: {S.STORING: S.HASHED},
    Move.PUBLISH: {S.HASHED: S.DONE},
    Move.FAIL: {state: S.DONE for state in S if state not in (S.WAITING, S.DONE)},
    Move.SKIP: {state: S.DONE for state in S if state is not S.DONE},
    Move.LOSE: {S.DONE: S.WAITING},
    Move.PARENT_LOST: dict.fromkeys((S.READY, S.WANTED, S.TWIN, S.BUSY), S.WAITING),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", Move)
def test_each_move_leads_where_the_table_says_and_no_other_is_possible(
    state: State, move: Move
) -> None:
    if state in ALLOWED[move]:
        assert ALLOWED[move][state] is after("n", state, move)
    else:
        with pytest.raises(AssertionError, match=f"n cannot {move.name} while {state.name}"):
            after("n", state, move)


# -- what may be told in which state -----------------------------------------------------------
Tell = Callable[[Plan], object]

WAYS: dict[State, Sequence[Tell]] = {
    S.WAITING: (),
    S.READY: (lambda plan: plan.found(PARENT, ONE, Outcome.KEPT),),
}
WAYS[S.READING] = (*WAYS[S.READY], lambda plan: plan.reading(NODE))
WAYS[S.WANTED] = (*WAYS[S.READY], lambda plan: plan.missed(NODE, OTHER_KEY))
WAYS[S.BUSY] = (*WAYS[S.WANTED], lambda plan: plan.held(NODE))
WAYS[S.TWIN] = (*WAYS[S.READY], lambda plan: plan.missed(NODE, KEY))
WAYS[S.RUNNING] = (*WAYS[S.WANTED], lambda plan: plan.started(NODE))
WAYS[S.STORING] = (*WAYS[S.RUNNING], lambda plan: plan.exited(NODE))
WAYS[S.HASHED] = (*WAYS[S.STORING], lambda plan: plan.hashed(NODE, TWO))
WAYS[S.DONE] = (*WAYS[S.HASHED], lambda plan: plan.published(NODE))

TELLINGS: dict[str, tuple[Tell, dict[State, State]]] = {
    "reading": (lambda plan: plan.reading(NODE), {S.READY: S.READING}),
    "found": (
        lambda plan: plan.found(NODE, TWO, Outcome.RESTORED),
        dict.fromkeys((S.READY, S.READING, S.WANTED, S.BUSY), S.DONE),
    ),
    "missed": (lambda plan: plan.missed(NODE, OTHER_KEY), {S.READY: S.WANTED}),
    "missed, equal key": (lambda plan: plan.missed(NODE, KEY), {S.READY: S.TWIN}),
    "missed, no key": (lambda plan: plan.missed(NODE, None), {S.READY: S.WANTED}),
    "held": (lambda plan: plan.held(NODE), {S.WANTED: S.BUSY}),
    "got_claim": (lambda plan: plan.got_claim(NODE), {S.BUSY: S.WANTED}),
    "started": (lambda plan: plan.started(NODE), {S.WANTED: S.RUNNING}),
    "changed": (lambda plan: plan.changed(NODE), {S.WANTED: S.READY}),
    "exited": (lambda plan: plan.exited(NODE), {S.RUNNING: S.STORING}),
    "hashed": (lambda plan: plan.hashed(NODE, TWO), {S.STORING: S.HASHED}),
    "published": (lambda plan: plan.published(NODE), {S.HASHED: S.DONE}),
    "failed": (lambda plan: plan.failed(NODE), ALLOWED[Move.FAIL]),
    "skip": (lambda plan: plan.skip(NODE), ALLOWED[Move.SKIP]),
    "lost": (lambda plan: plan.lost(NODE), {S.DONE: S.READY}),  # its parent still stands
}


def brought_to(state: State) -> Plan:
    """A plan whose node stands there, beside a node that is wanted under `KEY`."""
    plan = Plan({FIRST: (), PARENT: (), NODE: (PARENT,)}, {})
    plan.missed(FIRST, KEY)
    for tell in WAYS[state]:
        tell(plan)
    assert state is plan.state(NODE)
    return plan


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("telling", TELLINGS)
def test_what_is_told_moves_a_node_or_is_refused(state: State, telling: str) -> None:
    plan = brought_to(state)
    tell, targets = TELLINGS[telling]
    if state not in targets:
        with pytest.raises(AssertionError):
            tell(plan)
        return
    tell(plan)
    assert targets[state] is plan.state(NODE)


# -- order -------------------------------------------------------------------------------------
def names(*given: str) -> list[NodeName]:
    return [NodeName(one) for one in given]


def plan_of(parents: Mapping[str, str], weights: Mapping[str, float] | None = None) -> Plan:
    """A plan from {"child": "its parents"}, all wanted as soon as ready."""
    graph = {NodeName(name): names(*above.split()) for name, above in parents.items()}
    return Plan(graph, {NodeName(name): weight for name, weight in (weights or {}).items()})


def look_up_all(plan: Plan, *, key: str | None = None) -> None:
    """Everything that is ready misses, each under a key of its own unless one is given."""
    while (name := plan.next_ready()) is not None:
        plan.missed(name, ActionKey(key or f"key of {name}"))


def run(plan: Plan, name: str, digest: str = "") -> None:
    """A wanted node runs well and is published."""
    node = NodeName(name)
    plan.started(node)
    plan.exited(node)
    plan.hashed(node, Digest(digest or f"data of {name}"))
    plan.published(node)


def test_ready_nodes_are_looked_up_in_topological_order() -> None:
    plan = plan_of({"c": "", "a": "", "b": "c"})
    order = []
    while (name := plan.next_ready()) is not None:
        order.append(name)
        plan.found(name, ONE, Outcome.KEPT)
    assert names("c", "a", "b") == order


def test_what_has_the_longest_way_to_go_is_started_first() -> None:
    plan = plan_of(
        {"short": "", "long": "", "below": "long", "middle": ""},
        {"short": 1, "long": 2, "below": 5, "middle": 3},
    )
    look_up_all(plan)
    order = []
    while (name := plan.next_wanted()) is not None:
        order.append(name)
        plan.started(name)
    assert names("long", "middle", "short") == order


def test_a_node_that_never_ran_is_expected_to_take_the_usual_time() -> None:
    plan = plan_of({"new": "", "a": "", "b": "", "c": ""}, {"a": 1, "b": 4, "c": 9})
    assert 4 == plan.remaining[NodeName("new")]


def test_a_child_is_ready_when_its_parents_are_hashed_though_not_yet_durable() -> None:
    plan = plan_of({"a": "", "b": "", "child": "a b"})
    look_up_all(plan)
    for name in names("a", "b"):
        assert S.WAITING is plan.state(NodeName("child"))
        plan.started(name)
        plan.exited(name)
        plan.hashed(name, ONE)
    assert (S.READY, S.HASHED) == (plan.state(NodeName("child")), plan.state(NodeName("a")))


# -- failure -----------------------------------------------------------------------------------
def test_a_failure_skips_its_descendants_and_nothing_else() -> None:
    plan = plan_of({"a": "", "b": "a", "c": "b", "other": "", "below": "other"})
    look_up_all(plan)
    plan.started(NodeName("a"))
    fallen = plan.failed(NodeName("a"))
    assert names("b", "c") == [one.node for one in fallen]
    assert [(S.WANTED), (S.WAITING)] == [plan.state(n) for n in names("other", "below")]


def test_a_failed_publication_gives_up_the_children_that_run_already() -> None:
    plan = plan_of({"a": "", "b": "a"})
    look_up_all(plan)
    plan.started(NodeName("a"))
    plan.exited(NodeName("a"))
    plan.hashed(NodeName("a"), ONE)
    look_up_all(plan)
    plan.started(NodeName("b"))
    expected = [Fallen(NodeName("b"), NodeName("a"), S.RUNNING, Outcome.SKIPPED)]
    assert expected == plan.failed(NodeName("a"))


def test_a_failure_without_k_gives_up_what_is_wanted_and_leaves_what_runs() -> None:
    plan = plan_of({"a": "", "b": "", "c": "", "below": "c"})
    look_up_all(plan)
    plan.started(NodeName("a"))
    plan.started(NodeName("b"))
    plan.failed(NodeName("a"))
    assert names("c", "below") == [one.node for one in plan.skip_unstarted_runs()]
    assert S.RUNNING is plan.state(NodeName("b"))


def test_an_interrupt_gives_up_all_that_is_not_under_way() -> None:
    plan = plan_of({"a": "", "b": "a", "c": "", "d": "", "e": ""})
    plan.missed(NodeName("a"), KEY)
    plan.missed(NodeName("c"), KEY)
    plan.missed(NodeName("d"), OTHER_KEY)
    plan.started(NodeName("a"))
    assert names("b", "c", "d", "e") == plan.skip_open()
    assert {NodeName("a")} == set(plan.in_state(*State)) - set(plan.in_state(S.DONE))


# -- equal keys --------------------------------------------------------------------------------
def test_equal_keys_run_once_and_the_second_is_looked_up_when_the_first_is_durable() -> None:
    plan = plan_of({"a": "", "b": ""})
    assert [True, False] == [plan.missed(name, KEY) for name in names("a", "b")]
    run(plan, "a")
    assert NodeName("b") == plan.next_ready()


def test_a_twin_fails_as_its_first_did_and_takes_its_descendants_with_it() -> None:
    plan = plan_of({"a": "", "b": "", "c": "b"})
    look_up_all(plan, key="same")
    plan.started(NodeName("a"))
    told = {one.node: one.outcome for one in plan.failed(NodeName("a"))}
    assert {"b": Outcome.FAILED, "c": Outcome.SKIPPED} == told


def test_a_twin_below_a_failure_is_skipped_not_failed() -> None:
    plan = plan_of({"a": "", "b": "a", "first": ""})
    plan.missed(NodeName("first"), KEY)
    plan.missed(NodeName("a"), OTHER_KEY)
    for tell in (plan.started, plan.exited):
        tell(NodeName("a"))
    plan.hashed(NodeName("a"), ONE)
    plan.missed(NodeName("b"), KEY)
    (fallen,) = plan.failed(NodeName("a"))
    assert (S.TWIN, Outcome.SKIPPED) == (fallen.was, fallen.outcome)


@pytest.mark.parametrize("end", ["skip", "changed"])
def test_a_twin_whose_first_does_not_run_asks_again(end: str) -> None:
    plan = plan_of({"a": "", "b": ""})
    look_up_all(plan, key="same")
    getattr(plan, end)(NodeName("a"))
    assert S.READY is plan.state(NodeName("b"))


def test_nodes_without_a_key_never_share_a_run() -> None:
    plan = plan_of({"a": "", "b": ""})
    assert [True, True] == [plan.missed(name, None) for name in names("a", "b")]


def test_a_key_that_has_failed_may_be_tried_by_a_later_node() -> None:
    plan = plan_of({"a": "", "slow": "", "b": "slow"})
    plan.missed(NodeName("a"), KEY)
    plan.failed(NodeName("a"))
    plan.found(NodeName("slow"), ONE, Outcome.KEPT)
    assert plan.missed(NodeName("b"), KEY)


# -- lost results ------------------------------------------------------------------------------
def settled_parent_with(state: State) -> Plan:
    """A parent that is done, a child of it in some state, and a grandchild."""
    plan = plan_of({"first": "", "parent": "", "node": "parent", "below": "node"})
    plan.missed(FIRST, KEY)
    for tell in WAYS[state]:
        tell(plan)
    return plan


@pytest.mark.parametrize("state", [S.READY, S.WANTED, S.TWIN])
def test_a_child_that_is_not_under_way_waits_anew_for_a_lost_parent(state: State) -> None:
    plan = settled_parent_with(state)
    plan.lost(PARENT)
    assert (S.READY, S.WAITING) == (plan.state(PARENT), plan.state(NODE))


@pytest.mark.parametrize("state", [S.BUSY, S.RUNNING, S.STORING, S.HASHED, S.DONE])
def test_a_child_that_is_under_way_goes_on_when_its_parent_is_lost(state: State) -> None:
    plan = settled_parent_with(state)
    plan.lost(PARENT)
    assert (S.READY, state) == (plan.state(PARENT), plan.state(NODE))


def test_a_lost_parent_that_comes_back_with_equal_bytes_leaves_its_children_alone() -> None:
    plan = settled_parent_with(S.DONE)
    plan.lost(PARENT)
    plan.found(PARENT, ONE, Outcome.RESTORED)
    assert S.DONE is plan.state(NODE)


def test_a_lost_parent_that_comes_back_with_other_bytes_sends_finished_children_back() -> None:
    plan = settled_parent_with(S.DONE)
    plan.lost(PARENT)
    plan.found(PARENT, TWO, Outcome.RESTORED)
    assert (S.READY, S.WAITING) == (plan.state(NODE), plan.state(NodeName("below")))
    assert NODE not in plan.outcomes


def test_a_child_that_ran_on_bytes_its_parent_lost_is_looked_up_again_once_it_has_ended() -> None:
    plan = settled_parent_with(S.HASHED)
    plan.lost(PARENT)
    plan.found(PARENT, TWO, Outcome.RESTORED)
    assert S.HASHED is plan.state(NODE)
    plan.published(NODE)
    assert S.READY is plan.state(NODE)


def test_after_an_interrupt_nothing_is_looked_up_again() -> None:
    plan = settled_parent_with(S.DONE)
    plan.lost(PARENT)
    plan.missed(PARENT, OTHER_KEY)
    plan.started(PARENT)
    plan.skip_open()
    plan.exited(PARENT)
    plan.hashed(PARENT, TWO)
    plan.published(PARENT)
    assert plan.is_done


def test_a_node_lost_while_its_parent_is_being_remade_waits_for_that_parent() -> None:
    plan = settled_parent_with(S.DONE)
    plan.lost(PARENT)
    plan.lost(NODE)
    assert S.WAITING is plan.state(NODE)
    plan.found(PARENT, ONE, Outcome.RESTORED)
    assert S.READY is plan.state(NODE)


def test_a_node_can_be_lost_twice() -> None:
    plan = settled_parent_with(S.WANTED)
    for _ in range(2):
        plan.lost(PARENT)
        plan.found(PARENT, ONE, Outcome.RESTORED)
        assert NODE == plan.next_ready()
        plan.missed(NODE, OTHER_KEY)
    run(plan, "node")
    assert S.READY is plan.state(NodeName("below"))


def test_a_lost_node_whose_parent_has_failed_meanwhile_is_given_up_with_all_below_it() -> None:
    plan = settled_parent_with(S.DONE)
    plan.lost(PARENT)
    plan.failed(PARENT)
    told = [(one.node, one.because) for one in plan.lost(NODE)]
    assert [(NODE, PARENT), (NodeName("below"), NODE)] == told


def test_a_claim_that_comes_while_a_parent_is_lost_is_not_used() -> None:
    plan = settled_parent_with(S.BUSY)
    plan.lost(PARENT)
    assert not plan.got_claim(NODE)
    assert S.WAITING is plan.state(NODE)


def test_a_claim_that_comes_after_a_parent_has_other_bytes_is_not_used() -> None:
    plan = settled_parent_with(S.BUSY)
    plan.lost(PARENT)
    plan.found(PARENT, TWO, Outcome.RESTORED)
    assert not plan.got_claim(NODE)
    assert S.READY is plan.state(NODE)


def test_a_former_twin_does_not_fail_with_the_node_it_once_waited_for() -> None:
    plan = plan_of({"a": "", "b": "", "parent": "", "node": "parent"})
    plan.missed(NodeName("a"), KEY)
    plan.missed(NodeName("b"), OTHER_KEY)
    plan.found(PARENT, ONE, Outcome.KEPT)
    plan.missed(NODE, KEY)
    plan.lost(PARENT)
    plan.found(PARENT, TWO, Outcome.RESTORED)
    plan.missed(NODE, OTHER_KEY)
    assert [] == plan.failed(NodeName("a"))
    assert S.TWIN is plan.state(NODE)


def test_the_counts_are_of_the_last_outcome_of_each_node() -> None:
    plan = settled_parent_with(S.DONE)
    plan.lost(PARENT)
    plan.missed(PARENT, OTHER_KEY)
    run(plan, "parent", "one")
    run(plan, "first")
    plan.skip(NodeName("below"))
    expected = {Outcome.RAN: 3, Outcome.SKIPPED: 1}
    assert expected == {outcome: count for outcome, count in plan.counts().items() if count}
    assert plan.is_done
