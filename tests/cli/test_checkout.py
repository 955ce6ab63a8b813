"""`fp checkout`: a past result as plain files, all of it or nothing, never over what is the user's."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from fusionpipe.build.archive import open_archive
from fusionpipe.build.checkout import Part, checkout, refuse_without_room
from fusionpipe.build.refs import resolve
from fusionpipe.errors import UsageError
from fusionpipe.testing import Project
from fusionstore.errors import Corrupt

PARAMS = """[params]
day = 2026-11-20
at = 2026-11-20T10:00:00
text = "2026-11-20 \\"quoted\\" \\u0000"
rate = 1e-7
flag = true
"odd key" = [1, 2.0, "x"]
[params.deep]
below = {a = 1}
"""


@pytest.fixture
def built(project: Project) -> Project:
    project.node("a", "echo one > ../data/it.txt; mkdir ../data/sub; cp main.sh ../data/sub/run")
    project.node(
        "b",
        "cat ../parents/a/it.txt ../inputs/note > ../data/out; cp ../libs/lib.txt ../reports; echo said",
        parents=["a"],
        toml='libs = ["lib.txt"]\n[inputs]\nnote = "../note"\n',
    )
    project.write("note", "a note\n").write("b/lib.txt", "lib\n")
    assert 0 == project.call("build").code
    return project


def files_of(top: Path) -> dict[str, str]:
    return {
        str(path.relative_to(top)): path.read_text()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def record_of(project: Project, node: str) -> str:
    with open_archive(project.root, project.environment) as archive:
        return resolve(archive, node).id


def test_the_data_are_laid_out_as_writable_files_named_by_node_and_hash(built: Project) -> None:
    id = record_of(built, "a")
    done = built.call("checkout", "a")
    place = built.root / f"a-{id[:8]}"
    assert (0, built.data("a")) == (done.code, files_of(place))
    assert not place.is_symlink()
    for path in place.rglob("*"):
        assert path.stat().st_mode & 0o200, path
    (place / "it.txt").write_text("mine now\n")
    assert "one\n" == built.data("a")["it.txt"]


def test_an_earlier_result_is_found_by_hash_though_the_nodes_are_broken(built: Project) -> None:
    id = record_of(built, "a")
    built.node("a", "echo two > ../data/it.txt")
    assert 0 == built.call("build").code
    built.write("a/node.toml", "this is = = not toml")
    assert 0 == built.call("checkout", id[:10], "before").code
    assert "one\n" == files_of(built.root / "before")["it.txt"]


def test_what_is_there_is_not_overwritten(built: Project) -> None:
    built.write("mine/file", "mine\n")
    refused = built.call("checkout", "a", "mine")
    assert 2 == refused.code
    assert "--force" in refused.err
    assert {"file": "mine\n"} == files_of(built.root / "mine")
    (built.root / "empty").mkdir()
    assert 0 == built.call("checkout", "a", "empty").code


def test_force_moves_the_users_own_aside_and_replaces_an_unchanged_copy(built: Project) -> None:
    built.write("mine/file", "mine\n")
    done = built.call("checkout", "a", "mine", "--force")
    assert (0, built.data("a")) == (done.code, files_of(built.root / "mine"))
    assert {"file": "mine\n"} == files_of(built.root / "mine.yours")
    assert "mine.yours" in done.out
    again = built.call("checkout", "b", "mine", "--force", "--json")
    assert None is json.loads(again.out)["aside"]
    assert not (built.root / "mine.yours2").exists()
    (built.root / "mine" / "out").write_text("edited\n")
    assert 0 == built.call("checkout", "b", "mine", "--force").code
    assert {"out": "edited\n"} == files_of(built.root / "mine.yours2")


def test_force_replaces_a_plain_file_and_a_link_of_ours(built: Project) -> None:
    built.write("place", "a file of mine\n")
    assert 0 == built.call("checkout", "a", "place", "--link", "--force").code
    assert "a file of mine\n" == (built.root / "place.yours").read_text()
    assert 0 == built.call("checkout", "b", "place", "--force").code
    assert built.data("b") == files_of(built.root / "place")
    assert not (built.root / "place.yours2").exists()


def test_links_lead_into_the_store(built: Project) -> None:
    assert 0 == built.call("checkout", "a", "linked", "--link").code
    assert os.path.samefile(built.root / "linked", built.root / "a" / "data")
    assert 0 == built.call("checkout", "b", "whole", "--all", "--link").code
    assert os.path.samefile(built.root / "whole" / "data", built.root / "b" / "data")
    assert not (built.root / "whole" / "code").is_symlink()


def test_the_code_that_ran_is_laid_out_not_the_code_as_it_is_now(built: Project) -> None:
    before = files_of(built.root / "b" / "code")
    built.write("b/code/main.sh", "echo edited\n")
    assert 0 == built.call("checkout", "b", "code", "--code").code
    assert before == files_of(built.root / "code")


def test_all_is_the_node_as_it_was(built: Project) -> None:
    done = built.call("checkout", "b", "whole", "--all")
    assert 0 == done.code
    assert "it is a node of this project now" in done.out
    whole = built.root / "whole"
    files = files_of(whole)
    assert files["inputs/note"] == "a note\n"
    assert files["libs/lib.txt"] == "lib\n" == files["reports/lib.txt"]
    assert files["data/out"] == "one\na note\n"
    assert "said" in files["logs.txt"]
    assert json.loads(files["params.json"]) == {}
    assert "# parents/a was the data" in files["node.toml"]
    assert os.path.samefile(whole / "parents" / "a", built.root / "a" / "data")
    assert "echo said" in files["code/main.sh"]


def test_a_node_brought_back_has_the_key_that_it_had(project: Project) -> None:
    """What its node.toml says is all that its key held."""
    toml = (
        f'run = ["sh", "go.sh", "an arg"]\nseed = 7\nversion = "2"\nenv = ["SOME_NAME"]\n{PARAMS}'
    )
    project.node("a", "cp ../params.json ../data", toml=toml, entry="go.sh")
    project.environment["SOME_NAME"] = "some value"
    assert {"a": "ran"} == project.outcomes()
    assert 0 == project.call("checkout", "a", "again", "--all").code
    assert {"a": "kept", "again": "restored"} == project.outcomes()


def test_bytes_that_are_gone_are_told_with_the_way_to_get_them_back(built: Project) -> None:
    id = record_of(built, "a")
    for place in ("objects", "trees"):
        shutil.rmtree(built.root / ".fusionpipe" / "store" / place)
        (built.root / ".fusionpipe" / "store" / place).mkdir()
    gone = built.call("checkout", id, "place")
    assert (2, "") == (gone.code, gone.out)
    assert gone.err.startswith(f"fp: the bytes of {id[:12]} (a) are gone: its ")
    assert f"fp reproduce --deep {id[:12]} makes them again" in gone.err
    assert not (built.root / "place").exists()


def test_when_a_part_cannot_be_laid_nothing_is(built: Project) -> None:
    objects = built.root / ".fusionpipe" / "store" / "objects"
    before = sorted(os.listdir(built.root))
    for path in objects.rglob("*"):
        if path.is_file() and b"echo said" in path.read_bytes() and b"lib.txt" in path.read_bytes():
            path.unlink()
    gone = built.call("checkout", "b", "whole", "--all")
    assert (2, True) == (gone.code, "are gone: its code\n  fp verify tells what else" in gone.err)
    assert before == sorted(os.listdir(built.root))


def test_damaged_bytes_never_get_out(built: Project) -> None:
    tree = (built.root / "a" / "data").resolve()
    damaged = tree / "it.txt"
    status = damaged.stat()
    damaged.chmod(0o644)
    damaged.write_text("bad\n")
    os.utime(damaged, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    done = built.call("checkout", "a", "place")
    assert 2 == done.code
    assert not (built.root / "place").exists()


def test_a_record_from_elsewhere_cannot_lead_out_of_the_directory(built: Project) -> None:
    with open_archive(built.root, built.environment) as archive:
        found = resolve(archive, "b")
        code = found.full.keeps["code"]
        for name in ("libs/..", "inputs/../../x", "elsewhere", "libs/a/b", "/code"):
            hostile = found._replace(full=found.full._replace(keeps={name: code}))
            with pytest.raises(Corrupt):
                checkout(archive, hostile, built.root / "place", Part.ALL)
        body = {"manifest": {"parents": {"..": {"": str(code)}}}}
        hostile = found._replace(full=found.full._replace(body=body))
        with pytest.raises(Corrupt):
            checkout(archive, hostile, built.root / "place", Part.ALL)
    assert not (built.root / "place").exists()


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"only .* are free"):
        refuse_without_room(tmp_path / "not" / "there" / "yet", 1 << 62)


def test_what_the_store_does_not_hold_of_a_node_is_named(project: Project) -> None:
    project.node("raw", toml="source = true\n").write("raw/data/x", "1\n")
    (project.root / "raw" / "code" / "main.sh").unlink()
    (project.root / "raw" / "code").rmdir()
    project.node("a", "cp ../parents/raw/x ../data/y", parents=["raw"])
    assert 0 == project.call("build").code
    assert 0 == project.call("checkout", "a", "whole", "--all").code
    assert os.path.samefile(project.root / "whole/parents/raw", project.root / "raw/data")
    project.write("raw/data/x", "other\n")
    done = project.call("checkout", "a", "later", "--all", "--json")
    assert ["parents/raw"] == [text.partition(":")[0] for text in json.loads(done.out)["missing"]]
    assert not (project.root / "later" / "parents" / "raw").exists()


@pytest.mark.parametrize("place", [".", "..", ".fusionpipe", ".fusionpipe/store/trees/mine"])
def test_what_holds_the_project_or_its_store_is_never_moved_aside(
    built: Project, place: str
) -> None:
    inode = built.root.stat().st_ino
    done = built.call("checkout", "a", place, "--force")
    assert 2 == done.code
    assert "name another directory" in done.err
    assert built.root.stat().st_ino == inode
    assert 0 == built.call("show", "a").code
    assert not (built.root / ".fusionpipe/store/trees/mine").exists()


@pytest.mark.parametrize("place", ["a/code", "a/new", "b/libs/deep"])
def test_nothing_is_laid_into_a_node(built: Project, place: str) -> None:
    """L9: code is never written to, and a directory of it may well hold just what is stored."""
    before = files_of(built.root / "a/code")
    refused = built.call("checkout", "a", place, "--force")
    assert 2 == refused.code
    assert f"lies in the node {place[0]}" in refused.err
    assert before == files_of(built.root / "a/code")
    assert not (built.root / "a/new").exists()
