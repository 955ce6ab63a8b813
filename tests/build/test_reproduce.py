"""`fp reproduce`: the recorded action run again, from its record alone, and what is made of the outcome."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.build.archive import open_archive
from fusionpipe.build.refs import resolve
from fusionpipe.build.reproduce import differing_in
from fusionpipe.build.verdicts import Verdict, verdicts_of
from fusionpipe.testing import Hall, Project, Result
from fusionstore.contract import Standing
from fusionstore.digest import digest_bytes
from fusionstore.tree import Entry, Kind, build

Make = Callable[[str, Mapping[str, str]], Project]

EVERYTHING = """
cat main.sh part/more.sh ../params.json ../inputs/one ../inputs/many/* ../libs/lib.txt > ../data/read
cat ../parents/plain/it.txt ../parents/group/m/it.txt ../parents/group/n/it.txt >> ../data/read
echo "$SHOWN/${UNSET-unset}/$FP_SEED/$FP_NODE/$PASSED/$TOKEN" >> ../data/read
echo figure > ../reports/figure
"""


def record_of(project: Project, ref: str) -> str:
    with open_archive(project.root, project.environment) as archive:
        return resolve(archive, ref).id


def verdicts(project: Project, ref: str) -> list[Verdict]:
    with open_archive(project.root, project.environment) as archive:
        return list(verdicts_of(archive.store, resolve(archive, ref).id))


def told(result: Result) -> dict[str, dict[str, object]]:
    """What --json told, by node."""
    return {str(line["node"]): line for line in result.events if line["event"] == "reproduced"}


def lose_bytes(project: Project, *nodes: str) -> None:
    """Takes the stored bytes of nodes' data away."""
    store = project.root / ".fusionpipe" / "store"
    for node in nodes:
        tree = (project.root / node / "data").resolve()
        for path in tree.rglob("*"):
            if path.is_file():
                digest = digest_bytes(path.read_bytes())
                (store / "objects" / digest[:2] / digest).unlink(missing_ok=True)
        shutil.rmtree(tree)


@pytest.fixture
def changing(project: Project, hall: Hall) -> Project:
    """A node whose result differs at every run."""
    project.node("it", hall.note("it") + 'wc -l < "$HALL/runs" > ../data/value', toml=hall.toml)
    assert 0 == project.call("build").code
    return project


def test_everything_that_reached_the_code_reaches_it_again(project: Project) -> None:
    project.environment |= {"SHOWN": "shown", "PASSED": "passed", "TOKEN": ""}
    project.node("plain").node("group/m").node("group/n")
    project.node(
        "it",
        EVERYTHING,
        toml="""parents = { plain = "plain", group = "group" }
libs = ["lib.txt"]
env = ["SHOWN", "UNSET"]
pass = ["PASSED"]
secrets = ["TOKEN"]
named = true
seed = 11
inputs = { one = "one.txt", many = "many/*.txt" }
params = { rate = 0.1, day = 2026-11-20 }
""",
    )
    names = ("it/lib.txt", "it/one.txt", "it/many/a.txt", "it/many/b.txt", "it/code/part/more.sh")
    for name in names:
        project.write(name, f"{name}\n")
    assert 0 == project.call("build").code
    id = record_of(project, "it")
    for name in names:
        project.write(name, "other\n")
    for name in ("plain", "group/m", "group/n"):
        project.node(name, "echo other > ../data/it.txt")
    project.write("it/node.toml", 'pass = ["PASSED"]\nsecrets = ["TOKEN"]\n')
    project.node("it", "echo other > ../data/other")
    project.environment |= {"SHOWN": "other", "UNSET": "set"}
    assert 0 == project.call("build").code
    done = project.call("reproduce", id)
    assert (0, "identical") == (done.code, done.out.split()[0]), done.out


def test_a_result_before_ten_edits_comes_back_in_a_clone_that_shares_only_the_store(
    tmp_path: Path, make_project: Make
) -> None:
    shared = {"FUSIONPIPE_STORE": str(tmp_path / "store")}
    here = make_project("here", shared)
    here.write("raw/node.toml", "source = true\n").write("raw/data/x", "7\n")
    here.node("a", "cat ../parents/raw/x ../params.json > ../data/a", parents=["raw"])
    here.node("b", "sort ../parents/a/a > ../data/b; echo 0 >> ../data/b", parents=["a"])
    assert 0 == here.call("build").code
    first, was = record_of(here, "b"), here.data("b")
    for edit in range(10):
        here.write("a/node.toml", f'parents = ["raw"]\n[params]\nedit = {edit}\n')
        here.node("b", f"echo {edit} > ../data/b; cat ../parents/a/a >> ../data/b", parents=["a"])
        assert 0 == here.call("build").code
    there = make_project("there", shared)
    for path in ("raw", "a/code", "a/node.toml", "b/code", "b/node.toml"):
        copied = there.root / path
        copied.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (here.root / path).is_dir() else shutil.copy)(here.root / path, copied)
    shutil.rmtree(here.root)
    assert 0 == there.call("checkout", first, "before").code
    assert was == {"b": (there.root / "before" / "b").read_text()}
    assert 0 == there.call("reproduce", first).code
    deep = there.call("reproduce", first, "--deep", "--json")
    assert (0, ["a", "b"]) == (deep.code, list(told(deep)))


def test_a_difference_is_told_file_by_file_kept_and_changes_nothing_of_the_project(
    changing: Project,
) -> None:
    id, was = record_of(changing, "it"), changing.data("it")
    done = changing.call("reproduce", "it", "--json")
    line = told(done)["it"]
    assert (1, "different") == (done.code, line["outcome"])
    assert [{"path": "data/value", "change": "changed", "old": 2, "new": 2}] == line["files"]
    assert was == changing.data("it")
    assert {"it": "kept"} == changing.outcomes()
    with open_archive(changing.root, changing.environment) as archive:
        other = resolve(archive, str(line["other"])).full
        assert (Standing.DISAGREES, id) == (other.record.standing, other.body["reproduces"])
        assert "2\n" == (archive.store.check(other.record.slots["data"]) / "value").read_text()


def test_the_verdicts_outlive_the_index_and_name_who_when_and_what(changing: Project) -> None:
    for _ in range(2):
        assert 1 == changing.call("reproduce", "it").code
    shutil.rmtree(changing.root / ".fusionpipe" / "store" / "index")
    late, early = verdicts(changing, "it")
    assert late.made > early.made
    assert late.other != early.other
    assert (False, "fp reproduce", os.uname().nodename) == (late.is_identical, late.by, late.host)
    assert {"data"} == late.slots.keys()


def test_a_result_whose_bytes_are_gone_is_stored_again(project: Project) -> None:
    project.node("a", "echo one > ../data/x").node(
        "b", "cp ../parents/a/x ../data/y", parents=["a"]
    )
    assert 0 == project.call("build").code
    id, was = record_of(project, "b"), project.data("b")
    lose_bytes(project, "b")
    done = project.call("reproduce", id, "--json")
    assert (0, True) == (done.code, told(done)["b"]["brought_back"])
    assert 0 == project.call("checkout", id, "back").code
    assert was["y"] == (project.root / "back" / "y").read_text()


def test_parents_whose_bytes_are_gone_need_the_ancestry(project: Project) -> None:
    project.write("raw/node.toml", "source = true\n").write("raw/data/x", "7\n")
    project.node("a", "cat ../parents/raw/x > ../data/a; echo a >> ../data/a", parents=["raw"])
    project.node("b", "cat ../parents/a/a > ../data/b; echo b >> ../data/b", parents=["a"])
    project.node("c", "cat ../parents/b/b > ../data/c; echo c >> ../data/c", parents=["b"])
    assert 0 == project.call("build").code
    lose_bytes(project, "a", "b", "c")
    refused = project.call("reproduce", "c")
    assert 1 == refused.code
    assert "--deep" in refused.out
    done = project.call("reproduce", "c", "--deep", "--json")
    assert (0, ["a", "b", "c"]) == (done.code, list(told(done)))
    assert {"identical"} == {line["outcome"] for line in told(done).values()}


def test_a_node_that_copies_its_parent_is_not_taken_for_its_own_ancestor(project: Project) -> None:
    project.node("a", "echo one > ../data/x")
    for name, parent in (("b", "a"), ("c", "b")):
        project.node(name, f"cp ../parents/{parent}/x ../data/", parents=[parent])
    assert 0 == project.call("build").code
    done = project.call("reproduce", "c", "--deep", "--json")
    assert 0 == done.code
    assert "c" == list(told(done))[-1]


def test_a_source_must_hold_what_it_held(project: Project) -> None:
    project.write("raw/node.toml", "source = true\n").write("raw/data/x", "7\n")
    project.node("a", "cat ../parents/raw/x > ../data/a", parents=["raw"])
    assert 0 == project.call("build").code
    project.write("raw/data/x", "8\n")
    refused = project.call("reproduce", "a")
    assert 1 == refused.code
    assert "that source must hold what it held" in refused.out
    assert [] == verdicts(project, "a")
    (project.root / "raw").rename(project.root / "moved")
    project.write("moved/data/x", "7\n").write("a/node.toml", "")
    assert 0 == project.call("reproduce", "a").code


def test_a_source_is_found_though_the_projects_files_are_broken(project: Project) -> None:
    project.write("raw/node.toml", "source = true\n").write("raw/data/x", "7\n")
    project.node("a", "cat ../parents/raw/x > ../data/a", parents=["raw"])
    assert 0 == project.call("build").code
    project.write("raw/node.toml", "this is = = not toml")
    assert 0 == project.call("reproduce", "a").code


def test_another_version_of_the_tool_is_refused_unless_it_may_be_any(project: Project) -> None:
    old = project.root / "old"
    project.write("old/bash", '#!/bin/sh\n[ "$1" = --version ] && echo "version 0.9" && exit\n')
    with open(old / "bash", "a", encoding="utf-8") as script:
        script.write('exec /bin/bash "$@"\n')
    (old / "bash").chmod(0o755)
    project.node("a", "#!/bin/bash\necho one > ../data/x")
    path = project.environment["PATH"]
    project.environment["PATH"] = f"{old}:{path}"
    assert 0 == project.call("build").code
    id = record_of(project, "a")
    project.environment["PATH"] = path
    refused = project.call("reproduce", id)
    assert 1 == refused.code
    assert "--any-tool" in refused.out
    done = project.call("reproduce", id, "--any-tool", "--json")
    (changed,) = told(done)["a"]["surroundings"]  # type: ignore[misc]
    assert (0, True) == (done.code, changed.startswith("bash 0.9 → "))
    assert (changed,) == verdicts(project, id)[0].surroundings
    assert {"a": "restored"} == project.outcomes()  # what ran now is a result of its own key


def test_a_failing_run_shows_the_end_of_its_log_and_is_no_verdict(project: Project) -> None:
    project.node(
        "a", 'test "$GOES" = well || { echo "it went badly"; exit 3; }; echo 1 > ../data/x'
    )
    project.write("a/node.toml", 'pass = ["GOES"]\n')
    assert 0 == project.call("build", environment={"GOES": "well"}).code
    done = project.call("reproduce", "a")
    assert 1 == done.code
    assert "exited with 3" in done.out
    assert "it went badly" in done.out
    assert [] == verdicts(project, "a")


def test_a_node_that_is_gone_or_broken_is_reproduced_with_a_word_of_caution(
    project: Project,
) -> None:
    project.node("a", "echo one > ../data/x").node("b")
    assert 0 == project.call("build").code
    id = record_of(project, "a")
    project.write("b/node.toml", "this is = = not toml")
    done = project.call("reproduce", id)
    assert (0, False) == (
        done.code,
        "variables" in done.out,
    )  # its own file says that it is passed none
    project.write("a/node.toml", 'pass = ["GOES"]')
    told = project.call("reproduce", id).out
    assert "the project cannot be read (b/node.toml: is not valid TOML" in told
    assert "variables that it was passed" in told
    (project.root / "b" / "node.toml").unlink()
    shutil.rmtree(project.root / "a")
    assert "a is not in this project as it is now: variables" in project.call("reproduce", id).out
    assert not (project.root / "a").exists()


def test_a_run_that_writes_into_its_parents_data_is_void_and_they_are_mended(
    project: Project, hall: Hall
) -> None:
    project.node("a", "echo one > ../data/x")
    scribble = "chmod u+w ../parents/a/x; echo bad > ../parents/a/x"
    code = f'if [ -e "$HALL/bad" ]; then {scribble}; fi; echo two > ../data/y'
    project.node("b", code, parents=["a"], toml=hall.toml)
    assert 0 == project.call("build").code
    (hall.place / "bad").touch()
    done = project.call("reproduce", "b")
    assert 1 == done.code
    assert "this run is void" in done.out
    assert [] == verdicts(project, "b")
    (hall.place / "bad").unlink()
    project.call("build")
    assert {"x": "one\n"} == project.data("a")


def test_an_interrupted_run_is_killed_and_nothing_is_published(
    project: Project, hall: Hall
) -> None:
    wait = f'if [ -e "$HALL/wait" ]; then {hall.meet()} fi\n'
    project.node("a", wait + "echo one > ../data/x", toml=hall.toml)
    assert 0 == project.call("build").code
    (hall.place / "wait").touch()
    running = project.start("reproduce", "a")
    hall.await_it()
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert (130, "") == (running.returncode, out)
    assert [] == verdicts(project, "a")


def test_one_that_was_killed_leaves_nothing_that_disturbs(project: Project, hall: Hall) -> None:
    wait = f'if [ -e "$HALL/wait" ]; then {hall.meet()} fi\n'
    project.node(
        "a", f'{wait}echo "${{FP_RUN%%-*}}" >> "$HALL/pid"; echo one > ../data/x', toml=hall.toml
    )
    assert 0 == project.call("build").code
    (hall.place / "wait").touch()
    running = project.start("reproduce", "a")
    hall.await_it()
    running.kill()
    running.communicate(timeout=60)
    (hall.place / "wait").unlink()
    assert [] == verdicts(project, "a")
    assert {"a": "ran"} == project.outcomes("-f", "a")
    assert 0 == project.call("reproduce", "a").code
    assert 3 == len(
        (hall.place / "pid").read_text().splitlines()
    )  # the killed one's run never went on


def test_why_tells_the_latest_verdict(changing: Project) -> None:
    for _ in range(2):
        changing.call("reproduce", "it")
    assert "NOT reproduced: other bytes by" in changing.call("why", "it").out
    assert "(2 times run again)" in changing.call("why", "it").out


def test_of_many_only_those_that_differ_are_told(project: Project) -> None:
    for number in range(41):
        project.node(f"n{number}")
    out = project.call("build", "--check-reproducible").out
    assert out.endswith("41 identical\n")
    assert "identical  n" not in out
    assert "" == project.call("build", "--check-reproducible", "-q").out


def test_a_build_may_check_what_it_makes(changing: Project) -> None:
    changing.node("good", "echo one > ../data/x").node("child", parents=["good"])
    changing.node("volatile", "date +%N > ../data/x", toml="cache = false\n")
    done = changing.call("build", "--check-reproducible", "--json")
    outcomes = {node: line["outcome"] for node, line in told(done).items()}
    assert (1, {"it": "different", "good": "identical", "child": "identical"}) == (
        done.code,
        outcomes,
    )
    assert "fp build --check-reproducible" == verdicts(changing, "good")[0].by
    named = changing.call("build", "child", "--check-reproducible", "--json")
    assert (0, ["child"]) == (named.code, list(told(named)))
    changing.node("good", "echo two > ../data/x")
    ran = changing.call("build", "child", "--check-reproducible", "--json")
    assert (0, ["good", "child"]) == (ran.code, list(told(ran)))
    quiet = changing.call("build", "--check-reproducible", "-q")
    assert "identical  " not in quiet.out
    assert "different" in quiet.out


def test_the_words_of_a_person(changing: Project) -> None:
    changing.node("good", "echo one > ../data/x")
    changing.call("build")
    plain = changing.call("build", "--check-reproducible").plain
    assert "identical  good  <hash>  <time>" in plain
    assert (
        "  changed  data/value  <size> → <size>\n  what is in them: fp diff <hash> <hash>" in plain
    )
    assert "1 identical, 1 different" in plain


def test_json_is_one_object_a_line(changing: Project) -> None:
    for line in changing.call("reproduce", "it", "--json").out.splitlines():
        assert isinstance(json.loads(line), dict)


NAMES = st.sampled_from(("a", "b", "c/d", "c/e"))
ENTRIES = st.builds(
    lambda kind, text: Entry("", kind, digest_bytes(text.encode()), len(text)),
    st.sampled_from((Kind.FILE, Kind.EXECUTABLE)),
    st.text(max_size=2),
)
TREES = st.dictionaries(NAMES, ENTRIES).map(build)


@given(TREES, TREES)
def test_files_differ_just_when_trees_do_and_the_same_both_ways(old: object, new: object) -> None:
    there, back = list(differing_in("", old, new)), list(differing_in("", new, old))  # type: ignore[arg-type]
    assert bool(there) == (old != new)
    assert [(one.path, one.new, one.old) for one in there] == [tuple(one) for one in back]
