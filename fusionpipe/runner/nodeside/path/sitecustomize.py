"""Runs at the start of every Python of a node: notes what is imported, lends out `fusionpipe`.

Each top-level name the process asks for, found or not, is appended to a file of its own in the
directory $FP_OBSERVED; names below a namespace package are noted in full, since several distributions
may share its top. Notes are made at once, not at exit: a process may end by os._exit or a signal.

It must never change what the code does: it leaves sys.path without its own directory, runs the
environment's own sitecustomize, holds no file open (a daemon closes descriptors it does not know, and
its next file would get our number), and fails in silence. Written for Python 3.6 and later.
"""

import os
import sys

_ABOVE = os.path.dirname
_HERE = _ABOVE(os.path.abspath(__file__))
_PACKAGE = _ABOVE(_ABOVE(_ABOVE(_HERE)))  # fusionpipe/, from fusionpipe/runner/nodeside/path/

# What is ours, and what start-up hooks load everywhere: those only wait for another import, which is
# noted when it comes.
_NOT_NOTED = ("sitecustomize", "usercustomize", "fusionpipe", "_distutils_hack", "_virtualenv")
_NEVER_NOTED = ("__editable__", "__main__", "__mp_main__", "_sysconfigdata")


class _Observer:
    """A finder that finds nothing and notes what was asked for."""

    def __init__(self, directory: str) -> None:
        self.file = os.path.join(directory, f"{os.getpid()}-{os.urandom(6).hex()}")
        self.noted = set(getattr(sys, "stdlib_module_names", ()))
        self.noted.update(_NOT_NOTED)

    def begin(self) -> None:
        """Notes whose Python this is, and (with a `+`) what is loaded already."""
        loaded = [name for name in sys.modules if self._is_new(name)]
        self.noted.update(loaded)
        # A namespace package may be made by a .pth file at every start: what is used below it counts.
        lines = ["+" + name for name in loaded if not _is_namespace(name)]
        self._append("\n".join(["=" + sys.prefix, *lines]))

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if self._is_new(name):
            self.noted.add(name)
            self._append(name)

    def _is_new(self, name: str) -> bool:
        if name in self.noted or name.startswith(_NEVER_NOTED):
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


class _Lender:
    """The last finder: gives the node-side `fusionpipe` to a Python that has none installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name != "fusionpipe":
            return None
        from importlib.machinery import ModuleSpec, SourceFileLoader

        file = os.path.join(_PACKAGE, "__init__.py")
        spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file, is_package=True)
        spec.submodule_search_locations = [_PACKAGE]
        spec.has_location = True
        return spec

    def invalidate_caches(self) -> None:
        """Asked of every finder; there is nothing to forget."""


def _is_namespace(name: str) -> bool:
    module = sys.modules.get(name)
    return hasattr(module, "__path__") and getattr(module, "__file__", None) is None


def _observe() -> None:
    directory = os.environ.get("FP_OBSERVED")  # noqa: TID251 - this is the node's side
    if directory and os.path.isdir(directory):
        observer = _Observer(directory)
        observer.begin()
        sys.meta_path.insert(0, observer)


def _hand_over() -> None:
    """Imports the sitecustomize that would have been found without ours; its errors are its own."""
    from importlib.machinery import PathFinder

    sys.path[:] = [p for p in sys.path if os.path.abspath(p) != _HERE or not p]
    if PathFinder.find_spec("sitecustomize") is not None:
        del sys.modules["sitecustomize"]  # the import system takes what stands here afterwards
        __import__("sitecustomize")


_observe()
sys.meta_path.append(_Lender())  # type: ignore[arg-type]  # a finder by its shape
_hand_over()
