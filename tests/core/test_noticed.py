"""What the no-op must notice, each change for itself, and what it must not.

Each case builds a project until nothing is to do, makes one change, and asks `hot.check`. Where the change
matters, the next build must do the right thing and leave everything fresh again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fusionpipe import hot
from fusionpipe.testing import Built, Project

SHELL = shutil.which("sh") or "/bin/sh"


@dataclass
class Place:
    """A built project, and what lies around it."""

    project: Project
    around: Path

    @property
    def root(self) -> Path:
        return self.project.root

    def is_fresh(self) -> bool:
        return hot.check(str(self.root), self.project.environment) is not None

    def write(self, path: str, text: str) -> None:
        """A new file, or an edit in place: its directory is only touched by a new name."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def set(self, name: str, value: str | None) -> None:
        """Changes the environment."""
        self.project.environment.pop(name, None)
        if value is not None:
            self.project.environment[name] = value

    def build(self) -> Built:
        return self.project.build()


MAIN = 'set -e\ncat ../parents/*/* ../inputs/config/* ../libs/ourlib/* part shared tables/* > ../data/all\necho "$REGION"'
CLEAN = """
parents = ["raw", "far"]
env = ["REGION"]
libs = ["../src/ourlib"]
[inputs]
config = "../config/*.yaml"
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "project"
    root.mkdir()
    for name in ("first", "bin", "far"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "sh").symlink_to(SHELL)
    (tmp_path / "far" / "z.csv").write_text("far\n")
    project = Project(root)
    project.environment["PATH"] = f"{tmp_path}/first:{tmp_path}/bin:/usr/bin:/bin"
    project.environment["REGION"] = "eu"
    for path, text in {
        "fusionpipe.toml": 'exclude = ["scratch"]\n',
        "notes.txt": "notes\n",
        "scratch/old.txt": "old\n",
        "src/ourlib/lib.sh": "lib\n",
        "src/ourlib/__pycache__/x.pyc": "x\n",
        "config/a.yaml": "a\n",
        "config/unread.txt": "unread\n",
        "shared/tool.sh": "shared\n",
        "shared/tables/t.csv": "t\n",
        "raw/node.toml": "source = true\n",
        "raw/data/x.csv": "x\n",
        "raw/data/deep/y.csv": "y\n",
        "far/node.toml": f'path = "{tmp_path}/far"\nsource = true\n',
        "clean/node.toml": CLEAN,
        "clean/README.md": "what it is\n",
        "clean/code/main.sh": MAIN.replace(
            "../parents/*/*", "../parents/raw/x.csv ../parents/far/*"
        ),
        "clean/code/part": "part\n",
        "clean/code/__pycache__/x.pyc": "x\n",
        "group/exe/code/main": "#!/bin/sh\necho exe > ../data/it\n",
        "stats/code/main.sh": "cat ../parents/clean/all > ../data/it\n",
        "stats/node.toml": 'parents = ["clean"]\n',
    }.items():
        project.write(path, text)
    (root / "group/exe/code/main").chmod(0o755)
    (root / "clean/code/shared").symlink_to("../../shared/tool.sh")
    (root / "clean/code/tables").symlink_to("../../shared/tables")
    made = Place(project, tmp_path)
    assert {"ran", "kept"} == {outcome.value for outcome in made.build().outcomes.values()}
    assert made.is_fresh()
    return made


def replace_with_link(path: Path) -> None:
    """A directory becomes a symlink to where it went."""
    elsewhere = path.with_name(f"{path.name}-moved")
    path.rename(elsewhere)
    path.symlink_to(elsewhere.name)


def keep_stamps(path: Path, text: str) -> None:
    """An edit of equal size that sets the modification time back."""
    before = path.stat()
    assert len(path.read_text()) == len(text)
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


Change = Callable[[Place], object]

NOTICED: dict[str, tuple[Change, str]] = {
    # what changed: (the change, the nodes that have to run)
    "a code file edited": (lambda p: p.write("clean/code/part", "PART\n"), "clean stats"),
    "a code file edited, its time set back": (
        lambda p: keep_stamps(p.root / "clean/code/part", "PART\n"),
        "clean stats",
    ),
    "a code file replaced by rename": (
        lambda p: (
            p.write("clean/code/new", "PART\n"),
            os.replace(p.root / "clean/code/new", p.root / "clean/code/part"),
        ),
        "clean stats",
    ),
    "a code file added": (lambda p: p.write("clean/code/more", ""), "clean"),
    "a code file removed": (
        lambda p: (p.root / "stats/code/../../clean/code/part").unlink(),
        "FAIL",
    ),
    "a code file made executable": (lambda p: (p.root / "clean/code/part").chmod(0o755), "clean"),
    "an entry that is not executable any more": (
        lambda p: (p.root / "group/exe/code/main").chmod(0o644),
        "",
    ),
    "the target of a symlink in code edited": (
        lambda p: p.write("shared/tool.sh", "SHARED\n"),
        "clean stats",
    ),
    "a file in a directory linked into code edited": (
        lambda p: p.write("shared/tables/t.csv", "T\n"),
        "clean stats",
    ),
    "a file added to a directory linked into code": (
        lambda p: p.write("shared/tables/u.csv", "u\n"),
        "clean stats",
    ),
    "a symlink in code pointed elsewhere": (
        lambda p: (
            p.write("shared/other.sh", "other\n"),
            (p.root / "clean/code/shared").unlink(),
            (p.root / "clean/code/shared").symlink_to("../../shared/other.sh"),
        ),
        "clean stats",
    ),
    "code/ replaced by a symlink to an edited copy": (
        lambda p: (
            shutil.copytree(p.root / "clean/code", p.root / "copy", symlinks=False),
            p.write("copy/part", "PART\n"),
            shutil.rmtree(p.root / "clean/code"),
            (p.root / "clean/code").symlink_to("../copy"),
        ),
        "clean stats",
    ),
    "a lib's file edited": (lambda p: p.write("src/ourlib/lib.sh", "LIB\n"), "clean stats"),
    "a lib's file added": (lambda p: p.write("src/ourlib/more.sh", "more\n"), "clean stats"),
    "a lib replaced by a symlink to itself": (
        lambda p: replace_with_link(p.root / "src/ourlib"),
        "",
    ),
    "an input edited": (lambda p: p.write("config/a.yaml", "A\n"), "clean stats"),
    "an input added to a glob": (lambda p: p.write("config/b.yaml", "b\n"), "clean stats"),
    "an input removed from a glob": (
        lambda p: (p.write("config/c.yaml", "c\n"), (p.root / "config/a.yaml").unlink()),
        "clean stats",
    ),
    "a source's file edited": (lambda p: p.write("raw/data/x.csv", "X\n"), "clean stats"),
    "a source's file edited deep below": (lambda p: p.write("raw/data/deep/y.csv", "Y\n"), "clean"),
    "a source's file added": (lambda p: p.write("raw/data/deep/z.csv", "z\n"), "clean"),
    "a source's file removed": (lambda p: (p.root / "raw/data/deep/y.csv").unlink(), "clean"),
    "a source elsewhere edited": (
        lambda p: (p.around / "far/z.csv").write_text("FAR\n"),
        "clean stats",
    ),
    "a node added": (lambda p: p.write("new/code/main.sh", "echo > ../data/it\n"), "new"),
    "a node added to a group": (
        lambda p: p.write("group/new/code/main.sh", "echo > ../data/it\n"),
        "group/new",
    ),
    "a node removed": (lambda p: shutil.rmtree(p.root / "stats"), ""),
    "a node.toml edited": (
        lambda p: p.write("stats/node.toml", 'parents = ["clean"]\nseed = 1\n'),
        "stats",
    ),
    "a node.toml added": (lambda p: p.write("group/exe/node.toml", "seed = 1\n"), "group/exe"),
    "a node.toml removed": (lambda p: (p.root / "stats/node.toml").unlink(), "FAIL"),
    "fusionpipe.toml edited": (
        lambda p: p.write("fusionpipe.toml", "[defaults]\nseed = 3\n"),
        "clean stats group/exe",
    ),
    "local.toml added": (lambda p: p.write(".fusionpipe/local.toml", "jobs = 2\n"), ""),
    ".fpignore added to code": (lambda p: p.write("clean/code/.fpignore", "*.bak\n"), ""),
    ".fpignore added to a node": (lambda p: p.write("clean/.fpignore", "*.bak\n"), ""),
    ".fpignore added at the root": (lambda p: p.write(".fpignore", "*.bak\n"), ""),
    ".fpignore added to a lib": (lambda p: p.write("src/ourlib/.fpignore", "*.sh\n"), "FAIL"),
    "data/ removed": (lambda p: (p.root / "stats/data").unlink(), ""),
    "data/ replaced by a directory of the user's": (
        lambda p: ((p.root / "stats/data").unlink(), p.write("stats/data/mine", "mine\n")),
        "",
    ),
    "data/ pointed at another result": (
        lambda p: (
            (p.root / "stats/data").unlink(),
            (p.root / "stats/data").symlink_to("../clean/data"),
        ),
        "",
    ),
    "data/ left dangling": (
        lambda p: shutil.rmtree(
            p.root / "stats/data" / ".." / (p.root / "stats/data").resolve().name
        ),
        "",
    ),
    "logs.txt removed": (lambda p: (p.root / "stats/logs.txt").unlink(), ""),
    "a file added to a linked result": (lambda p: p.write("stats/data/added", "added\n"), ""),
    "a file removed from a linked result": (lambda p: (p.root / "stats/data/it").unlink(), ""),
    "a declared variable changed": (lambda p: p.set("REGION", "us"), "clean"),
    "a declared variable unset": (lambda p: p.set("REGION", None), "clean"),
    "the PATH changed": (lambda p: p.set("PATH", f"{p.around}/bin:/usr/bin:/bin"), ""),
    "a program that comes first on the PATH": (
        lambda p: (p.around / "first/sh").symlink_to(SHELL),
        "",
    ),
    "the interpreter replaced": (
        lambda p: (
            (p.around / "bin/sh").unlink(),
            shutil.copy(SHELL, p.around / "bin/sh"),
        ),
        "",
    ),
    "the store moved": (
        lambda p: p.set("FUSIONPIPE_STORE", f"{p.around}/store"),
        "clean stats group/exe",
    ),
    "the private state removed": (lambda p: shutil.rmtree(p.root / ".fusionpipe/state"), ""),
}


# after which the project is as it was, so that they can follow one another
MENDED = (
    "local.toml added",
    ".fpignore added to code",
    ".fpignore added to a node",
    ".fpignore added at the root",
    "data/ removed",
    "data/ replaced by a directory of the user's",
    "data/ pointed at another result",
    "data/ left dangling",
    "logs.txt removed",
    "a file added to a linked result",
    "a file removed from a linked result",
    "the private state removed",
    "a lib replaced by a symlink to itself",
)


def test_the_no_op_notices_one_change_after_another(place: Place) -> None:
    for what in MENDED:
        is_noticed(what, place)


@pytest.mark.parametrize("what", [what for what in NOTICED if what not in MENDED])
def test_the_no_op_notices(what: str, place: Place) -> None:
    is_noticed(what, place)


def is_noticed(what: str, place: Place) -> None:
    """Makes the change, builds: just what has to run does."""
    change, ran = NOTICED[what]
    change(place)
    assert not place.is_fresh(), what
    if what == "an entry that is not executable any more":
        return  # the group is empty then: nothing is built
    built = place.build()
    if ran == "FAIL":
        assert built.finished.failed
        assert not place.is_fresh()
        return
    assert sorted(ran.split()) == sorted(built.started), (what, built.events)
    assert place.is_fresh(), what


UNNOTICED: dict[str, Change] = {
    "a file that nothing reads, edited": lambda p: p.write("notes.txt", "more notes\n"),
    "a node's README, edited": lambda p: p.write("clean/README.md", "more of what it is\n"),
    "a file beside the inputs, edited": lambda p: p.write("config/unread.txt", "still unread\n"),
    "a file in an excluded directory": lambda p: p.write("scratch/new.txt", "new\n"),
    "compiled code": lambda p: p.write("clean/code/__pycache__/y.pyc", "y\n"),
    "compiled code of a lib": lambda p: p.write("src/ourlib/__pycache__/y.pyc", "y\n"),
    "a variable that nothing declares": lambda p: p.set("LC_TIME", "de_DE.UTF-8"),
    "a file read": lambda p: (p.root / "clean/code/part").read_text(),
    "a by-hand link removed": lambda p: (p.root / "clean/parents/raw").unlink(),
}


def test_the_no_op_is_not_disturbed_by_what_does_not_matter(place: Place) -> None:
    for what, change in UNNOTICED.items():
        change(place)
        assert place.is_fresh(), what


@pytest.mark.parametrize("damage", [b"", b"torn", None])
def test_without_a_snapshot_that_can_be_trusted_the_build_looks_closely(
    place: Place, damage: bytes | None
) -> None:
    snapshot = place.root / ".fusionpipe/state/snapshot"
    if damage is None:
        snapshot.unlink()
    else:
        snapshot.write_bytes(damage)
    assert not place.is_fresh()
    assert [] == place.build().started
    assert place.is_fresh()


def test_a_project_that_was_moved_is_looked_at_closely_and_runs_nothing(place: Place) -> None:
    moved = place.around / "mövéd project"
    place.root.rename(moved)
    place.project.root = moved
    assert not place.is_fresh()
    assert [] == place.build().started
    assert place.is_fresh()
