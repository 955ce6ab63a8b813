"""Fields of node.toml, fusionpipe.toml and local.toml."""

from __future__ import annotations

import pytest

from fusionpipe.errors import Problem
from fusionpipe.model import Node, NodeName, ProjectSettings


def test_every_plain_field_reaches_the_node(project):
    project.node(
        "x",
        """
env = ["LEVEL"]
pass = ["CACHE"]
secrets = ["API_TOKEN"]
python = "envs/a/bin/python"
cache = false
version = "2"
named = true
seed = 7
description = "what it does"
[tools]
matlab = "R2024b"
[params]
lr = 0.1
[meta]
anything = [1, {goes = true}]
""",
    )
    node = project.loaded("x")
    expected = Node(
        name=NodeName("x"),
        code=node.code,
        entry=node.entry,
        params={"lr": 0.1},
        env=("LEVEL",),
        passed=("CACHE",),
        secrets=("API_TOKEN",),
        python="envs/a/bin/python",
        tools={"matlab": "R2024b"},
        is_cached=False,
        version="2",
        is_named=True,
        seed=7,
        declared_in="x/node.toml",
    )
    assert expected == node


def test_a_node_without_a_file_is_declared_in_none(project):
    assert "" == project.node("x").loaded("x").declared_in
    assert "x/node.toml" == project.node("x", "").loaded("x").declared_in


def test_defaults_join_lists_and_give_way_to_the_node(project):
    project.write(
        {
            "fusionpipe.toml": """
[defaults]
env = ["A"]
pass = ["P"]
secrets = ["S"]
python = "python3.12"
seed = 1
version = "1"
tools = {matlab = "R2023a", gmt = "6"}
""",
            ".fusionpipe/local.toml": 'pass = ["LICENCE_FILE"]\n',
        }
    )
    project.node("x").node(
        "y", 'env = ["A", "B"]\nseed = 0\nversion = ""\npython = "p"\ntools = {gmt = "5"}'
    )
    x, y = project.load().nodes.values()
    assert (("A",), ("LICENCE_FILE", "P"), ("S",)) == (x.env, x.passed, x.secrets)
    assert ("python3.12", 1, "1") == (x.python, x.seed, x.version)
    assert (("A", "B"), "p", 0, "") == (y.env, y.python, y.seed, y.version)
    assert {"matlab": "R2023a", "gmt": "5"} == y.tools


def test_local_settings_win_over_the_root_file(project):
    project.node("x").write(
        {
            "fusionpipe.toml": 'store = "/a"\nlink = "copy"\njobs = 3\n[params]\nregion = "eu"\n[defaults]\npython = "p1"',
            ".fusionpipe/local.toml": 'store = "/b"\npython = "p2"\nmatlab = "octave"\n',
        }
    )
    graph = project.load()
    expected = ProjectSettings("/b", "copy", 3, {"region": "eu"}, "p2", "octave")
    assert (expected, "p2") == (graph.settings, graph.nodes[NodeName("x")].python)


@pytest.mark.parametrize(
    ("toml", "line", "what", "mend"),
    [
        ('\nparnets = ["a"]', 2, 'unknown field "parnets"', 'did you mean "parents"?'),
        ("zzz = 1", 1, 'unknown field "zzz"', "a node.toml may have:"),
        ("[limits]\ntime = 3", 1, '"limits" is not supported yet', "leave it out"),
        ("[resources]", 1, '"resources" is not supported yet', "leave it out"),
        ("retry = 3", 1, '"retry" is not supported yet', "leave it out"),
        ("[matrix]", 1, '"matrix" is not supported yet', "leave it out"),
        ("scratch = true", 1, '"scratch" is not supported yet', "leave it out"),
        ("version = 2", 1, "version must be text in quotes, not the number 2", 'version = "2"'),
        ('seed = "7"', 1, 'seed must be a whole number, not the text "7"', "seed = 1"),
        ("seed = true", 1, "seed must be a whole number, not true", ""),
        ('cache = "no"', 1, "cache must be true or false", "cache = false"),
        ("params = 3", 1, "params must be a table", "[params]"),
        ("[tools]\nmatlab = 2024", 2, "tools.matlab must be text", ""),
        ('env = "A"', 1, "env must be a list", 'env = ["A"]'),
        ('env = [\n "A",\n "B C"]', 3, "'B C' cannot be the name of a variable", "letters"),
        ('env = ["A=1"]', 1, "env lists names, not values", '"A"'),
        ('env = ["MY_API_KEY"]', 1, "looks like a secret", 'secrets = ["MY_API_KEY"]'),
        ('env = ["github_token"]', 1, "looks like a secret", "secrets"),
        ('pass = ["FP_DATA"]', 1, "FP_DATA is set by fusionpipe itself", "leave it out"),
        ('env = ["TZ"]', 1, "TZ is always set", "leave it out"),
        ('env = ["A"]\nsecrets = ["A"]', 2, "A is in env too", "keep it in one"),
        (
            'use = ["regoin"]',
            1,
            'no project-wide param is called "regoin"',
            'did you mean "region"?',
        ),
        (
            'use = ["region"]\n[params]\nregion = 1',
            3,
            "a param of this node and of the project",
            "rename",
        ),
        ('a = "x', 1, "is not valid TOML", 'it reads: a = "x'),
        ("seed = 1\nseed = 2", 2, "is not valid TOML: Cannot overwrite a value", "seed = 2"),
    ],
)
def test_a_wrong_field_is_told_with_its_line(project, toml, line, what, mend):
    project.write({"fusionpipe.toml": '[params]\nregion = "eu"\n'}).node("x", toml)
    problem = project.problem()
    assert ("x/node.toml", line) == (problem.file, problem.line)
    assert what in problem.what
    assert mend in problem.mend


@pytest.mark.parametrize(
    ("file", "toml", "line", "what", "mend"),
    [
        ("fusionpipe.toml", "jbos = 3", 1, 'unknown field "jbos"', 'did you mean "jobs"?'),
        ("fusionpipe.toml", '\nlink = "hard"', 2, 'link cannot be "hard"', '"hardlink"'),
        ("fusionpipe.toml", "jobs = -1", 1, "jobs cannot be negative", "0 for the cores"),
        ("fusionpipe.toml", 'matlab = "R2024"', 1, 'matlab cannot be "R2024"', '"octave"'),
        (
            "fusionpipe.toml",
            "[defaults]\nparents = []",
            2,
            'unknown field "parents"',
            "[defaults] may have",
        ),
        (
            "fusionpipe.toml",
            "[defaults]\nparams = {a = 1}",
            2,
            "params cannot be a default",
            "[params]",
        ),
        (
            "fusionpipe.toml",
            '[defaults]\nlibs = ["lib"]',
            2,
            'libs: "lib" is not there',
            "looked for lib",
        ),
        ("fusionpipe.toml", 'exclude = ["a", "!"]', 1, "is no gitignore pattern", "gitignore(5)"),
        ("fusionpipe.toml", "= 3", 1, "is not valid TOML", ""),
        (
            ".fusionpipe/local.toml",
            "[params]\na = 1",
            1,
            "would change results on this machine",
            "move it",
        ),
        (".fusionpipe/local.toml", "jobs = 1\nlibs = []", 2, "would change results", "move it"),
        (
            ".fusionpipe/local.toml",
            "stroe = 3",
            1,
            'unknown field "stroe"',
            'did you mean "store"?',
        ),
    ],
)
def test_wrong_settings_are_told_with_their_line(project, file, toml, line, what, mend):
    project.node("x").write({file: toml})
    problem = project.problem()
    assert (file, line) == (problem.file, problem.line)
    assert what in problem.what
    assert mend in problem.mend


def test_a_file_that_is_not_utf8_is_told_with_its_line(project):
    project.node("x")
    (project.root / "x/node.toml").write_bytes(b"seed = 1\n# caf\xe9\n")
    assert Problem("x/node.toml", 2, "is not UTF-8 text", "save it as UTF-8") == project.problem()


def test_a_secret_of_the_defaults_cannot_be_keyed_by_a_node(project):
    project.write({"fusionpipe.toml": '[defaults]\nsecrets = ["PIN"]'}).node("x", 'env = ["PIN"]')
    assert "PIN cannot be in env and in secrets" == project.problem().what


def test_every_mistake_is_told_at_once(project):
    project.write(
        {"fusionpipe.toml": "jbos = 1\n[defaults]\nlbis = []", "bad@name/code/main.py": ""}
    )
    project.node("a", 'parnets = []\nlibs = ["no"]\n').node("b", "= nonsense").node(
        "b2", main="main.sh"
    )
    project.node("b2").node("c", 'parents = ["d", "nowhere"]').node("d", 'parents = ["c"]')
    places = [(problem.file, problem.line) for problem in project.problems()]
    assert [
        ("a/node.toml", 1),
        ("a/node.toml", 2),
        ("b/node.toml", 1),
        ("b2/code", 0),
        ("bad@name", 0),
        ("c/node.toml", 1),
        ("c/node.toml", 1),
        ("fusionpipe.toml", 1),
        ("fusionpipe.toml", 3),
    ] == places
