"""Which line of a TOML text says what; tomllib does not tell.

Only for the place shown with an error, so it is given text that tomllib has accepted, reads it as
little as it can, and never decides anything.
"""

from __future__ import annotations

from functools import lru_cache

KeyPath = tuple[str | int, ...]
"""A key below keys, an integer for an item of an array: ("parents", 1)."""


def line_of(text: str, path: KeyPath) -> int:
    """The line (from 1) on which the key or item is written, or the nearest one above it; else 0."""
    lines = _lines_by_path(text)
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 0


@lru_cache(maxsize=4)  # one bad file often has many mistakes
def _lines_by_path(text: str) -> dict[KeyPath, int]:
    return _Scanner(text).scan()


class _Scanner:
    """One pass over one text."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._tables: dict[KeyPath, int] = {}  # how many [[tables]] of that name so far

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip_blank():
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _note(self, path: KeyPath, at: int) -> None:
        line = self._text.count("\n", 0, at) + 1
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)

    def _skip_blank(self) -> bool:
        """Moves over space, line ends and comments; False at the end of the text."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at].isspace():
                self._at += 1
            else:
                return True
        return False

    def _header(self) -> KeyPath:
        start = self._at
        is_array = self._text.startswith("[[", start)
        self._at += 2 if is_array else 1
        path = self._place_in_arrays(self._key_until("]"))
        self._at += 2 if is_array else 1
        if is_array:
            count = self._tables.get(path, 0)
            self._tables[path] = count + 1
            path = (*path, count)
        self._note(path, start)
        return path

    def _place_in_arrays(self, path: KeyPath) -> KeyPath:
        """A header below [[x]] belongs to the last x."""
        placed: KeyPath = ()
        for part in path[:-1]:
            placed = (*placed, part)
            if count := self._tables.get(placed):
                placed = (*placed, count - 1)
        return (*placed, path[-1])

    def _pair(self, table: KeyPath) -> None:
        start = self._at
        path = (*table, *self._key_until("="))
        self._note(path, start)
        self._at += 1
        self._value(path)

    def _key_until(self, end: str) -> KeyPath:
        start = self._at
        while self._at < len(self._text) and self._peek() != end:
            if self._peek() in "\"'":
                self._skip_string()
            else:
                self._at += 1
        return _key_path(self._text[start : self._at].strip())

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        match self._peek():
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._skip_string()
            case _:
                while self._peek() not in ("", ",", "]", "}", "#", "\n"):
                    self._at += 1

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while self._skip_blank() and self._peek() != "]":
            if self._peek() == ",":
                self._at += 1
                index += 1
                continue
            self._note((*path, index), self._at)
            self._value((*path, index))
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._skip_blank() and self._peek() != "}":
            if self._peek() == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1

    def _skip_string(self) -> None:
        quote = self._peek()
        if self._text.startswith(quote * 3, self._at):
            self._skip_long_string(quote * 3)
            return
        self._at += 1
        while self._peek() not in ("", quote):
            self._at += 2 if quote == '"' and self._peek() == "\\" else 1
        self._at += 1

    def _skip_long_string(self, quotes: str) -> None:
        self._at += 3
        while self._peek() and not self._text.startswith(quotes, self._at):
            self._at += 2 if quotes == '"""' and self._peek() == "\\" else 1
        self._at += 3
        while self._peek() == quotes[0]:  # up to two quotes may stand before the closing three
            self._at += 1


def _key_path(written: str) -> KeyPath:
    """The parts of a key as written, quotes and escapes undone by tomllib itself."""
    import tomllib  # 10 ms that a build with nothing to read does not pay

    path: list[str | int] = []
    table: object = tomllib.loads(f"{written} = 0")
    while isinstance(table, dict):
        ((key, table),) = table.items()
        path.append(key)
    return tuple(path)
