"""What the probe that runs inside a node's Python makes of what installers leave there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Environment


def test_names_are_canonical_and_record_tells_the_modules(python: Environment) -> None:
    files = {"frames/__init__.py": "", "_frames.cpython-311-x86_64-linux-gnu.so": "", "share/x": ""}
    python.install("Data_.Frames", "1.0", files)
    found = python.distributions()
    assert found.versions == {"data-frames": "1.0"}
    assert found.modules == {"frames": ("data-frames",), "_frames": ("data-frames",)}


def test_old_metadata_is_read_too(python: Environment) -> None:
    python.write(
        {
            "old-1.2.egg-info/PKG-INFO": "Metadata-Version: 1.0\nName: old\nVersion: 1.2\n",
            "old-1.2.egg-info/top_level.txt": "oldish\n",
            "older-0.3.egg-info": "Name: older\nVersion: 0.3\n",
        }
    )
    found = python.distributions()
    assert found.versions == {"old": "1.2", "older": "0.3"}
    assert found.modules == {"oldish": ("old",), "older": ("older",)}


def test_a_develop_install_is_known_by_its_files(python: Environment) -> None:
    project = python.root / "lib ü"
    (project / "ours.egg-info").mkdir(parents=True)
    (project / "ours.egg-info" / "PKG-INFO").write_text("Name: ours\nVersion: 1\n")
    (project / "ours.egg-info" / "top_level.txt").write_text("ours\n")
    (project / "ours.py").write_text("")
    python.write({"easy-install.pth": f"{project}\n"})
    found = python.distributions()
    assert found.contents == {"ours": {"ours": str(project / "ours.py")}}


def test_an_editable_install_of_an_unknown_kind_is_looked_for_by_name(python: Environment) -> None:
    package = python.root / "my lib" / "src" / "my_lib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    python.install("my-lib", "1", {"_my_lib_loader.py": ""})
    url = f"file://{str(python.root).replace(' ', '%20')}/my%20lib"
    direct = {"url": url, "dir_info": {"editable": True}}
    python.write({"my_lib-1.dist-info/direct_url.json": json.dumps(direct)})
    found = python.distributions()
    assert found.contents == {"my-lib": {"my_lib": str(package)}}
    assert found.owners("my_lib") == ("my-lib",)


def test_the_standard_library_is_that_pythons_own(python: Environment) -> None:
    assert {"json", "sys", "_socket"} <= python.distributions().stdlib


def test_a_namespace_is_told_apart_from_a_package(python: Environment) -> None:
    python.install("one", "1", {"space/one.py": "", "whole/__init__.py": "", "whole/part.py": ""})
    found = python.distributions()
    assert found.is_namespace("space")
    assert not found.is_namespace("whole")
    assert found.owners("space.one") == ("one",)
    assert found.owners("space.two") is None
    assert found.owners("whole.part") == ()
    assert found.owners("nowhere") is None


def test_an_enclosing_directory_that_appears_is_noticed(python: Environment) -> None:
    extra = python.root / "extra"
    python.write({"extra.pth": f"{extra}\n"})
    assert python.distributions().versions == {}
    (extra / "late-1.dist-info").mkdir(parents=True)
    (extra / "late-1.dist-info" / "METADATA").write_text("Name: late\nVersion: 1\n")
    assert python.distributions().versions == {"late": "1"}
