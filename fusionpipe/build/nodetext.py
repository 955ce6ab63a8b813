"""The node.toml of a node brought back: what its record can say of how it was declared. Pure."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

from fusionpipe.model import ParamValue
from fusionpipe.params import UNQUOTED, plain
from fusionstore.contract import FullRecord, Json, JsonObject

_LANGUAGES_ENTRY = "main"  # the stem of an entry that need not be named


def node_text(full: FullRecord) -> str:
    """The file's text. What a record does not tell (which nodes its parents were) is said in comments."""
    manifest = full.body.get("manifest")
    told: JsonObject = manifest if isinstance(manifest, dict) else {}
    return "".join(f"{line}\n" for line in (*_head(full, told), *_fields(told), *_tables(told)))


def _head(full: FullRecord, manifest: JsonObject) -> Iterator[str]:
    body = full.body
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(full.record.made))
    by = _comment(f"by {body.get('user')} on {body.get('host')}")
    yield f"# {_comment(str(body.get('node')))} as it was: result {full.record.id[:12]}, made {made} {by}"
    tool = manifest.get("tool")
    if isinstance(tool, list):
        yield f"# run by {_comment(' '.join(map(str, tool)).strip())}"
    env = manifest.get("env")
    for name, value in env.items() if isinstance(env, dict) else ():
        yield f"# {_comment(name)} was {'unset' if value is None else _comment(repr(value))}"
    parents = manifest.get("parents")
    for alias, members in parents.items() if isinstance(parents, dict) else ():
        for member, digest in members.items() if isinstance(members, dict) else ():
            name = f"{alias}/{member}" if member else alias
            yield f"# parents/{_comment(name)} was the data {_comment(str(digest)[:12])}: name its node"


def _fields(manifest: JsonObject) -> Iterator[str]:
    entry = manifest.get("entry")
    if isinstance(entry, list) and len(entry) == 3:
        _, main, argv = entry
        if argv:
            yield f"run = {_value(argv)}"
        elif isinstance(main, str) and main.partition(".")[0] != _LANGUAGES_ENTRY:
            yield f"main = {_value(main)}"
    for name, default in (("seed", 0), ("version", "")):
        value = manifest.get(name, default)
        if value != default:
            yield f"{name} = {_value(value)}"
    if manifest.get("name") is not None:
        yield "named = true"
    env = manifest.get("env")
    if isinstance(env, dict) and env:
        yield f"env = {_value(list[Json](env))}"


def _tables(manifest: JsonObject) -> Iterator[str]:
    for name in ("tools", "params"):
        table = manifest.get(name)
        if isinstance(table, dict) and table:
            yield ""
            yield f"[{name}]"
            yield from (f"{_key(key)} = {_value(value)}" for key, value in table.items())


def _value(value: ParamValue) -> str:
    """A value as TOML has it; tables inline."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value)
        case str():
            text = str(plain(value))
            return text if value.startswith(UNQUOTED) else _quoted(text)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{{', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())}}}"
        case None:  # TOML knows no such thing, so nothing of TOML's became it
            return '""'


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)
