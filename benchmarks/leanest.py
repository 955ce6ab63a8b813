"""The least that an engine written in Python could do for each node; run by `peers/leanest.py`. Not a build tool.

It does what no engine that keeps fusionpipe's promises can leave out: a directory for the run, code and
parents linked into it, the process in its own session, the output read, hashed, made read-only and linked
into a store, its directory renamed to where it stays, one barrier for all that ended within 40 ms. It checks
nothing: no frozen copies of code, no keys, records, index, strays, logs of its own, failures or other builds.
Called again, it looks at what a no-op has to look at (five paths a node), and brings back links that are gone.

    leanest.py SLOTS        in a project of fusionpipe that has a `nodes` file
"""

import os
import sys
import threading

BETWEEN_BARRIERS = 0.040  # seconds
LARGEST = 1 << 20  # bytes of an output file: the nodes write a few


class Build:
    """One run through a graph, in order: a node starts once its parents have ended."""

    def __init__(self, slots: int) -> None:
        self.root = os.getcwd()
        self.results = os.path.join(self.root, ".leanest")
        self.trees: dict[str, str] = {}  # node → where its result lies
        with open("nodes") as file:
            self.nodes = [line.rstrip("\n").split("\t") for line in file]
        self.slots = [os.path.join(self.results, "slots", str(number)) for number in range(slots)]
        self.done = threading.Event()

    def run(self) -> None:
        """Runs everything; ends the process if a node fails."""
        self.lay_out()
        syncing = threading.Thread(target=self.sync_now_and_then)
        syncing.start()
        waiting, free = self.nodes[::-1], list(self.slots)
        running: dict[int, tuple[list[str], str]] = {}
        while waiting or running:
            while waiting and free and all(name in self.trees for name in waiting[-1][3:]):
                node, slot = waiting.pop(), free.pop()
                running[self.start(node, slot)] = node, slot
            pid, status = os.wait()
            node, slot = running.pop(pid)
            if status:
                os._exit(1)
            self.keep(node[0], slot)
            self.clear(node, slot)
            free.append(slot)
        self.done.set()
        syncing.join()
        self.remember()

    def lay_out(self) -> None:
        for number in range(256):
            os.makedirs(f"{self.results}/objects/{number:02x}")
        os.mkdir(f"{self.results}/trees")
        for slot in self.slots:
            for name in ("code", "data", "parents"):
                os.makedirs(f"{slot}/{name}")

    def start(self, node: list[str], slot: str) -> int:
        _, program, script, *parents = node
        entry = os.path.basename(script)
        os.link(f"{self.root}/{script}", f"{slot}/code/{entry}")
        for parent in parents:
            os.symlink(self.trees[parent], f"{slot}/parents/{parent}")
        os.chdir(f"{slot}/code")
        log = (os.POSIX_SPAWN_OPEN, 1, f"{slot}/logs.txt", os.O_WRONLY | os.O_CREAT, 0o644)
        both = [log, (os.POSIX_SPAWN_DUP2, 1, 2)]
        return os.posix_spawn(program, [program, entry], os.environ, file_actions=both, setsid=True)

    def keep(self, name: str, slot: str) -> None:
        from blake3 import blake3

        data, rows = f"{slot}/data", []
        for file in sorted(os.listdir(data)):
            path = f"{data}/{file}"
            descriptor = os.open(path, os.O_RDONLY)
            digest = blake3(os.read(descriptor, LARGEST)).hexdigest()
            os.fchmod(descriptor, 0o444)
            os.close(descriptor)
            rows.append(f"{file} {digest}")
            try:  # noqa: SIM105  contextlib would be imported for it
                os.link(path, f"{self.results}/objects/{digest[:2]}/{digest}")
            except FileExistsError:
                pass  # somebody wrote the same bytes
        tree = f"{self.results}/trees/{blake3(chr(0).join(rows).encode()).hexdigest()}"
        try:
            os.rename(data, tree)
        except OSError:  # somebody wrote the same tree
            os.rename(data, f"{slot}/{name}.same")
        os.mkdir(data)
        self.trees[name] = tree
        os.symlink(tree, f"{self.root}/{name}/data")

    def clear(self, node: list[str], slot: str) -> None:
        os.unlink(f"{slot}/code/{os.path.basename(node[2])}")
        for parent in node[3:]:
            os.unlink(f"{slot}/parents/{parent}")

    def sync_now_and_then(self) -> None:
        import ctypes

        syncfs = ctypes.CDLL(None).syncfs
        descriptor = os.open(self.root, os.O_RDONLY)
        while not self.done.wait(BETWEEN_BARRIERS):
            syncfs(descriptor)
        syncfs(descriptor)
        os.close(descriptor)

    def remember(self) -> None:
        with open(f"{self.results}/links", "w") as file:
            file.writelines(f"{name}\t{tree}\n" for name, tree in self.trees.items())

    def look(self) -> None:
        """What a no-op cannot do without, and links again what has lost its link."""
        os.stat(self.root)
        with open(f"{self.results}/links") as file:
            trees = dict(line.rstrip("\n").split("\t") for line in file)
        for name, _, script, *parents in self.nodes:
            os.stat(name)
            os.stat(f"{name}/code")
            os.stat(script)
            if parents:
                os.stat(f"{name}/node.toml")
            try:
                os.stat(f"{name}/data")
            except FileNotFoundError:
                os.symlink(trees[name], f"{name}/data")


def main(slots: int) -> None:
    """Builds, or looks at what was built."""
    build = Build(slots)
    if os.path.exists(f"{build.results}/links"):
        build.look()
    else:
        build.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
