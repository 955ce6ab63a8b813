"""Which environment variables a node may name in env, pass and secrets.

Pure. What reaches a node besides is the runner's business.
"""

from __future__ import annotations

from fusionpipe.project.tomlfile import Fields

_TOKEN_LIKE = (
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "CREDENTIAL",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
)
_ALWAYS_SET = frozenset(
    (
        "LC_ALL",
        "TZ",
        "PYTHONHASHSEED",
        "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE",
        "MPLBACKEND",
        "TMPDIR",
    )
)
_LISTS = ("env", "pass", "secrets")


def check_variables(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The names in env, pass and secrets; every name that cannot be there is noted."""
    lists = tuple(fields.texts(key) for key in _LISTS)
    seen: dict[str, str] = {}
    for key, names in zip(_LISTS, lists, strict=True):
        for at, name in enumerate(names):
            _check_variable(fields, key, at, name)
            if seen.setdefault(name, key) != key:
                fields.refuse((key, at), f"{name} is in {seen[name]} too", "keep it in one of them")
    env, passed, secrets = lists
    return env, passed, secrets


def _check_variable(fields: Fields, key: str, at: int, name: str) -> None:
    where = (key, at)
    if "=" in name and key == "env":
        fields.refuse(
            where,
            f"env lists names, not values: {name!r}",
            f'write "{name.partition("=")[0]}", and set it where you run fp; or make it a parameter',
        )
    elif not (name.isascii() and name.isidentifier()):
        fields.refuse(
            where, f"{name!r} cannot be the name of a variable", "use letters, digits and _"
        )
    elif name.startswith("FP_"):
        fields.refuse(where, f"{name} is set by fusionpipe itself", "leave it out")
    elif name in _ALWAYS_SET:
        fields.refuse(
            where, f"{name} is always set to the same value", "leave it out, or set it in the code"
        )
    elif key == "env" and is_token_like(name):
        fields.refuse(
            where,
            f"{name} looks like a secret, and values in env are stored with the result",
            f'use secrets = ["{name}"]',
        )


def is_token_like(name: str) -> bool:
    """True for a name that suggests its value must not be stored."""
    upper = name.upper()
    return any(word in upper for word in _TOKEN_LIKE)
