"""What is read of the journal, and what a ref stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionpipe.build.archive import open_archive
from fusionpipe.build.refs import resolve
from fusionpipe.errors import UsageError
from fusionpipe.history import builds, nodes_of
from fusionpipe.testing import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project").node("a").node("group/b")


def test_builds_are_read_latest_first_and_torn_lines_are_passed_over(project: Project) -> None:
    project.build()
    with (project.root / ".fusionpipe/builds.jsonl").open("a") as file:
        file.write('{"build": "torn\n[1, 2]\n{"no": "build"}\n')
    project.node("a", "false")
    project.build()
    latest, first = builds(project.root)
    assert {"ran": 2, "kept": 0, "restored": 0, "failed": 0, "skipped": 0} == first.counts
    assert 1 == latest.counts["failed"]
    assert [("a", "ran"), ("group/b", "ran")] == sorted(
        (line.node, line.outcome) for line in nodes_of(project.root, first.build)
    )


def test_a_long_journal_is_read_whole_across_its_pieces(project: Project) -> None:
    project.write(".fusionpipe/builds.jsonl", "")
    with (project.root / ".fusionpipe/builds.jsonl").open("a") as file:
        for number in range(3000):
            file.write(f'{{"build": "{number}", "command": ["fp", "{"x" * (number % 97)}"]}}\n')
    assert [str(number) for number in reversed(range(3000))] == [
        one.build for one in builds(project.root)
    ]


def test_a_project_without_a_journal_has_no_builds(project: Project) -> None:
    assert [] == list(builds(project.root))
    assert [] == list(nodes_of(project.root, "20260101-000000-0000"))


def test_a_node_and_every_hash_of_its_result_name_it(project: Project) -> None:
    project.build()
    project.write("a/node.toml", "nonsense = true\n")  # a past result needs no valid node
    with open_archive(project.root, project.environment) as archive:
        found = resolve(archive, "a")
        record = found.full.record
        for ref in (record.id[:12], record.key[:12], record.slots["data"][:12], record.id, "/a"):
            assert (record.id, "a") == (resolve(archive, ref).id, resolve(archive, ref).node)
        assert "group/b" == resolve(archive, "b", "group").node


def test_what_is_not_there_is_said_with_what_is_close(project: Project) -> None:
    project.build()
    with open_archive(project.root, project.environment) as archive:
        with pytest.raises(UsageError, match="did you mean group/b"):
            resolve(archive, "grup/b")
        with pytest.raises(UsageError, match="nothing is called 0123456789ab"):
            resolve(archive, "0123456789ab")
