"""How trees differ, on the screen: a line a file, what differs below, and never too much."""

from __future__ import annotations

import io

import pytest

from fusionpipe.compare import (
    Content,
    Difference,
    FileChange,
    How,
    JsonChange,
    NotCompared,
    TableChange,
    TextChange,
)
from fusionpipe.compare.difference import (
    CellChange,
    ColumnChange,
    Match,
    Retyped,
    ValueChange,
)
from fusionpipe.report.contents import content_lines, content_words
from fusionpipe.report.diff import Depth, difference_lines
from fusionpipe.report.output import Output
from fusionstore.digest import digest_bytes
from fusionstore.tree import Entry, Kind


def entry(text: str, kind: Kind = Kind.FILE) -> Entry:
    if kind is Kind.SYMLINK:
        return Entry("it", kind, target=text)
    return Entry("it", kind, digest_bytes(text.encode()), len(text))


def lines(*files: FileChange, depth: Depth | None = None, prefix: str = "") -> list[str]:
    output = Output(io.StringIO(), colour=False)
    return list(difference_lines(Difference(files), output, prefix=prefix, depth=depth or Depth()))


def told(content: Content) -> list[str]:
    return list(content_lines(content, Output(io.StringIO(), colour=False)))


def test_each_file_is_a_line_with_what_became_of_it() -> None:
    expected = [
        "A data/a  1 B",
        "D data/b  2 B",
        "R data/c → data/d  3 B",
        "M data/e  1 B → 2 B",
        f"M data/f  1 B, {entry('x').digest[:8]} → {entry('y').digest[:8]}",
        "X data/g  executable now",
        "M data/h  link to there → 1 B",
        "A data/i/  empty directory",
    ]
    assert expected == lines(
        FileChange("a", How.ADDED, None, entry("1")),
        FileChange("b", How.REMOVED, entry("12"), None),
        FileChange("d", How.RENAMED, entry("123"), entry("123"), was="c"),
        FileChange("e", How.CHANGED, entry("1"), entry("12")),
        FileChange("f", How.CHANGED, entry("x"), entry("y")),
        FileChange("g", How.MODE, entry("x"), entry("x", Kind.EXECUTABLE)),
        FileChange("h", How.CHANGED, entry("there", Kind.SYMLINK), entry("1")),
        FileChange("i/", How.ADDED, None, Entry("i", Kind.DIRECTORY)),
        prefix="data/",
    )


def test_what_differs_in_a_file_stands_below_it() -> None:
    content = JsonChange(changed=1, values=(ValueChange("a", "1", "2"),))
    change = FileChange("a", How.CHANGED, entry("1"), entry("12"), content=content)
    assert ["M a  1 B → 2 B", "    a: 1 → 2"] == lines(change)


def test_why_a_file_is_not_looked_into_stands_on_its_line() -> None:
    change = FileChange("a", How.CHANGED, entry("1"), entry("12"), content=NotCompared("binary"))
    assert ["M a  1 B → 2 B, binary"] == lines(change)


def test_many_files_are_summed_up_by_directory_and_the_first_told() -> None:
    files = [
        FileChange(f"{'abc'[at % 3]}/{at}", How.CHANGED, entry("1"), entry("12"))
        for at in range(10_000)
    ]
    seen = lines(*files, depth=Depth(20, rest="fp diff --stat"))
    assert [
        "10,000 files: 10,000 changed",
        "  a/  3,334 changed",
        "  b/  3,333 changed",
        "  c/  3,333 changed",
    ] == seen[:4]
    assert "… 9,980 more files (fp diff --stat)" == seen[-1]
    assert 4 + 20 + 1 == len(seen)


def test_directories_are_summed_up_as_deep_as_fits() -> None:
    files = [FileChange(f"top/{at % 2}/{at}/x", How.ADDED, None, entry("1")) for at in range(100)]
    assert ["  top/0/  50 added", "  top/1/  50 added"] == lines(*files)[1:3]


def test_a_name_cannot_move_the_cursor() -> None:
    assert ["A ab  1 B"] == lines(FileChange("a\x1b[31mb", How.ADDED, None, entry("1")))


def test_a_long_diff_says_what_it_leaves_out() -> None:
    assert ["@@ -1 +1,9 @@", "+x", "… 8 more lines of this diff"] == told(
        TextChange(9, 0, ("@@ -1 +1,9 @@", "+x"), left_out=8)
    )


def test_other_line_ends_are_not_told_line_by_line() -> None:
    assert ["only the ends of 3 lines differ"] == told(
        TextChange(3, 3, ("-a", "+a"), is_only_line_ends=True)
    )


def test_a_table_tells_rows_columns_and_values() -> None:
    change = TableChange(
        1000,
        1001,
        Match.KEY,
        ("id",),
        added=3,
        removed=2,
        changed=5,
        columns_added=("z",),
        columns_removed=("y",),
        retyped=(Retyped("x", "integer", "number"),),
        columns=(ColumnChange("x", 5, 0.25, 0.1), ColumnChange("n", 1)),
        cells=(CellChange("7", "x", "1", "1.25"), CellChange("8", "n", "", " a")),
        added_rows=("9, 1",),
        removed_rows=("3, 1", "4, 1"),
    )
    expected = [
        "1,000 → 1,001 rows, by id: 5 changed, 3 added, 2 removed",
        "columns added: z",
        "columns removed: y",
        "x: integer → number",
        "x: 5 values changed, by up to 0.25 (10 %)",
        "n: 1 value changed",
        "7 · x: 1 → 1.25",
        "8 · n: '' → ' a'",
        "- 3, 1",
        "- 4, 1",
        "+ 9, 1",
        "+ … 2 more rows",
    ]
    assert expected == told(change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (TableChange(2, 2, Match.KEY, ("id",)), "same values, written differently"),
        (
            TableChange(2, 2, Match.KEY, ("id",), is_reordered=True),
            "the same rows in another order",
        ),
        (
            TableChange(2, 2, Match.WHOLE, columns_added=("x",)),
            "the same values in the columns both have",
        ),
        (
            TableChange(2, 2, Match.WHOLE, columns_reordered=True),
            "the same columns in another order",
        ),
        (JsonChange(), "same values, written differently"),
        (JsonChange(1, 2, 3), "3 changed, 1 added, 2 removed"),
        (TextChange(1, 2), "+1 -2"),
        (NotCompared("binary"), "binary"),
    ],
)
def test_a_few_words_say_the_same(change: Content, words: str) -> None:
    assert words == content_words(change)


def test_a_document_tells_its_paths() -> None:
    values = (
        ValueChange("a.b", "1", "2"),
        ValueChange("c", None, '"new"'),
        ValueChange("d[0]", "null", None),
    )
    expected = ["a.b: 1 → 2", '+ c: "new"', "- d[0]: null"]
    assert expected == told(JsonChange(1, 1, 1, values))
    assert (
        "9 changed, 1 added, 1 removed values, of these the first"
        == told(JsonChange(1, 1, 9, values))[0]
    )
