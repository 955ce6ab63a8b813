"""The generated names in a node's directory: links to its result, its log, its parents. Swapped atomically.

Nothing of the user's is ever replaced: a real `data/` is handed to `keep` first (L9), and a plain file or
foreign link under a generated name stays, with a sentence.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fusionpipe.build.given import swap_link
from fusionpipe.build.keep import move_aside
from fusionpipe.model import NodeName
from fusionstore.contract import Record
from fusionstore.digest import Digest
from fusionstore.errors import Corrupt
from fusionstore.tree import EMPTY_TREE

if TYPE_CHECKING:
    from fusionpipe.build.plain import PlainResults  # it is slow to import and seldom wanted
    from fusionpipe.build.state import NodeRow

Keep = Callable[[Path], object]
"""Takes a user's real directory out of the way, into the store, rooted. May raise UserDataInTheWay."""


class NodeLinks:
    """The links of one project's nodes. `tree_path` and `object_path` say where stored things lie."""

    def __init__(
        self,
        root: Path,
        store: Path,
        tree_path: Callable[[Digest], Path],
        object_path: Callable[[Digest], Path],
        keep: Keep,
        plain: PlainResults | None = None,
    ) -> None:
        """`plain` lays results out as files where the user wants no links."""
        self._root = root
        self._is_inside = store.is_relative_to(root)
        self._prefix = f"{root}/"
        self._tree_path = tree_path
        trees = tree_path(EMPTY_TREE.root).parent
        self._trees = f"{trees.relative_to(root) if self._is_inside else trees}/"
        self._object_path = object_path
        self._keep = keep
        self._plain = plain

    @property
    def shares_files(self) -> bool:
        """True when users see stored files under other names than a link's: an edit there is an edit here."""
        return self._plain is not None

    @property
    def trees(self) -> str:
        """What links to trees say before a digest, seen from the root; "" where results are no links."""
        return self._trees if self._plain is None else ""

    def text_for(self, node: NodeName, target: Path) -> str:
        """What a link in the node's directory says: relative while the store lies inside the project."""
        if not self._is_inside:
            return str(target)
        return "../" * (node.count("/") + 1) + str(target)[len(self._prefix) :]

    def _text_for_tree(self, node: NodeName, tree: Digest) -> str:
        """The same for a tree's path, which is not made for it: this is asked of every node."""
        up = "../" * (node.count("/") + 1) if self._is_inside else ""
        return f"{up}{self._trees}{tree}"

    def linked_root(self, node: NodeName, tree: Digest) -> tuple[int, int] | None:
        """(inode, mtime_ns) of the tree's directory if `data` links to it and it is there, else None."""
        data = f"{self._root}/{node}/data"
        try:
            if self._plain is not None:
                return _root_of(data) if self._plain.is_ours(node, "data") else None
            if os.readlink(data) != self._text_for_tree(node, tree):
                return None
            return _root_of(data)
        except OSError:
            return None

    def is_altered(self, tree: Digest, row: NodeRow) -> bool:
        """Whether a tree's root is other than it was when the node of this row was linked to it."""
        try:
            return row.tree == tree and row.root != _root_of(str(self._tree_path(tree)))
        except OSError:
            return True

    def is_complete(self, node: NodeName, record: Record, made: Sequence[str]) -> bool:
        """True if the node's directory shows the reports and a log too of the result it is linked to.

        `made` are the names that were made there for its code to read.
        """
        reports = record.slots.get("reports", EMPTY_TREE.root) != EMPTY_TREE.root
        here = f"{self._prefix}{node}"
        if record.log is not None and not os.path.exists(f"{here}/logs.txt"):
            return False
        if not all(os.path.lexists(f"{here}/{name.partition(' ')[0]}") for name in made):
            return False
        return not reports or self._shows(node, "reports", record.slots["reports"])

    def _shows(self, node: NodeName, name: str, tree: Digest) -> bool:
        try:
            if self._plain is not None:
                return self._plain.is_ours(node, name)
            return os.readlink(f"{self._prefix}{node}/{name}") == self._text_for_tree(node, tree)
        except OSError:
            return False

    def data_state(self, node: NodeName) -> str:
        """What `data` is: "link" (or laid by us), "none", "empty" or "real" (the user's own)."""
        data = f"{self._prefix}{node}/data"
        try:
            mode = os.lstat(data).st_mode
        except FileNotFoundError:
            return "none"
        is_ours = self._plain is not None and self._plain.is_ours(node, "data")
        if stat.S_ISLNK(mode) or is_ours:
            return "link"
        if not stat.S_ISDIR(mode):
            return "real"
        with os.scandir(data) as entries:
            return "empty" if next(entries, None) is None else "real"

    def link_result(self, node: NodeName, record: Record) -> None:
        """Links data, reports and the log of a result. Raises UserDataInTheWay, OSError."""
        put_tree = self.put if self._plain is None else self._plain.put_tree
        put_tree(node, "data", self._tree_path(record.slots["data"]))
        reports = record.slots.get("reports", EMPTY_TREE.root)
        if reports != EMPTY_TREE.root:
            put_tree(node, "reports", self._tree_path(reports))
        else:
            self._take_away(node, "reports")
        if record.log is not None:
            self._link_log(node, record.log)

    def _link_log(self, node: NodeName, log: Digest) -> None:
        try:
            place = self._object_path(log)
        except (KeyError, Corrupt):  # a result whose log is gone is still the result
            self._take_away(node, "logs.txt")
            return
        if self._plain is None:
            self.put(node, "logs.txt", place)
        else:
            self._make_room(node, "logs.txt")
            self._plain.put_file(node, "logs.txt", place)

    def put(self, node: NodeName, name: str, target: Path) -> None:
        """Points one generated name at something stored, moving the user's own aside first."""
        if self._plain is not None:
            self._make_room(node, name)
        self._put(f"{self._prefix}{node}/{name}", self.text_for(node, target))

    def put_source(self, node: NodeName, target: Path) -> None:
        """Points a source's data/ at the user's own directory elsewhere."""
        is_inside = target.is_relative_to(self._root)
        text = os.path.relpath(target, self._root / node) if is_inside else str(target)
        self._put(f"{self._prefix}{node}/data", text)

    def _make_room(self, node: NodeName, name: str) -> None:
        """Where results are plain files, one that we laid goes, and one of the user's is moved aside."""
        path = self._root / node / name
        if self._plain is None or path.is_symlink() or not path.is_file():
            return
        if self._plain.is_our_file(node, name):
            path.unlink()
        else:
            move_aside(path)

    def _put(self, path: str, text: str) -> None:
        try:
            os.symlink(text, path)
        except FileExistsError:
            self._replace(Path(path), text)

    def _take_away(self, node: NodeName, name: str) -> None:
        """Removes what an earlier result had there; leaves anything else."""
        path = f"{self._prefix}{node}/{name}"
        if os.path.islink(path):
            with suppress(FileNotFoundError):
                os.unlink(path)
        elif self._plain is not None and self._plain.is_ours(node, name):
            self._plain.clear(node, name)

    def _replace(self, path: Path, text: str) -> None:
        if path.is_symlink():
            if os.readlink(path) == text:
                return
        elif path.is_dir():
            self._keep(path)
        else:
            move_aside(path)
        swap_link(str(path), text)


def _root_of(data: str) -> tuple[int, int]:
    status = os.stat(data)
    return status.st_ino, status.st_mtime_ns
