"""A TOML file as text and table, and typed reading out of it with every mistake noted.

Pure: bytes in, facts and problems out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from fusionpipe.errors import Problem
from fusionpipe.project.suggest import did_you_mean
from fusionpipe.project.toml_lines import KeyPath, line_of

_NO_TABLE: Mapping[str, object] = {}


class TomlFile(NamedTuple):
    """A parsed file; its text is kept to tell lines when something is wrong."""

    file: str
    text: str = ""
    table: Mapping[str, object] = _NO_TABLE

    def problem(self, key: KeyPath, what: str, mend: str = "") -> Problem:
        """A mistake at the line that says `key`."""
        return Problem(self.file, line_of(self.text, key), what, mend)


def parse_toml(file: str, data: bytes) -> TomlFile | Problem:
    """The file's table, or the one mistake that keeps it from being TOML."""
    import tomllib  # 10 ms that a build with nothing to read does not pay

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem(file, line, "is not UTF-8 text", "save it as UTF-8")
    text = text.removeprefix("\ufeff")  # written by some editors, refused by TOML
    try:
        return TomlFile(file, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        return _syntax_problem(file, text, str(error))


def _syntax_problem(file: str, text: str, message: str) -> Problem:
    import re  # only a mistake has to pay for it

    at = re.search(r"\s*\(at line (\d+), column \d+\)$", message)
    line = int(at[1]) if at else text.rstrip("\n").count("\n") + 1
    what = (
        message.removesuffix("(at end of document)").strip()
        if at is None
        else message[: at.start()]
    )
    written = text.split("\n")[line - 1].strip()[:60] if text else ""
    return Problem(
        file, line, f"is not valid TOML: {what}", f"it reads: {written}" if written else ""
    )


class Fields:
    """Takes typed values out of one table of a file and notes what is wrong.

    A value of the wrong type is noted and read as if it were not there.
    """

    __slots__ = ("_problems", "_table", "prefix", "toml")

    def __init__(
        self,
        toml: TomlFile,
        table: Mapping[str, object],
        problems: list[Problem],
        prefix: KeyPath = (),
    ) -> None:
        self.toml = toml
        self.prefix = prefix
        self._table = table
        self._problems = problems

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def among(self, names: frozenset[str]) -> frozenset[str]:
        """Those of the names that are written."""
        return names.intersection(self._table)

    def only(self, *keys: str) -> Fields:
        """The same table as if it had nothing but these keys."""
        table = {key: self._table[key] for key in keys if key in self._table}
        return Fields(self.toml, table, self._problems, self.prefix)

    def get(self, key: str) -> object:
        """The value as tomllib gave it, None when it is not there."""
        return self._table.get(key)

    def refuse(self, key: KeyPath, what: str, mend: str = "") -> None:
        """Notes a mistake at a key of this table."""
        self._problems.append(self.toml.problem((*self.prefix, *key), what, mend))

    def refuse_unknown(
        self, known: Sequence[str], mend: str = "", *, refused: Collection[str] = ()
    ) -> None:
        """Notes every key that is not among the known ones; `refused` are noted elsewhere."""
        for key in self._table:
            if key not in known and key not in refused:
                listed = mend or f"known here: {', '.join(sorted(known))}"
                self.refuse((key,), f'unknown field "{key}"', did_you_mean(key, known, listed))

    def text(self, key: str) -> str:
        """A string, "" when it is not there."""
        value = self._table.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        self._expected(key, value, "text in quotes", f'{key} = "{_plain(value)}"')
        return ""

    def flag(self, key: str, *, default: bool) -> bool:
        """true or false."""
        value = self._table.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self._expected(key, value, "true or false", f"{key} = {str(not default).lower()}")
        return default

    def integer(self, key: str, *, default: int = 0) -> int:
        """A whole number."""
        value = self._table.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return default if value is None else value
        self._expected(key, value, "a whole number", f"{key} = 1")
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._table.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            shown = value if isinstance(value, str) else "…"
            self._expected(key, value, "a list of texts", f'{key} = ["{shown}"]')
            return ()
        if all(type(item) is str and item for item in value):
            return tuple(value)
        texts: list[str] = []
        for at, item in enumerate(value):
            if isinstance(item, str) and item:
                texts.append(item)
            else:
                self._refuse_item((key, at), item)
        return tuple(texts)

    def table(self, key: str) -> Mapping[str, object]:
        """A table."""
        value = self._table.get(key)
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self._expected(key, value, "a table", f"[{key}] on a line of its own, its entries below")
        return {}

    def table_of_texts(self, key: str) -> dict[str, str]:
        """A table whose values are strings."""
        texts: dict[str, str] = {}
        for name, value in self.table(key).items():
            if isinstance(value, str) and value:
                texts[name] = value
            else:
                self._refuse_item((key, name), value)
        return texts

    def _refuse_item(self, key: tuple[str, str | int], value: object) -> None:
        name = f"{key[0]}[{key[1]}]" if isinstance(key[1], int) else f"{key[0]}.{key[1]}"
        what = "is empty" if value == "" else f"must be text in quotes, not {_kind(value)}"
        self.refuse(key, f"{name} {what}")

    def _expected(self, key: str, value: object, expected: str, example: str) -> None:
        self.refuse(
            (key,), f"{key} must be {expected}, not {_kind(value)}", f"for example: {example}"
        )


def _kind(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'the text "{value}"'
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return f"the date or time {value}"


def _plain(value: object) -> str:
    return str(value) if isinstance(value, (int, float)) else "…"
