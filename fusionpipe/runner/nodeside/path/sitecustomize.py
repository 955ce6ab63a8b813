"""Runs at the start of every Python of a node: notes what is imported, lends out `fusionpipe`.

Each top-level name the process asks for, found or not, is appended to a file of its own in the
directory $FP_OBSERVED; names below a namespace package are noted in full, since several distributions
may share its top. Notes are made at once, not at exit: a process may end by os._exit or a signal. Only
those of the start are written together, when it is over: until then no code of the node's has run.

It must never change what the code does: it leaves sys.path without its own directory, runs the
environment's own sitecustomize, holds no file open (a daemon closes descriptors it does not know, and
its next file would get our number), and fails in silence. Every Python of every node pays for what is
done here at the start, so it imports nothing but what is loaded anyway. Written for Python 3.6 and later.
"""

import os
import sys

_HERE = __file__.rpartition(os.sep)[0]  # as it stands on sys.path

# What is ours, and what start-up hooks load everywhere: those only wait for another import, which is
# noted when it comes.
_NOT_NOTED = ("sitecustomize", "usercustomize", "fusionpipe", "_distutils_hack", "_virtualenv")
_NEVER_NOTED = ("__editable__", "__main__", "__mp_main__", "_sysconfigdata")
_STANDARD: "frozenset[str]" = getattr(sys, "stdlib_module_names", frozenset())


class _Observer:
    """The first finder: finds nothing, and notes what is asked for. `directory` may be None."""

    def __init__(self, directory: "str | None") -> None:
        self.directory = directory
        self.file = ""  # none yet: the notes of the start are gathered
        self.noted = set(_NOT_NOTED)
        # A namespace package may be made by a .pth file at every start: what is used below it counts.
        loaded = [name for name in sys.modules if self._is_new(name)]
        self.noted.update(loaded)
        self.lines = ["=" + sys.prefix, *("+" + n for n in loaded if not _is_namespace(n))]

    def end_start(self) -> None:
        """Writes whose Python this is, what was loaded (with a `+`) and what was asked for so far."""
        if self.directory:
            self.file = f"{self.directory}/{os.getpid()}-{os.urandom(6).hex()}"
            self._append("\n".join(self.lines))

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if self._is_new(name):
            self.noted.add(name)
            if self.file:
                self._append(name)
            else:
                self.lines.append(name)
        elif name == "fusionpipe":
            _lend()

    def _is_new(self, name: str) -> bool:
        if name in _STANDARD or name in self.noted or name.startswith(_NEVER_NOTED):
            return False
        above = name.rpartition(".")[0]
        return not above or _is_namespace(above)

    def invalidate_caches(self) -> None:
        """Asked of every finder; there is nothing to forget."""

    def _append(self, line: str) -> None:
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            fd = os.open(self.file, flags, 0o644)
            try:
                os.write(fd, (line + "\n").encode("utf-8", "surrogateescape"))
            finally:
                os.close(fd)
        except OSError:
            pass  # the directory is gone or not ours to write: that is no concern of the code's


def _is_namespace(name: str) -> bool:
    module = sys.modules.get(name)
    return hasattr(module, "__path__") and getattr(module, "__file__", None) is None


def _lend() -> None:
    """Gives the node-side `fusionpipe` to a Python that has none installed: a last finder, once it is asked."""
    from importlib.machinery import ModuleSpec, SourceFileLoader

    package = os.path.abspath(os.path.join(_HERE, "..", "..", ".."))

    class Lender:
        def find_spec(self, name: str, path: object = None, target: object = None) -> object:
            if name != "fusionpipe":
                return None
            file = os.path.join(package, "__init__.py")
            spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file, is_package=True)
            spec.submodule_search_locations = [package]
            spec.has_location = True
            return spec

        def invalidate_caches(self) -> None:
            """Asked of every finder; there is nothing to forget."""

    sys.meta_path.append(Lender())  # type: ignore[arg-type]  # a finder by its shape


def _hand_over() -> None:
    """Imports the sitecustomize that would have been found without ours; its errors are its own."""
    sys.path[:] = [entry for entry in sys.path if entry != _HERE]
    ours = sys.modules.pop("sitecustomize")
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        # The import system takes what stands here afterwards, and fails without.
        sys.modules.setdefault("sitecustomize", ours)


def _begin() -> None:
    observer = _Observer(os.environ.get("FP_OBSERVED"))  # noqa: TID251 - this is the node's side
    sys.meta_path.insert(0, observer)
    try:
        _hand_over()
    finally:
        observer.end_start()


_begin()
