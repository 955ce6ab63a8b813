"""`fp show`: a past result in full, and which run made a file."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from fusionpipe.build.archive import open_archive
from fusionpipe.build.refs import resolve
from fusionpipe.testing import Project


@pytest.fixture
def built(project: Project) -> Project:
    project.node("load", "echo reading; echo 1 > ../data/x")
    toml = (
        'parents = ["load"]\nenv = ["MODE"]\n[params]\nrate = 0.5\n[params.deep]\nday = 2026-11-01'
    )
    project.node("clean", "cat ../parents/load/x ../parents/load/x > ../data/y; mkdir ../data/sub; echo z > ../data/sub/z", toml=toml)  # fmt: skip
    project.call("build")
    return project


def sections(text: str) -> dict[str, list[str]]:
    """The lines below each headline, without their indent."""
    found: dict[str, list[str]] = {}
    for block in text.strip().split("\n\n"):
        head, *lines = block.splitlines()
        found[head.split("  ")[0]] = [line.removeprefix("  ") for line in lines]
    return found


def test_a_result_is_shown_with_all_that_made_it(built: Project) -> None:
    told = built.call("show", "clean")
    assert (0, "") == (told.code, told.err)
    parts = sections(told.out)
    assert ["clean", "data", "code", "parameters", "parents", "environment"] == list(parts)
    names = [line.split("  ")[0].strip() for line in parts["clean"]]
    assert ["made", "took", "because", "build", "command", "key", "record"] == names
    assert [["sub/z", "2 B"], ["y", "4 B"]] == [line.split(maxsplit=1) for line in parts["data"]]
    assert ["rate      0.5", 'deep.day  "2026-11-01"'] == sorted(parts["parameters"], reverse=True)
    assert parts["parents"][0].startswith("load  ")
    assert ": load, just now" in parts["parents"][0]
    assert "MODE    (unset)" in parts["environment"]


def test_the_end_of_the_log_is_shown_and_all_of_it_when_asked(built: Project) -> None:
    assert ["reading"] == sections(built.call("show", "load").out)["log"]
    whole = built.call("show", "load", "--log").out
    assert whole == built.call("logs", "load").out
    assert "# exit 0" in whole


def test_the_code_is_what_ran_not_what_is_there_now(built: Project) -> None:
    built.write("load/code/main.sh", "echo other").write("load/code/more.sh", "echo more\n")
    assert "echo reading; echo 1 > ../data/x\n" == built.call("show", "load", "--code").out
    built.write("load/code/main.sh", "echo 1 > ../data/x\n").call("build")
    told = built.call("show", "load", "--code").out
    assert "==> main.sh <==\necho 1 > ../data/x\n==> more.sh <==\necho more\n" == told
    assert "echo reading" in built.call("show", "load@{1}", "--code").out


def test_the_pre_image_of_the_key_is_shown_whole(built: Project) -> None:
    manifest = json.loads(built.call("show", "clean", "--key").out)
    assert (0.5, {"MODE": None}) == (manifest["params"]["rate"], manifest["env"])


def test_many_files_are_counted_and_listed_only_when_asked(project: Project) -> None:
    project.node("load", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo $i > ../data/f$i; done")
    project.call("build")
    assert "\n  … 3 more; --files lists all\n" in project.call("show", "load").out
    told = sections(project.call("show", "load", "--files").out)
    assert (13, 1) == (len(told["data"]), len(told["code"]))


def test_a_result_is_one_object_for_programs(built: Project) -> None:
    (told,) = built.call("show", "clean", "--json").events
    assert ("clean", ["clean"], "realisation") == tuple(told[name] for name in ("node", "linked", "standing"))  # fmt: skip
    assert {"data": 6, "code": told["sizes"]["code"]} == told["sizes"]  # type: ignore[index, call-overload]
    assert "files" not in told
    (told,) = built.call("show", "clean", "--json", "--files").events
    files = told["files"]["data"]  # type: ignore[index, call-overload]
    assert [("sub/z", 2), ("y", 4)] == [(file["path"], file["size"]) for file in files]


def test_a_parent_that_is_a_source_is_said_to_be_none_of_ours(project: Project) -> None:
    project.write("raw/node.toml", "source = true").write("raw/data/x", "1")
    project.node("load", "cp ../parents/raw/x ../data", parents=["raw"]).call("build")
    assert "the source raw" in project.call("show", "load").out
    project.write("raw/data/x", "changed").call("build")
    assert "of a source as it was then" in project.call("show", "load@{1}").out


def test_the_list_of_files_begins_with_its_first_line(built: Project) -> None:
    assert built.call("show", "clean", "--files").out.startswith("data  2 files, ")


def test_what_excludes_one_another_is_refused(built: Project) -> None:
    assert 2 == built.call("show", "load", "--log", "--code").code


def test_a_note_says_what_else_was_meant(built: Project) -> None:
    built.call("pin", "clean", "beside")
    built.node("beside").call("build")
    assert "fp: beside is a pin too: the node is meant\n" == built.call("show", "beside").err


def test_a_past_result_is_shown_whatever_is_wrong_with_the_nodes(built: Project) -> None:
    built.write("clean/node.toml", "nonsense = true").write("load/node.toml", "[")
    for words in (["show", "clean"], ["show", "clean/data/y"], ["pin", "clean", "kept"], ["pins"], ["unpin", "kept"]):  # fmt: skip
        assert 0 == built.call(*words).code, words


def test_a_result_whose_bytes_are_gone_still_tells_what_was(built: Project) -> None:
    with open_archive(built.root, built.environment) as archive:
        record = resolve(archive, "clean").full.record
    store = built.root / ".fusionpipe/store"
    place = store / "actions" / record.key[:2] / record.key
    place.rename(f"{place}.{record.id}.gone")
    shutil.rmtree(store / "index")
    for ref in ("clean", record.id[:12], record.slots["data"][:12]):
        told = built.call("show", ref)
        assert 0 == told.code, told.err
        assert f"  bytes gone; fp reproduce --deep {record.id[:12]} makes them again\n" in told.out
        assert "rate      0.5" in told.out
    assert "        bytes gone; " in built.call("history", "clean").out
    for words in (["pin", "clean", "kept"], ["export", "clean", "../x"]):
        refused = built.call(*words)
        assert (2, "") == (refused.code, refused.out), words
        assert f"the bytes of {record.id[:12]} (clean) are gone" in refused.err
        assert f"fp reproduce --deep {record.id[:12]} makes them again" in refused.err


# -- by content ------------------------------------------------------------------------------
def holder(project: Project, path: str, at: str = "") -> str:
    """The first line: what a file is said to be."""
    told = project.call("show", path, at=at)
    assert 0 == told.code, told.err
    return told.plain.splitlines()[0]


def test_a_file_tells_which_run_made_it_wherever_it_lies(built: Project) -> None:
    shutil.copytree(built.root / "clean/data", built.root / "elsewhere")
    for path in ("clean/data/y", "elsewhere/y"):
        assert f"{path} is data/y of <hash>, shown below" == holder(built, path)
        assert "clean  " in built.call("show", path).out.splitlines()[2]
    assert "y is data/y of <hash>, shown below" == holder(built, "y", at="elsewhere")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("clean/data", "data"),
        ("elsewhere", "data"),
        ("elsewhere/sub", "data/sub"),
        ("load/logs.txt", "logs.txt"),
        ("load/code/main.sh", "code/main.sh"),
    ],
)
def test_directories_logs_and_code_are_found_too(built: Project, path: str, expected: str) -> None:
    shutil.copytree(built.root / "clean/data", built.root / "elsewhere")
    assert f"{path} is {expected} of <hash>, shown below" == holder(built, path)


def test_of_equal_files_the_one_asked_for_is_shown_and_the_others_named(built: Project) -> None:
    for node in ("a", "b", "c"):
        built.node(node, f"echo same > ../data/{node}")
    built.call("build")
    told = built.call("show", "b/data/b").plain.splitlines()
    assert "b/data/b is data/b of <hash>, shown below" == told[0]
    assert ["  and data/a of <hash>: a, just now", "  and data/c of <hash>: c, just now"] == told[
        1:3
    ]
    (events,) = built.call("show", "b/data/b", "--json").events
    assert ["data/b", "data/a", "data/c"] == [one["at"] for one in events["held"]]  # type: ignore[index, union-attr, call-overload]


def test_a_large_directory_is_found_whose_encoding_is_no_part_of_the_record(
    project: Project,
) -> None:
    project.node("load", "i=0; while [ $i -lt 400 ]; do echo $i > ../data/a-file-with-a-long-name-$i; i=$((i+1)); done")  # fmt: skip
    project.call("build")
    shutil.copy(project.root / "load/data/a-file-with-a-long-name-77", project.root / "copy")
    assert "copy is data/a-file-with-a-long-name-77 of <hash>, shown below" == holder(project, "copy")  # fmt: skip


@pytest.mark.parametrize("path", ["other", "dangling", "pipe"])
def test_what_no_result_holds_is_told(built: Project, path: str) -> None:
    built.write("other", "changed\n")
    (built.root / "dangling").symlink_to("nowhere")
    os.mkfifo(built.root / "pipe")
    told = built.call("show", path)
    assert 2 == told.code
    assert path in told.err


def test_a_node_a_pin_and_a_hash_win_over_a_file_of_their_name(built: Project) -> None:
    built.call("pin", "load", "kept")
    built.write("kept", "1\n")
    assert "load  " in built.call("show", "kept").out.splitlines()[0]
    assert "load  " in built.call("show", "load").out.splitlines()[0]


# -- pins ------------------------------------------------------------------------------------
def test_pins_are_listed_with_who_and_what_for(built: Project) -> None:
    assert "nothing is pinned: fp pin REF NAME\n" == built.call("pins").out
    assert "pinned <hash> of clean as paper\n" == built.call("pin", "clean", "paper", "-m", "table 2").plain  # fmt: skip
    assert "paper  <hash>  clean  by root, just now  table 2\n" == built.call("pins").plain.replace("by someone", "by root")  # fmt: skip
    (event,) = built.call("pins", "--json").events
    assert ("paper", "clean", "table 2") == (event["name"], event["node"], event["note"])
    assert "  pinned as paper: table 2\n" in built.call("show", "clean").out
    assert "        pinned as paper: table 2\n" in built.call("history", "clean").out
    assert "unpinned paper: it was <hash>, of clean\n" == built.call("unpin", "paper").plain
    assert 2 == built.call("unpin", "paper").code


def test_a_pin_is_moved_by_force_and_says_from_where(built: Project) -> None:
    built.call("pin", "clean", "paper")
    refused = built.call("pin", "load", "paper")
    assert 2 == refused.code
    assert "paper is pinned already" in refused.err
    assert "pinned <hash> of load as paper (it was <hash>, of clean)\n" == built.call("pin", "-f", "load", "paper").plain  # fmt: skip
    assert 2 == built.call("pin", "load", "no/name").code


def test_a_node_without_a_result_is_meant_not_its_directory(built: Project) -> None:
    """As in a fresh clone: its directory lies there, and no build was."""
    built.node("fresh", "echo 1 > ../data/x")
    told = built.call("show", "fresh")
    assert (2, "fp: fresh has no result yet\n  fp build fresh\n") == (told.code, told.err)


def test_an_empty_word_is_not_the_project_s_directory(built: Project) -> None:
    told = built.call("show", "")
    assert 2 == told.code
    assert told.err.startswith("fp: nothing is called '': no node, pin or stored result\n")


def test_a_node_that_was_renamed_shows_nothing_any_more(built: Project) -> None:
    id = str(built.call("show", "clean", "--json").events[0]["record"])
    (built.root / "clean").rename(built.root / "tidy")
    built.call("build")
    assert "linked now" not in built.call("history", "clean").out
    assert built.call("show", "clean").out.startswith(f"clean  {id[:12]}  linked now in tidy\n")
    assert built.call("show", id[:12]).out.startswith(f"tidy  {id[:12]}  linked now\n")
