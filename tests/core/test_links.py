"""The generated names in a node's directory: swapped in one step, nothing of the user's lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusionpipe.build.given import link_given
from fusionpipe.build.linkorder import LinkOrder
from fusionpipe.build.links import NodeLinks
from fusionpipe.model import FileSet, Laid, Node, NodeName, Parent
from fusionpipe.testing import Project
from fusionstore.contract import Record, Standing
from fusionstore.digest import ActionKey, Digest, RecordId

NODE = NodeName("prep/clean")
ONE, TWO, LOG, REPORTS = Digest("1" * 64), Digest("2" * 64), Digest("3" * 64), Digest("4" * 64)


class Linked:
    """A node's directory, a store beside or inside the project, and what was kept of the user's."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        self.here = root / NODE
        self.here.mkdir(parents=True)
        self.kept: dict[str, list[str]] = {}
        for digest in (ONE, TWO, REPORTS):
            (store / "trees" / digest).mkdir(parents=True)
            (store / "trees" / digest / "it").write_text(digest[:1])
        (store / "log").write_text("log")
        self.links = NodeLinks(
            root, store, lambda tree: store / "trees" / tree, lambda blob: store / "log", self.keep
        )

    def keep(self, path: Path) -> None:
        self.kept[path.name] = sorted(one.name for one in path.iterdir())
        path.rename(path.with_name(f"kept {path.name}"))

    def link(self, data: Digest, reports: Digest | None = None, log: Digest | None = LOG) -> None:
        slots = {"data": data} | ({"reports": reports} if reports else {})
        record = Record(
            RecordId("r"), ActionKey("k"), slots, log, None, Standing.REALISATION, 0.0, 0.0
        )
        self.links.link_result(NODE, record)

    def read(self, name: str) -> str:
        return (self.here / name).read_text()


@pytest.fixture
def linked(tmp_path: Path) -> Linked:
    return Linked(tmp_path / "a prüject", tmp_path / "a prüject" / ".fusionpipe" / "store")


def test_links_are_relative_while_the_store_lies_inside_the_project(
    linked: Linked, tmp_path: Path
) -> None:
    linked.link(ONE)
    assert f"../../.fusionpipe/store/trees/{ONE}" == os.readlink(linked.here / "data")
    linked.root.rename(tmp_path / "moved")
    assert "1" == (tmp_path / "moved" / NODE / "data" / "it").read_text()


def test_links_are_absolute_when_the_store_lies_elsewhere(tmp_path: Path) -> None:
    linked = Linked(tmp_path / "project", tmp_path / "store")
    linked.link(ONE)
    assert f"{tmp_path}/store/trees/{ONE}" == os.readlink(linked.here / "data")


def test_a_result_is_linked_with_its_reports_and_its_log(linked: Linked) -> None:
    linked.link(ONE, REPORTS)
    assert ("1", "4", "log") == tuple(map(linked.read, ("data/it", "reports/it", "logs.txt")))


def test_a_later_result_takes_the_earlier_ones_place_and_its_reports_away(linked: Linked) -> None:
    linked.link(ONE, REPORTS)
    linked.link(TWO)
    assert "2" == linked.read("data/it")
    assert not os.path.lexists(linked.here / "reports")
    assert {"data", "logs.txt"} == {path.name for path in linked.here.iterdir()}


def test_a_real_directory_of_the_users_is_handed_over_before_a_link_takes_its_place(
    linked: Linked,
) -> None:
    for name in ("data", "reports"):
        (linked.here / name).mkdir()
        (linked.here / name / f"my {name}").write_text("mine")
    linked.link(ONE, REPORTS)
    assert {"data": ["my data"], "reports": ["my reports"]} == linked.kept
    assert "1" == linked.read("data/it")


def test_real_reports_of_the_users_stay_when_the_result_has_none(linked: Linked) -> None:
    (linked.here / "reports").mkdir()
    (linked.here / "reports" / "mine").write_text("mine")
    linked.link(ONE)
    assert "mine" == linked.read("reports/mine")


def test_a_users_logs_txt_is_moved_aside_each_time_under_a_name_of_its_own(linked: Linked) -> None:
    for number, aside in enumerate(("logs.txt.yours", "logs.txt.yours2", "logs.txt.yours3")):
        (linked.here / "logs.txt").unlink(missing_ok=True)
        (linked.here / "logs.txt").write_text(f"mine {number}")
        linked.link(ONE)
        assert (f"mine {number}", "log") == (linked.read(aside), linked.read("logs.txt"))


def test_what_data_is_can_be_told(linked: Linked) -> None:
    data = linked.here / "data"
    assert "none" == linked.links.data_state(NODE)
    data.mkdir()
    assert "empty" == linked.links.data_state(NODE)
    (data / "mine").write_text("mine")
    assert "real" == linked.links.data_state(NODE)
    linked.link(ONE)
    assert "link" == linked.links.data_state(NODE)
    data.unlink()
    data.write_text("a file")
    assert "real" == linked.links.data_state(NODE)


def test_a_linked_root_is_told_only_of_the_very_tree_while_it_stands(linked: Linked) -> None:
    linked.link(ONE)
    status = (linked.here / "data").stat()
    assert (status.st_ino, status.st_mtime_ns) == linked.links.linked_root(NODE, ONE)
    assert linked.links.linked_root(NODE, TWO) is None
    (linked.here / "data").resolve().rename(linked.root / "gone")
    assert linked.links.linked_root(NODE, ONE) is None


def test_a_source_elsewhere_is_linked_relative_inside_the_project_and_absolute_outside(
    linked: Linked, tmp_path: Path
) -> None:
    linked.links.put_source(NODE, linked.root / "raw")
    assert "../../raw" == os.readlink(linked.here / "data")
    linked.links.put_source(NODE, tmp_path / "far")
    assert f"{tmp_path}/far" == os.readlink(linked.here / "data")


# -- whose link stands ------------------------------------------------------------------------
def test_a_build_never_links_over_one_that_started_later(tmp_path: Path) -> None:
    order = LinkOrder(tmp_path / "links")
    allowed = []
    for stamp in (5, 5, 3, 9, 8):
        with order.turn(NODE, stamp) as is_ours:
            allowed.append(is_ours)
    order.close()
    assert [True, True, False, True, False] == allowed


def test_nodes_have_stamps_of_their_own_that_outlive_the_process(tmp_path: Path) -> None:
    first = LinkOrder(tmp_path / "links")
    with first.turn(NODE, 9):
        pass
    first.close()
    second = LinkOrder(tmp_path / "links")
    with second.turn(NODE, 8) as is_ours, second.turn(NodeName("other"), 8) as is_other:
        assert (False, True) == (is_ours, is_other)
    second.close()


# -- what code reads by hand ------------------------------------------------------------------
@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("prep/clean", "raw/data", "runs/a/data", "runs/b/c/data", "config", "src/lib"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("raw/data/x", "runs/a/data/x", "runs/b/c/data/x", "config/a.yaml", "src/lib/m.py"):
        (tmp_path / name).write_text(name)
    return tmp_path


RAW = Parent("raw", {"": NodeName("raw")})
RUNS = Parent("raw", {"a": NodeName("runs/a"), "b/c": NodeName("runs/b/c")})
DIRECTORY = FileSet("config", (Laid("a.yaml", "config/a.yaml"),))
GATHERED = FileSet(
    "config", (Laid("a.yaml", "config/a.yaml"), Laid("below/other.yaml", "src/lib/m.py"))
)
LIB = FileSet("lib", (Laid("m.py", "src/lib/m.py"),))
FILE = FileSet("one", (Laid("", "src/lib/m.py"),))


def given(
    root: Path, *parents: Parent, inputs: tuple[FileSet, ...] = (), **more: object
) -> dict[str, str]:
    """Links for a node that has these; what its directory then shows: path to text."""
    node = Node(NODE, parents, inputs=inputs, **more)  # type: ignore[arg-type]  # libs, params
    made = root / "made"
    before = made.read_text().splitlines() if made.exists() else ()
    made.write_text("\n".join(link_given(str(root), node, b"{}\n", before)))
    return shown(root / NODE)


def shown(here: Path) -> dict[str, str]:
    found = {}
    for place, _, files in os.walk(here, followlinks=True):
        for name in files:
            path = Path(place) / name
            found[str(path.relative_to(here))] = path.read_text()
    return found


def test_each_parent_is_linked_by_its_alias_and_members_by_their_names(root: Path) -> None:
    assert {"parents/raw/x": "raw/data/x"} == given(root, RAW)
    expected = {"parents/raw/a/x": "runs/a/data/x", "parents/raw/b/c/x": "runs/b/c/data/x"}
    assert expected == given(root, RUNS)
    assert {"parents/raw/x": "raw/data/x"} == given(root, RAW)


def test_a_parent_that_becomes_a_group_is_not_written_into(root: Path) -> None:
    given(root, RAW)
    given(root, RUNS)
    assert ["x"] == os.listdir(root / "raw/data")


def test_inputs_and_libs_are_one_link_each_where_they_are_one_directory_or_file(root: Path) -> None:
    told = given(root, inputs=(DIRECTORY, FILE), libs=(LIB,))
    expected = {
        "inputs/config/a.yaml": "config/a.yaml",
        "inputs/one": "src/lib/m.py",
        "libs/lib/m.py": "src/lib/m.py",
    }
    assert expected == told
    assert "../../../config" == os.readlink(root / NODE / "inputs/config")


def test_an_input_that_is_gathered_from_several_places_is_not_written_into_one_of_them(
    root: Path,
) -> None:
    given(root, inputs=(DIRECTORY,))
    told = given(root, inputs=(GATHERED,))
    expected = {
        "inputs/config/a.yaml": "config/a.yaml",
        "inputs/config/below/other.yaml": "src/lib/m.py",
    }
    assert expected == told
    assert ["a.yaml"] == os.listdir(root / "config")


def test_links_that_nothing_asks_for_any_more_go_and_real_files_stay(root: Path) -> None:
    given(root, RUNS, inputs=(DIRECTORY,))
    (root / NODE / "parents/raw/mine").write_text("mine")
    assert {"parents/raw/mine": "mine"} == given(root)
    assert not (root / NODE / "inputs").exists()


def test_a_link_that_the_user_put_in_place_of_a_generated_directory_is_left_alone(
    root: Path,
) -> None:
    (root / "theirs").mkdir()
    (root / "theirs/own").symlink_to("../config")
    (root / NODE / "inputs").symlink_to("../../theirs")
    given(root, inputs=(DIRECTORY,))
    assert ["own"] == os.listdir(root / "theirs")


def test_links_are_right_again_after_they_were_pointed_elsewhere_or_removed(root: Path) -> None:
    before = given(root, RAW, inputs=(FILE,))
    (root / NODE / "inputs/one").unlink()
    (root / NODE / "parents/raw").unlink()
    (root / NODE / "parents/raw").symlink_to("/nowhere")
    assert before == given(root, RAW, inputs=(FILE,))


def test_params_are_written_for_nodes_that_have_some_and_kept_up_to_date(root: Path) -> None:
    assert {} == given(root)
    assert {"params.json": "{}\n"} == given(root, params={"a": 1})
    (root / NODE / "params.json").write_text("edited by hand")
    expected = {"params.json": "{}\n", "params.json.yours": "edited by hand"}
    assert expected == given(root)


# -- in a build -------------------------------------------------------------------------------
def test_a_group_of_parents_is_read_by_member_in_a_build_and_by_hand(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.node("runs/a").node("runs/b/c")
    project.node(
        "all",
        "cat ../parents/runs/a/it.txt ../parents/runs/b/c/it.txt > ../data/it",
        parents=["runs"],
    )
    project.build()
    assert {"it": "runs/a\nruns/b/c\n"} == project.data("all")
    assert "runs/b/c\n" == (tmp_path / "all/parents/runs/b/c/it.txt").read_text()
