"""What the options of `fp build` do: targets, places, parallel slots, going on, force, quiet and loud."""

from __future__ import annotations

import pytest

from fusionpipe.testing import Project


@pytest.fixture
def groups(project: Project) -> Project:
    """raw → prep/clean → {train/a, train/b} → report, and prep/other on its own."""
    return (
        project.node("raw")
        .node("prep/clean", parents=["raw"])
        .node("prep/other")
        .node("train/a", parents=["prep/clean"])
        .node("train/b", parents=["prep/clean"])
        .node("report", parents=["train/a", "train/b"])
    )


@pytest.mark.parametrize(
    ("words", "nodes"),
    [
        (["prep/clean"], "prep/clean raw"),
        (["clean"], "prep/clean raw"),
        (["prep"], "prep/clean prep/other raw"),
        (["train/*"], "prep/clean raw train/a train/b"),
        (["**/a"], "prep/clean raw train/a"),
        (["+train/a"], "prep/clean raw train/a"),
        (["train/a+"], "prep/clean raw report train/a train/b"),
        (["raw", "prep/other"], "prep/other raw"),
    ],
)
def test_targets_choose_nodes_with_what_they_read(
    groups: Project, words: list[str], nodes: str
) -> None:
    at = "prep" if words == ["clean"] else ""
    told = groups.call("build", "-n", "--json", *words, at=at).events
    assert nodes.split() == sorted(str(row["node"]) for row in told)


def test_a_build_in_a_directory_takes_words_from_there_or_from_the_root(groups: Project) -> None:
    assert 0 == groups.call("build", "-q", "clean", at="prep").code
    assert {"it.txt": "prep/clean\n"} == groups.data("prep/clean")
    assert 0 == groups.call("build", "-q", "train/a", at="prep").code
    assert 0 == groups.call("build", "-q", ".", at="train/b/code").code
    assert {"it.txt": "train/b\n"} == groups.data("train/b")
    assert not (groups.root / "report" / "data").exists()


@pytest.mark.parametrize("words", [["-C", "{}", "build"], ["build", "-C", "{}"]])
def test_a_directory_may_be_told_before_or_after_the_command(
    project: Project, words: list[str]
) -> None:
    project.node("load").write("elsewhere/x", "")
    result = project.call(*(word.format("..") for word in words), at="elsewhere")
    assert 0 == result.code
    assert {"it.txt": "load\n"} == project.data("load")


def test_quiet_says_nothing_when_all_went_well_and_shows_failures(project: Project) -> None:
    result = project.node("load").node("bad", "echo because; exit 1").call("build", "-q", "-k")
    lines = result.plain.splitlines()
    assert ["failed    bad  <time>  exited with 1", "    because"] == lines[:2]
    assert not any("load" in line or "ran" in line.split() for line in lines)
    assert "" == project.call("build", "-q", "load").out


def test_verbose_names_what_was_kept_and_what_starts(project: Project) -> None:
    project.node("load").call("build")
    project.node("other")
    expected = [
        "kept      load  unchanged",
        "started   other  never run",
        "ran       other  <time>  never run",
    ]
    told = project.call("build", "-v").plain.splitlines()
    assert sorted(expected) == sorted(told[:3])


def test_colour_is_for_terminals_only(project: Project) -> None:
    project.node("load")
    assert "\x1b" not in project.call("build").out


def test_one_slot_runs_one_node_at_a_time_and_two_run_two(project: Project) -> None:
    # Each of the two waits for the other: they end only when both run at once.
    meet = "exec 3<>{0} 4<>{1}; echo here >&3; read word <&4; echo $word > ../data/x"
    for name in "ab":
        (project.root / f"{name}.fifo").parent.mkdir(exist_ok=True)
    a, b = (str(project.root / f"{name}.fifo") for name in "ab")
    make = f"mkfifo {a} {b} 2>/dev/null || true; "
    project.shell(make)
    project.node("left", meet.format(a, b)).node("right", meet.format(b, a))
    assert 0 == project.call("build", "-q", "-j2").code
    assert {"x": "here\n"} == project.data("left")


def test_one_slot_is_enough_to_keep_others_waiting(project: Project) -> None:
    order = project.root / "order"
    for name in ("a", "b", "c"):
        project.node(name, f"echo begin >> {order}; echo end >> {order}  # {name}")
    assert 0 == project.call("build", "-q", "-j1").code
    assert "begin end " * 3 == order.read_text().replace("\n", " ")


def test_the_number_of_slots_comes_from_the_nearest_that_says(project: Project) -> None:
    project.write("fusionpipe.toml", "jobs = 3\n").node("load")

    def jobs(*words: str, **environment: str) -> object:
        return project.call("build", "-f", "--json", *words, environment=environment).events[0][
            "jobs"
        ]

    assert 3 == jobs()
    assert 4 == jobs(FUSIONPIPE_JOBS="4")
    assert 5 == jobs("-j5", FUSIONPIPE_JOBS="4")
    project.write(".fusionpipe/local.toml", "jobs = 2\n")
    assert 2 == jobs()


def test_a_failure_lets_what_does_not_need_it_run_only_with_keep_going(project: Project) -> None:
    project.node("a", "exit 1").node("b", parents=["a"]).node("c")
    first = project.outcomes("-j1")
    assert ("failed", "skipped", "skipped") == (first["a"], first["b"], first["c"])
    assert {"a": "failed", "b": "skipped", "c": "ran"} == project.outcomes("-j1", "-k")


def test_force_runs_what_is_named_and_nothing_else(groups: Project) -> None:
    groups.call("build", "-q")
    outcomes = groups.outcomes("-f", "prep/clean")
    assert {"raw": "kept", "prep/clean": "ran"} == outcomes
    assert {"ran"} == set(groups.outcomes("-f").values())


def test_a_dry_run_changes_nothing(project: Project) -> None:
    project.node("load")
    expected = "will run  load  never run\n1 will run\n"
    assert expected == project.call("build", "-n").out
    assert expected == project.call("build", "-n").out
    assert ["code"] == sorted(path.name for path in (project.root / "load").iterdir())


def test_a_dry_run_says_what_is_kept_restored_will_and_may_run(project: Project) -> None:
    project.node("a").node("b", parents=["a"]).node("c").node("d").call("build")
    project.node("a", "echo other > ../data/it.txt")
    (project.root / "c" / "data").unlink()
    expected = (
        "will run  a  code/main.sh edited\n"
        "restored  c  its result is in the store\n"
        "may run   b  depends on what a produces\n"
        "1 will run, 1 may run, 1 restored, 1 kept\n"
    )
    assert expected == project.call("build", "-n").out


def test_parameters_for_once_reach_the_nearest_node_and_those_who_use_the_projects(
    project: Project,
) -> None:
    project.write("fusionpipe.toml", '[params]\nregion = "north"\n')
    project.node("a", "cp ../params.json ../data/p", toml='use = ["region"]\n[params]\nn = 1')
    project.node("a.b", "cp ../params.json ../data/p", toml="[params]\nn = 1")
    project.node("c", "cp ../params.json ../data/p")
    assert 0 == project.call("build", "-q", "-p", "a.b.n=2", "-p", "region=south").code
    assert '"south"' in project.data("a")["p"]
    assert '"n": 1' in project.data("a")["p"].replace('"n":1', '"n": 1')
    assert "2" in project.data("a.b")["p"]
