"""Path literals in a script that would leave its node: what to look at when a script becomes a node.

Hints for a person, never facts for a key: it guesses, and nothing may be decided from what it finds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple


class Literal(NamedTuple):
    """A path written in a script. `line` counts from 1."""

    line: int
    text: str


_INSIDE = re.compile(r"\.\./(data|reports|parents|inputs|libs|code)(/|$)|\.\./params\.json$")
_ABSOLUTE = re.compile(r"(/|~/|[A-Za-z]:[\\/])[\w.{…}-]")
_NO_DATA = re.compile(r"/(dev|bin|usr/bin|usr/local/bin|usr/bin/env|proc|sys)(/|$)")
_RELATIVE = re.compile(r"(\./)?[\w{…}][\w .{…}*-]*(/[\w .{…}*-]+)*\.[A-Za-z]\w{0,7}$")
_NO_PATH = re.compile(r"://|[\n\t<>|%]|^\s|\s$")
_OPENERS = re.compile(r"open|read|load|write|save|scan|Path|to_\w+|from_\w+|glob|connect", re.ASCII)


def path_literals(text: str, *, is_python: bool, is_shell: bool = False) -> tuple[Literal, ...]:
    """The literals in a script that look like paths out of the node, in order of lines, each once."""
    if is_python:
        try:
            found = list(_in_python(ast.parse(text)))
        except (SyntaxError, ValueError):
            found = list(_in_text(text, _QUOTED, "#"))
    else:
        found = list(_in_text(text, _WORD if is_shell else _QUOTED, "#" if is_shell else "#%"))
    return tuple(sorted(set(found)))


def sibling_imports(text: str) -> tuple[str, ...]:
    """The top-level modules a Python script imports; empty when it cannot be parsed."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return tuple(sorted(names))


def _leaves(text: str, *, is_opened: bool) -> bool:
    if _NO_PATH.search(text) or _INSIDE.match(text) or _NO_DATA.match(text):
        return False
    if text == ".." or text.startswith("../") or _ABSOLUTE.match(text):
        return True
    return bool(_RELATIVE.match(text)) and (is_opened or "/" in text)


def _in_python(tree: ast.Module) -> Iterator[Literal]:
    passed_over = _docstrings_and_parts(tree)
    opened = {id(argument) for call in ast.walk(tree) for argument in _opened(call)}
    for node in ast.walk(tree):
        if id(node) in passed_over:
            continue
        text = _string(node)
        if text and _leaves(text, is_opened=id(node) in opened):
            assert isinstance(node, ast.expr)
            yield Literal(node.lineno, text)


def _string(node: ast.AST) -> str:
    """The text of a string or f-string, `{…}` for what is computed."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_string(part) or "{…}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _docstrings_and_parts(tree: ast.Module) -> set[int]:
    """Strings that are no values: statements of their own, and the pieces of f-strings."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    return skipped


def _opened(node: ast.AST) -> list[ast.expr]:
    """The arguments of a call that, by its name, reads or writes a file."""
    if not isinstance(node, ast.Call):
        return []
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if not _OPENERS.search(name):
        return []
    return [*node.args, *(keyword.value for keyword in node.keywords)]


_QUOTED = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'")
_WORD = re.compile(r"([^\s\"'=<>|;&()`$:,]+)()")


def _in_text(text: str, pattern: re.Pattern[str], comment: str) -> Iterator[Literal]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip()[:1] in tuple(comment):
            continue
        for match in pattern.finditer(line):
            word = match[1] or match[2] or ""
            if _leaves(word, is_opened=True):
                yield Literal(number, word)
