"""What a node.toml, or [defaults], says: one file's bytes to facts and mistakes.

Pure: names are not looked up and no other file is read here, so a result may be remembered by the
file's content. What the words mean together with the rest of the project is settled in resolve.py,
code.py and inputs.py.
"""

# No `from __future__ import annotations`: a named tuple compiles each annotation that is a string (0.5 ms).
from collections.abc import Mapping
from typing import NamedTuple

from fusionpipe.errors import Problem
from fusionpipe.model import NO_PARAMS, NO_TOOLS, Params
from fusionpipe.params import canonical_params
from fusionpipe.project.toml_lines import KeyPath
from fusionpipe.project.tomlfile import Fields, TomlFile, parse_toml
from fusionpipe.project.variables import check_variables

SHARED = ("libs", "inputs", "env", "pass", "secrets", "python", "lock", "tools", "seed", "version")
"""What [defaults] may set for all nodes."""

_OWN = (
    "parents",
    "code",
    "main",
    "run",
    "params",
    "use",
    "source",
    "path",
    "cache",
    "named",
    "description",
    "meta",
)
_RESERVED = frozenset(("limits", "resources", "retry", "matrix", "scratch"))
_NODE = (*SHARED, *_OWN)
_FIELDS = frozenset(_NODE)
_VARIABLES = frozenset(("env", "pass", "secrets"))
_NOT_OF_A_SOURCE = tuple(
    name for name in _NODE if name not in ("source", "path", "description", "meta")
)


class Written(NamedTuple):
    """A name or path as the user wrote it, and where; `name` is the alias or key before it, if any."""

    text: str
    key: KeyPath
    name: str = ""


class Declared(NamedTuple):
    """What one file (or its [defaults]) declares. `given` are the fields that are written at all."""

    toml: TomlFile
    is_written: bool = True  # False for a node without a node.toml
    is_broken: bool = False  # not TOML at all: what it declares is unknown
    prefix: KeyPath = ()
    given: frozenset[str] = frozenset()
    parents: tuple[Written, ...] = ()
    code: tuple[Written, ...] = ()
    is_code_list: bool = False
    main: str = ""
    run: tuple[str, ...] = ()
    libs: tuple[Written, ...] = ()
    inputs: tuple[Written, ...] = ()
    locks: tuple[Written, ...] = ()
    params: Params = NO_PARAMS
    use: tuple[Written, ...] = ()
    env: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    python: str = ""
    tools: Mapping[str, str] = NO_TOOLS
    source: str = ""  # "" for no source, "data", "keep"
    path: str = ""
    is_cached: bool = True
    version: str = ""
    is_named: bool = False
    seed: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def file(self) -> str:
        """The file it is declared in."""
        return self.toml.file

    def problem(self, key: KeyPath, what: str, mend: str = "") -> Problem:
        """A mistake at a key of it."""
        return self.toml.problem((*self.prefix, *key), what, mend)


_MAY_HAVE = f"a node.toml may have: {', '.join(_NODE)}"


def parse_node(file: str, data: bytes) -> Declared:
    """What a node.toml declares, with the mistakes that can be seen in it alone."""
    toml = parse_toml(file, data)
    if isinstance(toml, Problem):
        return Declared(TomlFile(file), is_broken=True, problems=(toml,))
    problems: list[Problem] = []
    fields = Fields(toml, toml.table, problems)
    for name in fields.among(_RESERVED):
        fields.refuse((name,), f'"{name}" is not supported yet', "leave it out for now")
    fields.refuse_unknown(_NODE, _MAY_HAVE, refused=_RESERVED)
    return _declared(fields, problems)


def parse_defaults(toml: TomlFile) -> Declared:
    """What [defaults] of fusionpipe.toml declares."""
    problems: list[Problem] = []
    table = Fields(toml, toml.table, problems).table("defaults")
    fields = Fields(toml, table, problems, ("defaults",))
    if "params" in fields:
        fields.refuse(
            ("params",),
            "params cannot be a default",
            'write them in [params]; a node that wants one says use = ["name"]',
        )
    mend = f"[defaults] may have: {', '.join(SHARED)}"
    fields.refuse_unknown(SHARED, mend, refused=("params",))
    return _declared(fields, problems)


def _declared(fields: Fields, problems: list[Problem]) -> Declared:
    """Only what is written is looked at: most files write two or three of all these."""
    given = fields.among(_FIELDS)
    code, is_code_list = _code(fields) if "code" in given else ((), False)
    env, passed, secrets = check_variables(fields) if given & _VARIABLES else ((), (), ())
    declared = Declared(
        toml=fields.toml,
        prefix=fields.prefix,
        given=given,
        parents=_parents(fields) if "parents" in given else (),
        code=code,
        is_code_list=is_code_list,
        main=fields.text("main") if "main" in given else "",
        run=_run(fields) if "run" in given else (),
        libs=_list(fields, "libs") if "libs" in given else (),
        inputs=_named(fields, "inputs", "an input") if "inputs" in given else (),
        locks=_list(fields, "lock") if "lock" in given else (),
        params=canonical_params(fields.table("params")) if "params" in given else NO_PARAMS,
        use=_list(fields, "use") if "use" in given else (),
        env=env,
        passed=passed,
        secrets=secrets,
        python=fields.text("python") if "python" in given else "",
        tools=fields.table_of_texts("tools") if "tools" in given else NO_TOOLS,
        source=_source(fields) if "source" in given else "",
        path=fields.text("path") if "path" in given else "",
        is_cached=fields.flag("cache", default=True),
        version=fields.text("version") if "version" in given else "",
        is_named=fields.flag("named", default=False),
        seed=fields.integer("seed"),
    )
    if declared.source:
        _check_source(fields, declared)
    elif "path" in given:
        fields.refuse(("path",), "path is for sources only", "add: source = true")
    return declared._replace(problems=tuple(problems)) if problems else declared


def _list(fields: Fields, key: str) -> tuple[Written, ...]:
    return tuple([Written(text, (key, at)) for at, text in enumerate(fields.texts(key))])


def _parents(fields: Fields) -> tuple[Written, ...]:
    if not isinstance(fields.get("parents"), dict):
        return _list(fields, "parents")
    return _named(fields, "parents", "an alias")


def _named(fields: Fields, field: str, what: str) -> tuple[Written, ...]:
    """The entries of a table whose keys become names of directories."""
    named: list[Written] = []
    for name, text in fields.table_of_texts(field).items():
        if is_plain_name(name):
            named.append(Written(text, (field, name), name))
        else:
            mend = "use a plain name without / in it"
            fields.refuse((field, name), f"{name!r} cannot be the name of {what}", mend)
    return tuple(named)


def is_plain_name(name: str) -> bool:
    """True for what can be one name in a directory and is fit to be read."""
    return name not in ("", ".", "..") and "/" not in name and name.isprintable()


def _code(fields: Fields) -> tuple[tuple[Written, ...], bool]:
    """The pieces of code, and whether they were written as a list."""
    value = fields.get("code")
    if isinstance(value, list):
        if not value:
            fields.refuse(("code",), "code is an empty list", "leave it out, or name the files")
        return _list(fields, "code"), True
    text = fields.text("code")
    return ((Written(text, ("code",)),) if text else ()), False


def _run(fields: Fields) -> tuple[str, ...]:
    value = fields.get("run")
    if isinstance(value, str):
        import shlex  # only a mistake has to pay for it

        try:
            words = ", ".join(f'"{word}"' for word in shlex.split(value))
        except ValueError:
            words = f'"{value}"'
        fields.refuse(
            ("run",), "run must be a list of words, no shell line", f"write: run = [{words}]"
        )
        return ()
    if value == []:
        fields.refuse(("run",), "run is empty", 'name a command: run = ["make", "all"]')
    if "run" in fields and "main" in fields:
        fields.refuse(("main",), "both main and run say how to start the node", "keep one of them")
    return fields.texts("run")


def _source(fields: Fields) -> str:
    value = fields.get("source")
    match value:
        case None | False:
            return ""
        case True:
            return "data"
        case "keep":
            return "keep"
        case _:
            fields.refuse(
                ("source",), 'source must be true or "keep"', "for example: source = true"
            )
            return "data"


def _check_source(fields: Fields, declared: Declared) -> None:
    for name in _NOT_OF_A_SOURCE:
        if name in declared.given:
            fields.refuse(
                (name,),
                f"a source is the user's own data and has no {name}",
                f"leave out {name}, or source",
            )
