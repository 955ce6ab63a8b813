"""Run by a node's Python: prints, as JSON, which distributions it has and which modules are theirs.

It reads the metadata directories itself, because importlib.metadata is slow to load, differs between
versions and does not know editable installs. It imports only the standard library, and writes nothing
but the compiled start-up hook of this Python's runs. Written for Python 3.6 and later.
"""

import ast
import csv
import hashlib
import json
import os
import re
import site
import sys

_MODULE = re.compile(r"(.+?)(\.(?:cpython|pypy|cp|abi|graalpy)[^/]*)?\.(py|so|pyd|dylib)$")
_SITE = ("site-packages", "dist-packages")


class Distribution:
    """What one metadata directory (or file) tells."""

    def __init__(self, base: str, entry: str) -> None:
        self.base = base  # the directory on sys.path
        self.entry = entry
        self.path = os.path.join(base, entry)
        headers = self.text("METADATA") or self.text("PKG-INFO")
        if not os.path.isdir(self.path):
            headers = _read(self.path)
        self.name = _header(headers, "Name") or entry.split("-")[0].rsplit(".", 1)[0]
        self.version = _header(headers, "Version")
        self.files = self._files()

    @property
    def key(self) -> str:
        """The canonical name (PEP 503)."""
        return re.sub(r"[-_.]+", "-", self.name).lower()

    def text(self, name: str) -> str:
        return _read(os.path.join(self.path, name))

    def _files(self) -> "list[str]":
        """Paths below `base`, from RECORD or (egg-info) installed-files.txt."""
        record = self.text("RECORD")
        if record:
            return [row[0] for row in csv.reader(record.splitlines()) if row]
        installed = self.text("installed-files.txt").split("\n")
        here = [os.path.normpath(os.path.join(self.entry, line)) for line in installed if line]
        return [path.replace(os.sep, "/") for path in here]

    def modules(self) -> "list[tuple[str, ...]]":
        """Its module files as names from the top: ("google", "protobuf", "__init__")."""
        found = [_module(path) for path in self.files]
        names = [parts for parts in found if parts]
        if names:
            return names
        tops = self.text("top_level.txt").split() or [self.name.replace("-", "_")]
        return [(top.replace("/", "."), "__init__") for top in tops]

    def origin(self) -> str:
        """What tells two installs of one version apart: a commit, an archive's hash, a local build."""
        text = self.text("direct_url.json")
        if not text:
            return ""
        direct = json.loads(text)
        commit = direct.get("vcs_info", {}).get("commit_id", "")
        archive = direct.get("archive_info", {})
        hashes = archive.get("hash", "") or archive.get("hashes", {}).get("sha256", "")
        return str(commit or hashes or self._recorded())[:19]

    def _recorded(self) -> str:
        """A digest of the installed module files' own recorded hashes (a build from a directory)."""
        rows = csv.reader(self.text("RECORD").splitlines())
        lines = sorted(",".join(row[:2]) for row in rows if row and _module(row[0]))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def sources(self) -> "dict[str, str]":
        """For an editable install: each top-level module and where the user's own file or directory is."""
        if (
            self.base
            and os.path.basename(self.base) not in _SITE
            and self.entry.endswith("egg-info")
        ):
            return _modules_in(self.base, self.text("top_level.txt").split())
        found: dict[str, str] = {}
        for path in self.files:
            full = os.path.join(self.base, path)
            if path.endswith(".pth"):
                for directory in _added_by(full):
                    found.update(_modules_in(directory, []))
            elif path.startswith("__editable__") and path.endswith("_finder.py"):
                found.update(_mapping(_read(full)))
        return found or self._guessed()

    def _guessed(self) -> "dict[str, str]":
        """An editable install by an unknown hook: the module of that name in the linked directory."""
        text = self.text("direct_url.json")
        direct = json.loads(text) if text else {}
        if not direct.get("dir_info", {}).get("editable") or not direct["url"].startswith(
            "file://"
        ):
            return {}
        from urllib.parse import unquote

        top = unquote(direct["url"][len("file://") :])
        names = [self.name.replace("-", "_")]
        return _modules_in(os.path.join(top, "src"), names) or _modules_in(top, names)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _added_by(hook: str) -> "list[str]":
    """The directories that a .pth file puts on the path, if they are there."""
    lines = [line.strip() for line in _read(hook).splitlines()]
    added = [line for line in lines if line and not line.startswith(("#", "import ", "import\t"))]
    return [os.path.join(os.path.dirname(hook), line) for line in added]


def _header(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*?)[ \t\r]*$", text.split("\n\n")[0], re.M)
    return found.group(1) if found else ""


def _module(path: str) -> "tuple[str, ...]":
    """("numpy", "linalg", "_umath") of a module file; () for anything else."""
    found = _MODULE.match(path)
    if not found or path.startswith(("../", "/", "__editable__")) or "__pycache__" in path:
        return ()
    return tuple(found.group(1).split("/"))


def _modules_in(directory: str, names: "list[str]") -> "dict[str, str]":
    """Packages and modules directly in a directory, those named or (none named) all."""
    found = {}
    for entry in _listed(directory):
        path = os.path.join(directory, entry)
        is_package = os.path.isfile(os.path.join(path, "__init__.py"))
        parts = (entry,) if is_package or (names and os.path.isdir(path)) else _module(entry)
        if parts and parts[0].isidentifier() and (not names or parts[0] in names):
            found[parts[0]] = os.path.abspath(path)
    return found


def _mapping(text: str) -> "dict[str, str]":
    """The MAPPING of the finder setuptools writes for an editable install."""
    for statement in ast.parse(text).body:
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        if getattr(targets[0], "id", "") == "MAPPING":
            mapping = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
            found = {str(name): str(path) for name, path in mapping.items()}
            return {n: p if os.path.isdir(p) else p + ".py" for n, p in found.items()}
    return {}


def _listed(directory: str) -> "list[str]":
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _installed(path: "list[str]") -> "dict[str, Distribution]":
    """Every distribution, the first on the path where a name is there twice (as imports go)."""
    found: dict[str, Distribution] = {}
    for base in path:
        for entry in _listed(base):
            if entry.endswith((".dist-info", ".egg-info")):
                distribution = Distribution(base, entry)
                found.setdefault(distribution.key, distribution)
    return found


def _spread(
    files: "dict[str, list[tuple[str, ...]]]", prefix: str, modules: "dict[str, list[str]]"
) -> None:
    """Maps module names to who has them; below namespace packages, names in full."""
    groups: dict[str, dict[str, list[tuple[str, ...]]]] = {}
    for key, names in files.items():
        for parts in names:
            groups.setdefault(parts[0], {}).setdefault(key, []).append(parts[1:])
    for name, owners in groups.items():
        below = [rest for rests in owners.values() for rest in rests]
        if not name.isidentifier() or (prefix and name == "__init__"):
            continue
        modules[prefix + name] = sorted(set(modules.get(prefix + name, [])) | set(owners))
        if () not in below and ("__init__",) not in below:
            _spread(owners, prefix + name + ".", modules)


def _loose(path: "list[str]", modules: "dict[str, list[str]]") -> "dict[str, str]":
    """Modules that lie in a site directory and belong to no distribution."""
    found: dict[str, str] = {}
    for base in path:
        if os.path.basename(base) in _SITE:
            for name, file in _modules_in(base, []).items():
                if name not in modules and not name.startswith(("__editable__", "_virtualenv")):
                    found.setdefault(name, file)
    return found


def _user_site() -> "list[str]":
    return [site.getusersitepackages()] if site.ENABLE_USER_SITE else []


def _told() -> "dict[str, object]":
    path = [os.path.abspath(entry) for entry in sys.path if entry]
    installed = _installed(path)
    modules: dict[str, list[str]] = {}
    _spread({key: one.modules() for key, one in installed.items()}, "", modules)
    contents = {key: one.sources() for key, one in installed.items()}
    for key, sources in contents.items():
        for name in sources:
            modules[name] = sorted({*modules.get(name, ()), key})
    loose = _loose(path, modules)
    for name, file in loose.items():
        modules[name], contents["./" + name] = ["./" + name], {name: file}
    origins = {key: one.origin() for key, one in installed.items()}
    versions = {k: one.version + (origins[k] and " " + origins[k]) for k, one in installed.items()}
    versions.update(("./" + name, "") for name in loose)
    hooks = [os.path.join(base, e) for base in path for e in _listed(base) if e.endswith(".pth")]
    return {
        "prefix": sys.prefix,
        "versions": versions,
        "modules": modules,
        "contents": {key: sources for key, sources in contents.items() if sources},
        "stdlib": sorted({*getattr(sys, "stdlib_module_names", ()), *_standard_modules()}),
        "site": sorted({*path, *_user_site(), *(d for hook in hooks for d in _added_by(hook))}),
        "hooks": sorted(hooks),
        "compiled": _compiled_hook(),
    }


def _compiled_hook() -> str:
    """Where this Python keeps the compiled `path/sitecustomize.py`, made now if it can be; "" if nowhere.

    Runs write no bytecode, so each would compile it again: 1.6 ms a start.
    """
    from importlib.machinery import SourceFileLoader
    from importlib.util import cache_from_source

    here = os.path.dirname(os.path.abspath(__file__))
    source = os.path.join(here, "path", "sitecustomize.py")
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        SourceFileLoader("sitecustomize", source).get_code(
            "sitecustomize"
        )  # compiles, and keeps it
        return cache_from_source(source)
    except NotImplementedError:  # a Python without bytecode files
        return ""
    finally:
        sys.dont_write_bytecode = writes_none


def _standard_modules() -> "set[str]":
    """The standard library's top-level names, for a Python too old to know them."""
    if hasattr(sys, "stdlib_module_names"):
        return set()
    names = set(sys.builtin_module_names)
    top = os.path.dirname(os.__file__)
    for directory in (top, os.path.join(top, "lib-dynload")):
        for entry in _listed(directory):
            parts = _module(entry) or (entry,)
            names.add(parts[0])
    return names


def _times() -> "list[int]":
    """When the directories on the path last changed."""
    return [os.stat(entry).st_mtime_ns for entry in sys.path if os.path.isdir(entry)]


def main() -> None:
    # Not run with `-I`, which leaves the user's own site directory out: the node will have it.
    del sys.path[0]  # this script's directory
    for _ in range(3):  # again if something is being installed meanwhile
        before = _times()
        told = json.dumps(_told())
        if _times() == before:
            break
    sys.stdout.write("\n" + told + "\n")  # start-up hooks may have printed something


if __name__ == "__main__":
    main()
