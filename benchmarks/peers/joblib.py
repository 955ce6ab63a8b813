"""joblib.Memory: a function per node, remembered by its script and its parents' outputs, in two threads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.places import tool
from benchmarks.scripts import write_plain, write_table
from benchmarks.work import Peer, Work

_FLOW = """\
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from joblib import Memory

memory = Memory("cache", verbose=0)


@memory.cache(ignore=["command", "output"])
def run(name, script, inputs, command, output):
    subprocess.run(command, check=True)
    return Path(output).read_text()


def node(name, command, needs, inputs, output):
    text = run(name, Path(needs[0]).read_text(), [each.result() for each in inputs], command, output)
    place = Path(output)
    if not place.exists() or place.read_text() != text:
        place.write_text(text)
    return text


def main():
    results = {}
    with ThreadPoolExecutor(int(sys.argv[1])) as pool:
        for name, command, needs, parents, output in json.loads(Path("nodes.json").read_text()):
            inputs = [results[parent] for parent in parents]
            results[name] = pool.submit(node, name, command, needs, inputs, output)
    for each in results.values():
        each.result()


main()
"""


class Joblib(Peer):
    """`joblib.Memory` and as little around it as makes it a build."""

    name = "joblib"
    caches = True
    cuts_off = True

    def program(self) -> Path | None:
        path = tool(self.name, "python")
        return path if path.exists() else None

    def write(self, work: Work, directory: Path) -> None:
        write_plain(work, directory)
        write_table(work, directory)
        (directory / "flow.py").write_text(_FLOW)

    def command(self, work: Work) -> Sequence[str]:
        return [self.called(), "flow.py", str(work.jobs)]

    def version_command(self) -> Sequence[str]:
        return [self.called(), "-c", "import joblib; print(joblib.__version__)"]
