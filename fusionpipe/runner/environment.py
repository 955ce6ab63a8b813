"""The environment that a node's code sees, as a pure function of the caller's.

What is not named here or declared by the node does not reach it: whatever reaches the code and is not
in the key is a bug (L1). This file never reads the environment itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from fusionpipe.runner.layout import Layout

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")

ALWAYS_PASSED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME"),
        *_PROXIES,
        *(name.lower() for name in _PROXIES),
        # Where the certificates of a company's proxy are: without them nothing can be fetched.
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NIX_SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        *("CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "PIP_CERT"),
        *("JULIA_SSL_CA_ROOTS_PATH", "CUDA_VISIBLE_DEVICES"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    }
)

ALWAYS_SET: Mapping[str, str] = {
    "LC_ALL": "C.UTF-8",  # sort orders and number formats are part of results
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",  # the order of a set that is written out
    "PYTHONUNBUFFERED": "1",  # the log follows the run
    "PYTHONDONTWRITEBYTECODE": "1",  # no __pycache__ beside frozen code
    "MPLBACKEND": "Agg",  # there is no screen
}

_SEARCHED_FOR_LIBS = ("PYTHONPATH", "MATLABPATH", "OCTAVE_PATH", "JULIA_LOAD_PATH")

# Names that logs mention without meaning the variable, or that nobody should pass to a node.
_TELLS_NOTHING = frozenset(
    {"OLDPWD", "SHLVL", "SHELL", "TERM", "LANG", "LANGUAGE", "MAIL", "EDITOR", "VISUAL", "PAGER"}
    | {"HOSTNAME", "COLUMNS", "LINES", "LS_COLORS"}
)


def base_environment(
    ambient: Mapping[str, str],
    env: Sequence[str] = (),
    passed: Sequence[str] = (),
    secrets: Sequence[str] = (),
) -> dict[str, str]:
    """What a node gets of the caller's environment, and what is always set.

    A declared variable wins over one that is always set; one that the caller does not have is left out.
    """
    declared = {*env, *passed, *secrets}
    kept = {name: value for name, value in ambient.items() if _is_passed(name) or name in declared}
    return {**ALWAYS_SET, **kept}


def _is_passed(name: str) -> bool:
    return name in ALWAYS_PASSED or "LICENSE" in name.upper()


def place_environment(
    base: Mapping[str, str],
    root: Path,
    layout: Layout,
    *,
    seed: int,
    node: str | None = None,
    tmp: Path | None = None,
) -> dict[str, str]:
    """`base` and the variables that say where things are, for a directory `root` of a node's shape.

    `node` is given for nodes that may see their name, `tmp` where there is a private TMPDIR.
    """
    placed = dict(base)
    placed.update(
        FP_CODE=f"{root}/code",
        FP_DATA=f"{root}/data",
        FP_REPORTS=f"{root}/reports",
        FP_PARAMS=f"{root}/params.json",
        FP_PARENTS=f"{root}/parents",
        FP_INPUTS=f"{root}/inputs",
        FP_LIBS=f"{root}/libs",
        FP_SEED=str(seed),
    )
    for alias in layout.parents:
        placed[f"FP_PARENT_{identifier(alias)}"] = f"{root}/parents/{alias}"
    if node is not None:
        placed["FP_NODE"] = node
    if tmp is not None:
        placed["TMPDIR"] = str(tmp)
    if layout.libs:
        for name in _SEARCHED_FOR_LIBS:
            placed[name] = _searched(f"{root}/libs", base.get(name, ""), name)
    return placed


def _searched(libs: str, declared: str, name: str) -> str:
    if declared:
        return f"{libs}:{declared}"
    # An empty last part stands for Julia's own load path, which would be lost otherwise.
    return f"{libs}:" if name == "JULIA_LOAD_PATH" else libs


def identifier(alias: str) -> str:
    """An alias as the end of a variable's name: upper-case, everything but letters and digits `_`."""
    if alias.isascii() and alias.isidentifier():
        return alias.upper()
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in alias.upper())


def withheld(
    ambient: Mapping[str, str], environment: Mapping[str, str], log_text: str
) -> tuple[str, ...]:
    """The caller's variables that did not reach the node and that its log names, sorted.

    Short names, and words in lower case without a `_`, are not taken for variables.
    """
    missing = {name for name in ambient if name not in environment and _is_telling(name)}
    if not missing:
        return ()
    return tuple(sorted(missing.intersection(re.findall(r"\w+", log_text))))


def _is_telling(name: str) -> bool:
    return len(name) >= 4 and name not in _TELLS_NOTHING and (name.isupper() or "_" in name)
