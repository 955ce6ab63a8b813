"""Lines of keys in TOML texts."""

from __future__ import annotations

import pytest

from fusionpipe.project.toml_lines import line_of

TEXT = '''# a comment = 3
title = """
not = here
["nor here"]
"""
list = [
  "one", # , "no"
  ["two", \'\'\'
  deep\'\'\'],
  { name = "x", "quoted.key" = [
      1,
      2 ] },
]
a.b."c d" = 1  # = 4
'single' = 'x\\'
"esc\\"aped" = "\\"]"

[table.below] # [not.this]
key = "=[{"

[[many]]
x = 1
[[many]]
x = 2
[many.sub]
y = 3
last = """ends with quotes"""""
end = 1979-05-27T07:32:00Z
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("list",), 6),
        (("list", 0), 7),
        (("list", 1), 8),
        (("list", 1, 1), 8),
        (("list", 2), 10),
        (("list", 2, "name"), 10),
        (("list", 2, "quoted.key", 1), 12),
        (("a", "b", "c d"), 14),
        (("a",), 14),
        (("single",), 15),
        (('esc"aped',), 16),
        (("table", "below"), 18),
        (("table", "below", "key"), 19),
        (("many", 0, "x"), 22),
        (("many", 1, "x"), 24),
        (("many", 1, "sub", "y"), 26),
        (("many", 1, "sub", "end"), 28),
        (("table", "below", "key", "deeper"), 19),
        (("missing",), 0),
        ((), 0),
    ],
)
def test_each_key_and_item_has_its_line(path, line):
    assert line == line_of(TEXT, path)


def test_line_ends_of_windows_count_once():
    assert 3 == line_of("a = 1\r\n\r\nb = 2\r\n", ("b",))
