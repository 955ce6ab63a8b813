"""What fusionpipe.toml and this machine's .fusionpipe/local.toml say of the whole project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fusionpipe.amounts import parse_size
from fusionpipe.errors import Problem
from fusionpipe.model import Params, ProjectSettings
from fusionpipe.params import canonical_params
from fusionpipe.project.nodefile import Declared, parse_defaults
from fusionpipe.project.reading import Reading
from fusionpipe.project.tomlfile import Fields, TomlFile, parse_toml
from fusionpipe.project.variables import check_variables

ROOT_FILE = "fusionpipe.toml"
LOCAL_FILE = ".fusionpipe/local.toml"

_SETTINGS = ("store", "link", "jobs", "python", "matlab", "pass", "quota")
_LINKS = ("symlink", "hardlink", "reflink", "copy")
_MATLABS = ("octave", "matlab")
_SHARED_ONLY = ("exclude", "defaults", "params")
_KEYED = (
    "params",
    "env",
    "secrets",
    "libs",
    "inputs",
    "lock",
    "tools",
    "seed",
    "version",
    "use",
    *_SHARED_ONLY,
)


class RootFile(NamedTuple):
    """The whole project's settings, and what its nodes get without saying so themselves."""

    settings: ProjectSettings
    defaults: Declared
    toml: TomlFile
    exclude: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()  # by local.toml and the root file, for every node


def read_root(reading: Reading) -> RootFile | None:
    """Both files, local.toml winning; None when one is no TOML. Mistakes are noted."""
    shared = _read(reading, ROOT_FILE, reading.read(ROOT_FILE))
    local = _read(reading, LOCAL_FILE, reading.read(LOCAL_FILE) or b"")
    if shared is None or local is None:
        return None
    fields = Fields(shared, shared.table, reading.problems)
    fields.refuse_unknown((*_SETTINGS, *_SHARED_ONLY))
    here = Fields(local, local.table, reading.problems)
    _refuse_keyed(here)
    defaults = parse_defaults(shared)
    reading.add(defaults.problems)
    params = canonical_params(fields.table("params"))
    return RootFile(
        settings=_settings(_Layers(here, fields), defaults, params),
        defaults=defaults,
        toml=shared,
        exclude=fields.texts("exclude"),
        passed=_passed(fields, here),
    )


def _read(reading: Reading, file: str, data: bytes | None) -> TomlFile | None:
    if data is None:
        reading.refuse(file, "is not there", "run: fp init")
        return None
    toml = parse_toml(file, data)
    if isinstance(toml, Problem):
        reading.add((toml,))
        return None
    return toml


def _refuse_keyed(local: Fields) -> None:
    for key in _KEYED:
        if key in local:
            local.refuse(
                (key,),
                f"{key} would change results on this machine only",
                f"move it to {ROOT_FILE}; local.toml may have: {', '.join(_SETTINGS)}",
            )
    mend = f"local.toml may have: {', '.join(_SETTINGS)}"
    local.refuse_unknown(_SETTINGS, mend, refused=_KEYED)


class _Layers(NamedTuple):
    """A setting as this machine has it, else as the project has it."""

    local: Fields
    shared: Fields

    def of(self, key: str) -> Fields:
        """The file that has the say on a setting."""
        return self.local if key in self.local else self.shared


def _settings(layers: _Layers, defaults: Declared, params: Params) -> ProjectSettings:
    python = layers.local.text("python") or defaults.python or layers.shared.text("python")
    return ProjectSettings(
        store=layers.of("store").text("store"),
        link=_one_of(layers.of("link"), "link", _LINKS) or _LINKS[0],
        jobs=_jobs(layers.of("jobs")),
        params=params,
        python=python,
        matlab=_one_of(layers.of("matlab"), "matlab", _MATLABS),
        quota=_quota(layers.of("quota")),
    )


def _one_of(fields: Fields, key: str, choices: tuple[str, ...]) -> str:
    text = fields.text(key)
    if not text or text in choices:
        return text
    listed = ", ".join(f'"{choice}"' for choice in choices)
    fields.refuse((key,), f'{key} cannot be "{text}"', f"it is one of {listed}")
    return ""


def _jobs(fields: Fields) -> int:
    jobs = fields.integer("jobs")
    if jobs < 0:
        fields.refuse(
            ("jobs",), "jobs cannot be negative", "write a number of slots, or 0 for the cores"
        )
        return 0
    return jobs


def _quota(fields: Fields) -> int:
    text = fields.text("quota")
    size = parse_size(text) if text else 0
    if size is None:
        fields.refuse(("quota",), f'"{text}" is no size', 'write it as "200G", "1.5T" or "500M"')
    return size or 0


def _passed(shared: Fields, local: Fields) -> tuple[str, ...]:
    names: Mapping[str, None] = {}
    for fields in (shared, local):
        _, passed, _ = check_variables(fields.only("pass"))  # the rest is refused elsewhere
        names = {**names, **dict.fromkeys(passed)}
    return tuple(names)
