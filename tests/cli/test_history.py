"""`fp history`: the builds, one build, the results of a node."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fusionpipe.build.archive import open_archive
from fusionpipe.build.repute import Reputes
from fusionpipe.history import builds
from fusionpipe.testing import Project
from fusionstore.contract import Root


@pytest.fixture
def built(project: Project) -> Project:
    project.node("load", "echo 1 > ../data/x").node("clean", "cat ../parents/load/x > ../data/y", parents=["load"])  # fmt: skip
    project.call("build")
    project.call("build", "-j2")
    project.call("build")
    project.node("load", "echo 2 > ../data/x").call("build", "-k")
    project.node("clean", "exit 3", parents=["load"]).call("build")
    toml = 'parents = ["load"]\n[params]\nrate = 0.5'
    project.node("clean", "cat ../parents/load/x > ../data/y", toml=toml).call("build")
    return project


def test_builds_are_listed_latest_first_and_idle_ones_are_gathered(built: Project) -> None:
    lines = [line.split("  ") for line in built.call("history").plain.splitlines()]
    told = [[cell.strip() for cell in line[1:] if cell.strip()] for line in lines]
    assert [
        ["just now", "1 ran", "<time>"],
        ["just now", "1 failed", "<time>"],
        ["just now", "2 ran", "<time>", "-k"],
        ["just now", "nothing to do, 2 times"],
        ["just now", "2 ran", "<time>"],
    ] == told


def test_of_many_builds_only_some_are_listed(built: Project) -> None:
    assert 2 == len(built.call("history", "-n", "2").out.splitlines())
    assert 5 == len(built.call("history", "-n", "0").out.splitlines())
    assert 5 == len(built.call("history", "--since", "1h").out.splitlines())
    _move_back(built, 2 * 86400)
    assert "" == built.call("history", "--since", "yesterday", "--json").out
    assert "nothing was built" not in built.call("history", "--since", "3 days ago").out


def _move_back(project: Project, seconds: float) -> None:
    journal = project.root / ".fusionpipe/builds.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    told = (json.dumps(line | {"started": line["started"] - seconds}) for line in lines)
    journal.write_text("".join(f"{line}\n" for line in told))


def test_a_build_tells_who_made_it_and_what_it_did(built: Project) -> None:
    failed = next(one for one in builds(built.root) if one.counts["failed"])
    others = [one.build for one in builds(built.root) if one.build != failed.build]
    starts = (failed.build[:length] for length in range(1, len(failed.build) + 1))
    start = next(start for start in starts if not any(other.startswith(start) for other in others))
    told = built.call("history", start).plain
    assert "build <build>\n  1 failed, 1 kept in <time>, just now\n" in told
    assert f"  by {failed.user} on {failed.host}\n" in told
    assert "  fp build\n" in told
    assert "failed    clean  exited with 3\n" in told


def test_a_nodes_results_are_listed_with_what_changed(built: Project) -> None:
    told = built.call("history", "clean").plain
    assert "@{0}    <hash>  just now        ran, <time>  linked now\n" in told
    assert "linked now\n        param rate: (none) → 0.5\n" in told
    assert "        failed  just now: exited with 3\n" in told
    assert "        load produced other data\n" in told
    assert told.endswith("        the first that is known\n")
    assert 1 == told.count("linked now")


def test_a_nodes_history_is_objects_for_programs(built: Project) -> None:
    events = built.call("history", "clean", "--json").events
    assert ["clean@{0}", None, "clean@{1}", "clean@{2}"] == [one["ref"] for one in events]
    changes = events[0]["changes"]
    assert [("param", "param rate", None, 0.5)] == [
        (one["field"], one["name"], one["old"], one["new"])
        for one in changes  # type: ignore[index, union-attr, call-overload]
    ]
    assert ("realisation", False, []) == tuple(events[0][name] for name in ("standing", "bytes_gone", "pins"))  # fmt: skip


def test_builds_are_objects_for_programs(built: Project) -> None:
    latest, *_, first = built.call("history", "--json").events
    assert {"ran": 1, "kept": 1, "restored": 0, "failed": 0, "skipped": 0} == latest["counts"]
    assert ["clean"] == [one["node"] for one in latest["nodes"]]  # type: ignore[index, union-attr, call-overload]
    assert ["fp", "build"] == first["command"]


def test_what_was_found_when_a_result_was_run_again_is_told(built: Project) -> None:
    with open_archive(built.root, built.environment) as archive:
        record = archive.state.record(archive.state.names[0])
        node = archive.state.names[0]
        for number, is_identical in enumerate((True, False, True)):
            body = {"record": record, "is_identical": is_identical, "made": 1e9 + number, "user": "ada", "host": "lab"}  # fmt: skip
            archive.store.write_root(Root(f"verdict-{record}-{number}", body=dict(body)))
        full = archive.store.read_record(record)  # type: ignore[arg-type]
        assert [True, False, True] == [
            one.is_identical for one in Reputes(archive).of(full).verdicts
        ]
    told = built.call("history", node).out
    assert "        reproduced twice by ada on lab, " in told
    assert "        run again with other bytes by ada on lab, " in told


def test_a_history_needs_no_valid_node(built: Project) -> None:
    built.write("clean/node.toml", "nonsense = true")
    assert "param rate" in built.call("history", "clean").out
    assert 0 == built.call("history").code


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["claen"], 'no node is called claen\n  did you mean "clean"?'),
        (["2026"], "2026 begins 6 builds: "),
        (["--since", "soon"], "--since soon: that is no time\n  as in: 2026-11-01, "),
    ],
)
def test_what_is_not_understood_is_explained(built: Project, words: list[str], told: str) -> None:
    _move_to_2026(built)
    result = built.call("history", *words)
    assert 2 == result.code
    assert told in result.err


def _move_to_2026(project: Project) -> None:
    """The year this test is run in is another's."""
    journal = project.root / ".fusionpipe/builds.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    told = (json.dumps(line | {"build": f"2026{line['build'][4:]}"}) for line in lines)
    journal.write_text("".join(f"{line}\n" for line in told))


def test_a_node_without_a_past_says_so(project: Project) -> None:
    told = project.node("load").call("history", "load").out
    assert "load\n  nothing ran or was restored: fp build load\n" == told
    assert "nothing was built here yet: fp build\n" == project.call("history").out


def test_nothing_to_list_is_told_for_what_it_is(project: Project) -> None:
    project.write("raw/data/x", "1").write("raw/node.toml", "source = true\n").node("load")
    project.call("build")
    a_source = "a source: its data are its own, nothing made them"
    assert f"raw\n  {a_source}\n" == project.call("history", "raw").plain
    for ref in ("raw", "raw@{1}", "raw@{yesterday}"):
        assert f"fp: raw is {a_source}\n" == project.call("show", ref).err
    _move_back(project, 2 * 86400)
    told = project.call("history", "load", "--since", "1h").plain
    assert "load\n  nothing ran or was restored since then\n" == told
    told = project.call("history", "--since", "1h").plain
    assert "nothing was built since then\n" == told


def test_the_first_of_ten_thousand_builds_are_read_without_the_others(project: Project) -> None:
    journal = project.root / ".fusionpipe/builds.jsonl"
    journal.parent.mkdir(exist_ok=True)
    with journal.open("w") as file:
        for number in range(10_000):
            file.write(f'{{"build": "{number:08}-000000-0000", "started": {number}, "ran": 1}}\n')
    lines = builds(project.root)
    assert "00009999-000000-0000" == next(lines).build
    assert 20 == len(project.call("history").out.splitlines())
    assert _bytes_read(journal) < 1 << 17


def _bytes_read(journal: Path) -> int:
    """What the first twenty lines cost: whole pieces from the end."""
    lines = builds(journal.parent.parent)
    before = _read_so_far()
    for _ in range(20):
        next(lines)
    return _read_so_far() - before


def _read_so_far() -> int:
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


def test_a_node_that_was_renamed_says_what_it_was_called(project: Project) -> None:
    project.node("old", "echo 1 > ../data/x").call("build")
    project.node("old", "echo 2 > ../data/x").call("build")
    (project.root / "old").rename(project.root / "new")
    assert {"new": "restored"} == project.outcomes()
    assert project.call("history", "new").out.endswith("\nearlier as old: fp history old\n")
    (event,) = project.call("history", "new", "--json").events
    assert ("new", "old") == (event["node"], event["made_as"])
    shutil.rmtree(project.root / ".fusionpipe/state")  # the journal still knows
    before = project.call("history", "old").out
    assert (2, False) == (before.count("@{"), "earlier as" in before)
    project.node(
        "old", "echo 2 > ../data/x"
    )  # a node of that name is there again: new is a copy of it
    assert "earlier as" not in project.call("history", "new").out
