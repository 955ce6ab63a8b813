"""Odd and forbidden outputs: one node fails, with a sentence, and no other is the worse for it."""

from __future__ import annotations

import pytest

from fusionpipe.testing import Project

TOKEN = "hunter2-and-more"


@pytest.mark.parametrize("name", ["data", "reports"])
def test_a_file_where_an_output_directory_belongs_fails_that_node_only(
    project: Project, name: str
) -> None:
    project.node("bad", f"rmdir ../{name}\necho x > ../{name}").node("good", "echo 1 > ../data/o")
    told = project.call("build", "-k")
    assert 1 == told.code
    assert "failed    bad" in told.out
    assert "1\n" == project.data("good")["o"]


@pytest.mark.parametrize(
    "code",
    [
        'echo "key=$TOKEN" > ../data/o',
        "mkdir ../reports/deep\nprintf %s $TOKEN > ../reports/deep/o",
        'touch "../data/$TOKEN"',
    ],
)
def test_a_secret_in_an_output_is_not_stored(project: Project, code: str) -> None:
    project.environment["TOKEN"] = TOKEN
    project.node("n", code, toml='secrets = ["TOKEN"]\n')
    told = project.fp("build")
    assert 1 == told.code
    assert "holds the value of a secret" in told.out
    store = project.root / ".fusionpipe/store"
    stored = [path for path in store.rglob("*") if "tmp" not in path.relative_to(store).parts]
    assert not any(TOKEN in path.name for path in stored)
    assert not any(TOKEN.encode() in path.read_bytes() for path in stored if path.is_file())


def test_a_node_that_keeps_its_secret_to_itself_is_stored(project: Project) -> None:
    project.environment["TOKEN"] = TOKEN
    project.node("n", 'echo "${#TOKEN}" > ../data/o', toml='secrets = ["TOKEN"]\n')
    assert 0 == project.fp("build").code
    assert f"{len(TOKEN)}\n" == project.data("n")["o"]
