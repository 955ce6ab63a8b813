"""What a node is made of, hashed: the same for the same bytes, names and modes, whatever lies around."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionpipe.freeze import FROZEN_UP_TO, CannotFreeze, Frozen, freeze
from fusionpipe.memory import Memory
from fusionpipe.model import NodeName
from fusionpipe.project import load
from fusionpipe.testing import Project
from fusionpipe.workspace import Workspace
from fusionstore.tree import Kind

NODE = NodeName("n")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path).node("n", "true", toml='[inputs]\nall = "../in/*"\none = "../in/a"\n')
    return made.write("in/a", "a").write("in/b", "b").write("n/code/part/x", "x")


def frozen(project: Project) -> Frozen:
    disk = Workspace(project.root, Memory(), lambda seen: False)
    return freeze(load(disk).nodes[NODE], disk)


def entries(project: Project, name: str = "code") -> dict[str, tuple[Kind, str]]:
    """The tree of the code, or of an input: path to kind and symlink text."""
    found = frozen(project)
    given = found.code if name == "code" else found.inputs[name]
    assert given is not None
    assert given.tree is not None
    return {path: (entry.kind, entry.target) for path, entry in given.tree.walk()}


def test_a_directory_of_code_is_a_tree_of_its_files(project: Project) -> None:
    expected = {
        "main.sh": (Kind.FILE, ""),
        "part": (Kind.DIRECTORY, ""),
        "part/x": (Kind.FILE, ""),
    }
    assert expected == entries(project)


def test_a_glob_is_a_tree_and_a_single_file_is_its_blob(project: Project) -> None:
    found = frozen(project)
    assert ["a", "b"] == list(entries(project, "all"))
    assert (None, Kind.FILE) == (found.inputs["one"].tree, found.inputs["one"].material.kind)


def test_equal_projects_freeze_to_equal_digests_wherever_they_lie(
    project: Project, tmp_path: Path
) -> None:
    elsewhere = Project(tmp_path / "else where ü").node(
        "n", "true", toml=(tmp_path / "n/node.toml").read_text()
    )
    elsewhere.write("n/code/part/x", "x").write("in/b", "b").write("in/a", "a")
    one, two = frozen(project), frozen(elsewhere)
    assert one.code is not None
    assert two.code is not None
    assert one.code.material == two.code.material
    assert one.inputs["all"].material == two.inputs["all"].material


Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "a byte": lambda root: (root / "n/code/part/x").write_text("y"),
    "a name": lambda root: (root / "n/code/part/x").rename(root / "n/code/part/y"),
    "a place": lambda root: (root / "n/code/part/x").rename(root / "n/code/x"),
    "a mode": lambda root: (root / "n/code/part/x").chmod(0o755),
    "a file for a symlink": lambda root: (
        (root / "n/code/part/x").unlink(),
        (root / "n/code/part/x").symlink_to("../main.sh"),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_digest_comes_of_another(what: str, project: Project) -> None:
    before = frozen(project).code
    CHANGES[what](project.root)
    after = frozen(project).code
    assert before is not None
    assert after is not None
    assert before.material != after.material


def test_times_other_mode_bits_and_empty_directories_of_code_do_not_matter(
    project: Project,
) -> None:
    before = frozen(project).code
    os.utime(project.root / "n/code/main.sh", (1, 1))
    (project.root / "n/code/main.sh").chmod(0o600)
    (project.root / "n/code/empty").mkdir()
    after = frozen(project).code
    assert before is not None
    assert after is not None
    assert before.material == after.material


def test_a_symlink_to_code_beside_it_stays_one_and_any_other_becomes_what_it_points_at(
    project: Project,
) -> None:
    (project.root / "n/code/near").symlink_to("part/x")
    (project.root / "n/code/far").symlink_to("../../in/a")
    (project.root / "n/code/dir").symlink_to("../../in")
    found = entries(project)
    assert (Kind.SYMLINK, "part/x") == found["near"]
    assert (Kind.FILE, "") == found["far"]
    assert ((Kind.DIRECTORY, ""), (Kind.FILE, "")) == (found["dir"], found["dir/b"])


def test_what_is_gone_since_the_project_was_read_is_named(project: Project) -> None:
    disk = Workspace(project.root, Memory(), lambda seen: False)
    node = load(disk).nodes[NODE]
    (project.root / "n/code/part/x").unlink()
    with pytest.raises(CannotFreeze) as caught:
        freeze(node, disk)
    assert "cannot read n/code/part/x: No such file or directory" == str(caught.value)


# -- locks ------------------------------------------------------------------------------------
UV = '# made by uv\nversion = 1\n[[package]]\nname = "numpy"\nversion = "2.3.1"\n'
PIP = "numpy==2.3.1 \\\n    --hash=sha256:ab\n# via -r x\npandas==2.2  # comment\n"
CONDA = "package:\n  - name: numpy\n    version: 2.3.1  # pinned\n"


def lock_of(project: Project, text: str, name: str = "some.lock") -> str:
    project.write("n/node.toml", f'lock = ["../{name}"]\n').write(name, text)
    (digest,) = frozen(project).locks.values()
    return digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (UV, UV.replace("# made by uv", "# made by another uv\n\n")),
        (UV, 'version=1\n\n[[package]]\nversion="2.3.1"\nname="numpy" # a comment\n'),
        ('{"b": [1], "a": 2}', '{\n  "a": 2,\n  "b": [1]\n}\n'),
        (PIP, PIP.replace("# via -r x", "# via -r y")),
        (PIP, PIP.replace("  # comment", "") + "\n\n"),
        (PIP, PIP.replace("\n", "\r\n")),
        (CONDA, CONDA.replace("  # pinned", "")),
    ],
)
def test_comments_and_layout_of_a_lock_do_not_matter(
    project: Project, one: str, other: str
) -> None:
    assert lock_of(project, one) == lock_of(project, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (UV, UV.replace("2.3.1", "2.3.2")),
        ('{"a": 1}', '{"a": 1.0}'),
        (PIP, PIP.replace("==2.2", "==2.3")),
        (PIP, PIP.replace("sha256:ab", "sha256:cd")),
        ("pkg @ git+https://host/x#egg=a", "pkg @ git+https://host/x#egg=b"),
        (CONDA, CONDA.replace("    version", "  version")),
        ("a\nb", "a b"),
    ],
)
def test_the_content_of_a_lock_matters(project: Project, one: str, other: str) -> None:
    assert lock_of(project, one) != lock_of(project, other)


def test_a_lock_that_is_not_text_is_still_a_lock(project: Project) -> None:
    project.write("n/node.toml", 'lock = ["../some.lock"]\n')
    seen: set[str] = set()
    for data in (b"\xff\xfe\x00", b"\xff\xfe\x01", b'"\\ud800"', b'"\\ud801"', b""):
        (project.root / "some.lock").write_bytes(data)
        seen.update(frozen(project).locks.values())
    assert 5 == len(seen)


# -- large inputs -----------------------------------------------------------------------------
def sparse(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.truncate(size)


def test_an_input_is_frozen_up_to_the_limit_and_read_in_place_above_it(project: Project) -> None:
    project.write("n/node.toml", '[inputs]\nbig = "../big"\n')
    sparse(project.root / "big/it", FROZEN_UP_TO)
    assert not frozen(project).inputs["big"].is_in_place
    sparse(project.root / "big/it", FROZEN_UP_TO + 1)
    assert frozen(project).inputs["big"].is_in_place


LIST = "ls ../inputs/big > ../data/it"


def stored_bytes(project: Project) -> int:
    objects = (project.root / ".fusionpipe/store/objects").rglob("*")
    return sum(path.stat().st_size for path in objects if path.is_file())


def test_a_large_input_is_not_copied_and_its_edit_is_noticed(project: Project) -> None:
    project.node("n", "wc -c < ../inputs/big/it > ../data/it", toml='[inputs]\nbig = "../big"\n')
    sparse(project.root / "big/it", FROZEN_UP_TO + 1)
    project.build()
    assert {"it": f"{FROZEN_UP_TO + 1}\n"} == project.data("n")
    assert stored_bytes(project) < 1 << 20
    sparse(project.root / "big/it", FROZEN_UP_TO + 2)
    assert ["n"] == project.build().started
    assert {"it": f"{FROZEN_UP_TO + 2}\n"} == project.data("n")


def test_a_large_glob_shows_the_code_nothing_but_what_it_matches(project: Project) -> None:
    project.node("n", LIST, toml='[inputs]\nbig = "../big/*.bin"\n')
    sparse(project.root / "big/it.bin", FROZEN_UP_TO + 1)
    project.write("big/unread.txt", "not in the key")
    project.build()
    assert {"it": "it.bin\n"} == project.data("n")
