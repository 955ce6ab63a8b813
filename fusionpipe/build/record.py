"""What a record says of its run besides its outputs: the manifest, and who made it, when, where, how."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Mapping
from typing import NamedTuple

from fusionpipe.build.lookup import Asked
from fusionpipe.runner.run import Exited
from fusionpipe.runner.tools import Tool
from fusionstore.contract import JsonObject


class Maker(NamedTuple):
    """Who runs a build, and where."""

    user: str
    host: str

    @classmethod
    def of_this_process(cls, ambient: Mapping[str, str]) -> Maker:
        """Asked once a build: the system reads a file to tell."""
        return cls(_user(ambient), os.uname().nodename)


def body_of(asked: Asked, exited: Exited, maker: Maker, build: str, reason: str) -> JsonObject:
    """The body of the record of a run that ended well."""
    tool = asked.tool
    assert isinstance(tool, Tool)
    return {
        "node": asked.node.name,
        "manifest": asked.manifest,
        "made": time.time(),
        "seconds": round(exited.seconds, 6),
        "cpu_seconds": round(exited.cpu_seconds, 6),
        "peak_bytes": exited.peak_bytes,
        "user": maker.user,
        "host": maker.host,
        "build": build,
        "reason": reason,
        "command": exited.run.shown,
        "tool": {"path": tool.path, "version": tool.version},
    }


def _user(ambient: Mapping[str, str]) -> str:
    """The user's name, or the number of one who has none (in a container)."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ambient.get("USER") or str(os.getuid())


def own_modules(asked: Asked) -> frozenset[str]:
    """The top-level Python modules that the node brings itself: they are in the key, not observed."""
    code = asked.node.code
    names = {file.at.partition("/")[0] for file in (() if code is None else code.files)}
    names.update(lib.name for lib in asked.node.libs)
    return frozenset(name.removesuffix(".py") for name in names)
