"""Which results go: the last of each node stay, costs are counted with lost parents, a size is reached."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.amounts import parse_age, parse_size
from fusionpipe.eviction import Ancestry, Rules, choose
from fusionstore.contract import JsonObject, Record, Standing
from fusionstore.digest import ActionKey, Digest, RecordId, digest_bytes
from fusionstore.inventory import Blob, Held, Inventory
from fusionstore.tree import Entry, Kind, Tree, build

NOW = 1_000_000.0


def tree_of(files: dict[str, int]) -> Tree:
    """A tree whose files have the bytes that their names stand for, and these sizes."""
    return build(
        {name: Entry(name, Kind.FILE, digest_bytes(name.encode()), n) for name, n in files.items()}
    )


class World:
    """An inventory made by hand."""

    def __init__(self) -> None:
        self.inventory = Inventory(now=NOW, horizon=NOW)

    def add(
        self,
        name: str,
        files: dict[str, int],
        *,
        node: str = "n",
        seconds: float = 10.0,
        used: float = 0.0,
        made: float = 0.0,
        parents: tuple[str, ...] = (),
        is_gone: bool = False,
    ) -> RecordId:
        """A record; `parents` are names of others."""
        tree, id = tree_of(files), RecordId(name)
        for file, size in files.items():
            if not is_gone:
                self.inventory.blobs[digest_bytes(file.encode())] = Blob(size, 0.0)
        above: JsonObject = {one: {"": self.data(one)} for one in parents}
        record = Record(
            id,
            ActionKey(name),
            {"data": tree.root},
            None,
            None,
            Standing.REALISATION,
            seconds,
            made,
        )
        body: JsonObject = {"node": node, "manifest": {"parents": above}}
        self.inventory.records[id] = Held(record, {}, (), body, used, "", is_gone)
        self.inventory.learn(tree.directories)
        return id

    def data(self, name: str) -> Digest:
        """The data of a record."""
        return self.inventory.records[RecordId(name)].record.slots["data"]

    def chosen(self, rules: Rules, recent: dict[str, tuple[str, ...]] | None = None) -> set[str]:
        """What goes."""
        return set(choose(self.inventory, rules, recent or {}))


def test_the_last_of_each_node_stay() -> None:
    world = World()
    for number in range(5):
        world.add(f"a{number}", {f"a{number}": 1}, node="a", made=number)
        world.add(f"b{number}", {f"b{number}": 1}, node="b", made=-number)
    assert world.chosen(Rules()) == {"a0", "a1", "b3", "b4"}
    assert world.chosen(Rules(keep=1)) == {"a0", "a1", "a2", "a3", "b1", "b2", "b3", "b4"}
    assert world.chosen(Rules(keep=9)) == set()


def test_what_a_project_used_last_stays_though_others_were_made_later() -> None:
    world = World()
    for number in range(5):
        world.add(f"a{number}", {f"a{number}": 1}, made=number)
    assert world.chosen(Rules(keep=1), {"p/n": ("a0", "a1")}) == {"a1", "a2", "a3"}


def test_what_was_needed_lately_is_not_old() -> None:
    world = World()
    world.add("old", {"x": 1}, used=NOW - 100)
    world.add("new", {"y": 1}, used=NOW - 10)
    assert world.chosen(Rules(keep=0, older_than=50)) == {"old"}


def test_what_is_rooted_or_young_is_not_chosen() -> None:
    world = World()
    rooted, young = world.add("rooted", {"x": 1}), world.add("young", {"y": 1})
    world.inventory.rooted, world.inventory.young = frozenset([rooted]), frozenset([young])
    assert world.chosen(Rules(keep=0, max_size=0)) == set()


def test_only_as_much_is_evicted_as_has_to_be_and_the_cheapest_to_make_first() -> None:
    world = World()
    world.add("slow", {"x": 100}, seconds=1000)
    world.add("quick", {"y": 100}, seconds=1)
    world.add("quick and small", {"z": 10}, seconds=1)
    assert world.chosen(Rules(max_size=210)) == set()
    assert world.chosen(Rules(max_size=209)) == {"quick"}
    assert world.chosen(Rules(max_size=105)) == {"quick", "quick and small"}


def test_what_is_idle_longer_goes_first() -> None:
    world = World()
    world.add("idle", {"x": 10}, used=NOW - 1000)
    world.add("busy", {"y": 10}, used=NOW - 10)
    assert world.chosen(Rules(max_size=15)) == {"idle"}


def test_what_is_shared_is_freed_by_the_last_who_holds_it() -> None:
    world = World()
    world.add("one", {"big": 1000})
    world.add("two", {"big": 1000, "own": 1})
    world.add("dear", {"small": 5}, seconds=1e9)
    assert world.chosen(Rules(max_size=5)) == {"one", "two"}


def test_what_went_for_nothing_stays() -> None:
    world = World()
    keeper = world.add("keeper", {"big": 1000})
    world.inventory.rooted = frozenset([keeper])
    world.add("sharer", {"big": 1000})
    world.add("own", {"small": 5})
    assert world.chosen(Rules(max_size=0)) == {"own"}


def test_a_cheap_child_of_a_dear_parent_that_is_gone_is_dear() -> None:
    world = World()
    world.add("parent", {"p": 1}, seconds=5000, is_gone=True)
    world.add("child", {"c": 100}, seconds=1, parents=("parent",))
    world.add("other", {"o": 100}, seconds=50)
    assert world.chosen(Rules(max_size=150)) == {"other"}


def test_a_parent_that_is_there_costs_nothing_and_a_lost_one_is_counted_once() -> None:
    world = World()
    world.add("top", {"t": 1}, seconds=100)
    world.add("left", {"l": 1}, seconds=10, parents=("top",))
    world.add("right", {"r": 1}, seconds=1, parents=("top",))
    both = [world.inventory.records[RecordId(name)] for name in ("left", "right")]
    ancestry = Ancestry(world.inventory)
    assert ancestry.seconds(both, {held.id for held in both}) == 11
    gone = {RecordId(name) for name in ("top", "left", "right")}
    assert ancestry.seconds(both, gone) == 111
    assert (ancestry.unrepeatable({RecordId("top")}), ancestry.unrepeatable(gone)) == (2, 0)


def test_a_long_chain_of_lost_parents_is_followed_to_its_end() -> None:
    world = World()
    world.add("0", {"0": 1}, seconds=1)
    for number in range(1, 3000):
        world.add(str(number), {str(number): 1}, seconds=1, parents=(str(number - 1),))
    last = world.inventory.records[RecordId("2999")]
    assert Ancestry(world.inventory).seconds([last], set(world.inventory.records)) == 3000


RESULTS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcdef"), st.just(0), max_size=4),
        st.floats(0, 1e5),
        st.floats(0, NOW),
        st.sampled_from(["free", "rooted", "young"]),
    ),
    max_size=8,
)


@given(results=RESULTS, limit=st.integers(0, 400))
def test_a_size_is_reached_if_it_can_be_and_nothing_that_has_to_stay_goes(
    results: list[tuple[dict[str, int], float, float, str]], limit: int
) -> None:
    world = World()
    inventory = world.inventory
    marks: dict[str, set[RecordId]] = {"free": set(), "rooted": set(), "young": set()}
    for number, (files, seconds, used, mark) in enumerate(results):
        sized = {name: (ord(name) - 90) ** 2 for name in files}
        marks[mark].add(world.add(str(number), sized, seconds=seconds, used=used))
    inventory.rooted, inventory.young = frozenset(marks["rooted"]), frozenset(marks["young"])
    gone = choose(inventory, Rules(max_size=limit), {})
    assert gone <= marks["free"]
    left = inventory.size - inventory.bytes_of(inventory.unneeded(gone))
    least = inventory.size - inventory.bytes_of(inventory.unneeded(marks["free"]))
    assert left <= max(limit, least)
    if inventory.size <= limit:
        assert not gone


def test_sizes_and_ages_as_people_write_them() -> None:
    sizes = {"200G": 200 * 10**9, "1.5 TB": 1500 * 10**9, "2GiB": 2 << 30, "10": 10, "3kb": 3000}
    assert {text: parse_size(text) for text in sizes} == sizes
    assert [parse_size(text) for text in ("", "G", "-1G", "1X", "1iB", "1 G B")] == [None] * 6
    ages = {"30d": 30 * 86400.0, "12h": 43200.0, "1.5w": 10.5 * 86400, "90m": 5400.0, "5s": 5.0}
    assert {text: parse_age(text) for text in ages} == ages
    assert [parse_age(text) for text in ("30", "d", "-1d", "1M", "1d2h")] == [None] * 5
