"""What would break in a project on another machine is told by its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.portable import Named, of_name, troubles


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("a/b\udcff", "not UTF-8"),
        ("a/" + "x" * 150, "150 bytes"),
        ("/".join(["deep"] * 50), "characters"),
        ("a:b", "Windows"),
        ("what?", "Windows"),
        ("dot.", "dot or a blank"),
        ("plain/name-1.csv", ""),
        ("übung/größe.py", ""),
    ],
)
def test_a_name_that_others_do_not_take_is_told(path: str, word: str) -> None:
    assert (word in of_name(path)) if word else of_name(path) == ""


@pytest.mark.parametrize(
    ("path", "target", "word"),
    [
        ("n/code/lib", "/home/me/lib", "elsewhere"),
        ("n/code/lib", "../../../lib", "outside"),
        ("n/code/lib", "../../lib", ""),
        ("n/code/lib", "x/../../../y", ""),
    ],
)
def test_a_link_out_of_the_project_is_told(path: str, target: str, word: str) -> None:
    found = [trouble.what for trouble in troubles([Named(path, target)])]
    assert (any(word in what for what in found)) if word else found == []


@pytest.mark.parametrize(
    ("one", "other"), [("a/Fit.py", "a/fit.py"), ("A/x", "a/x"), ("a/\u00fc", "a/u\u0308")]
)
def test_names_that_are_one_elsewhere_are_told_together(one: str, other: str) -> None:
    (trouble,) = troubles([Named(one), Named(other)])
    assert trouble.path == other
    assert one in trouble.what


@given(st.lists(st.text("abcdefgh0123_-", min_size=1, max_size=20), unique=True))
def test_plain_lower_case_names_never_trouble(names: list[str]) -> None:
    assert list(troubles(Named(name) for name in names)) == []
