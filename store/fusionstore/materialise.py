"""Making a tree stand in its place from objects: a directory of hard links, renamed in whole.

Every object is proven before it gets a name in a tree. What stands in the place is never touched here.
"""

from __future__ import annotations

import errno
import os

from fusionstore.arrivals import Arrivals, Arrived
from fusionstore.errors import TreeLost
from fusionstore.layout import Layout, blob_name
from fusionstore.objects import Objects
from fusionstore.scratch import Scratch
from fusionstore.seal import directory_row, file_row, link_row, seal
from fusionstore.tree import Entry, Kind, Tree


class _Laid:
    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.blobs: set[str] = set()
        self.directories: list[str] = []
        self.loose: list[str] = []


class Materialise:
    """Lays trees out."""

    def __init__(
        self, layout: Layout, objects: Objects, arrivals: Arrivals, scratch: Scratch
    ) -> None:
        self._layout = layout
        self._objects = objects
        self._arrivals = arrivals
        self._scratch = scratch

    def stand(self, tree: Tree) -> None:
        """Makes the tree stand at its place. Raises TreeLost if an object it needs is lost."""
        laid = _Laid()
        temporary = self._scratch.fresh()
        os.mkdir(temporary, 0o755)
        os.chmod(temporary, 0o755)  # whatever the umask
        try:
            for path, entry in tree.walk():
                self._lay(tree, temporary, path, entry, laid)
            os.rename(temporary, self._layout.tree(tree.root))
        except OSError as error:
            self._scratch.trash(temporary)
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return  # another process was faster; its tree has no seal we know, so it will be looked at
        except TreeLost:
            self._scratch.trash(temporary)
            raise
        blobs, directories, loose = (
            frozenset(laid.blobs),
            tuple(laid.directories),
            tuple(laid.loose),
        )
        self._arrivals.add_tree(Arrived(tree, seal(laid.rows), blobs, directories, loose))

    def _lay(self, tree: Tree, root: str, path: str, entry: Entry, laid: _Laid) -> None:
        target = f"{root}/{path}"
        if entry.kind is Kind.DIRECTORY:
            os.mkdir(target, 0o755)
            os.chmod(target, 0o755)
            laid.directories.append(path)
            laid.rows.append(directory_row(path))
        elif entry.kind is Kind.SYMLINK:
            os.symlink(entry.target, target)
            laid.rows.append(link_row(path, entry.target))
        else:
            executable = entry.kind is Kind.EXECUTABLE
            name = blob_name(entry.digest, executable=executable)
            there = self._objects.link_out(name, target)
            if there is None:
                raise TreeLost(tree.root, f"the bytes of {path!r} are gone")
            laid.blobs.add(name)
            if there != self._arrivals.stamp(name):  # a copy
                laid.loose.append(path)
            laid.rows.append(file_row(path, executable, there))
