"""`fp diff`, its words parsed: finds what differs, and shows it in the form that was asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from fusionpipe.build.between import BuildDifference, compare_refs
from fusionpipe.build.difference import ALL_PARTS, Part, ResultDifference, Scope
from fusionpipe.cli.found import tell_note
from fusionpipe.cli.place import opened_archive
from fusionpipe.compare import NO_LIMITS, Looks
from fusionpipe.errors import UsageError
from fusionpipe.report.compared import REST, Form, View, render_results
from fusionpipe.report.compared_builds import render_builds
from fusionpipe.report.diff import Depth
from fusionpipe.report.diff_json import render_json
from fusionpipe.settings import ambient, wants_colour

_NO_END = 1 << 60
_CODE = Looks()
_DATA = Looks(files=30, lines=40, examples=5)
_STAT = Looks(files=1000, lines=0, examples=0)


class DiffOptions(NamedTuple):
    """What `fp diff` was told besides the two refs."""

    paths: Sequence[str] = ()
    data: bool = False
    code: bool = False
    params: bool = False
    stat: bool = False
    name_only: bool = False
    full: bool = False
    key: Sequence[str] = ()
    json: bool = False
    directory: str | None = None

    @property
    def parts(self) -> frozenset[Part]:
        """What is compared: what was asked for, else everything."""
        asked = ((Part.DATA, self.data), (Part.CODE, self.code), (Part.PARAMS, self.params))
        return frozenset(part for part, is_asked in asked if is_asked) or ALL_PARTS

    @property
    def form(self) -> Form:
        """How files are told."""
        if self.stat and self.name_only:
            raise UsageError("--stat and --name-only cannot be given together")
        return Form.STAT if self.stat else Form.NAMES if self.name_only else Form.FULL


def do_diff(old: str, new: str, options: DiffOptions) -> int:
    """Prints how two results or builds differ; 1 if they do, else 0."""
    scope = _scope(options)
    with opened_archive(options.directory) as (archive, here):
        difference = compare_refs(archive, (old, new), here, scope)
    if isinstance(difference, ResultDifference):
        tell_note(difference.old)
        tell_note(difference.new)
    if options.json:
        render_json(difference, out=sys.stdout)
        return 0 if difference.is_equal else 1
    depth = Depth(_NO_END if options.full else _DATA.files, rest=REST)
    view = View(options.form, time.time(), depth, options.parts, has_paths=bool(options.paths))
    colour = wants_colour(ambient(), is_terminal=sys.stdout.isatty())
    if isinstance(difference, BuildDifference):
        render_builds(difference, view, out=sys.stdout, colour=colour)
    else:
        render_results(difference, view, out=sys.stdout, colour=colour)
    return 0 if difference.is_equal else 1


def _scope(options: DiffOptions) -> Scope:
    key = tuple(options.key)
    code, data = (None if looks is None else looks._replace(key=key) for looks in _looks(options))
    return Scope(options.parts, tuple(options.paths), data=data, code=code)


def _looks(options: DiffOptions) -> tuple[Looks | None, Looks | None]:
    """How closely code and data are looked into; None for names alone."""
    match options.form:
        case Form.NAMES:
            return None, None
        case Form.STAT:
            return _STAT, _STAT
        case Form.FULL:
            return (NO_LIMITS, NO_LIMITS) if options.full else (_CODE, _DATA)
