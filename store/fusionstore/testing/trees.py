"""What a store must do with directories and files."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from fusionstore.contract import (
    ResultStore,
)
from fusionstore.digest import EMPTY_BLOB, digest_bytes
from fusionstore.errors import TreeLost, UnstorableFile
from fusionstore.testing.results import (
    read_back,
    write_tree,
)
from fusionstore.tree import EMPTY_TREE, Entry, Kind, build


class TreeChecks:
    """Bringing in trees and blobs."""

    # -- trees ------------------------------------------------------------------------------
    def test_an_ingested_directory_stands_at_its_tree_with_all_it_held(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        files: dict[str, str | bytes] = {
            "a.txt": "a",
            "x:run.sh": "echo",
            "sub/deep/b": "b",
            "sub/empty/": "",
            "link": "-> sub/deep/b",
            "\n": "newline",
            "nothing": "",
        }
        tree = store.ingest(write_tree(tmp_path / "out", files))
        assert read_back(store.materialise(tree.root)) == {**files}
        assert store.tree_path(tree.root) == store.materialise(tree.root)
        assert not (tmp_path / "out").exists()

    def test_a_tree_is_named_by_its_contents_alone(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        one = write_tree(tmp_path / "one", {"b": "2", "a": "1"})
        (one / "a").chmod(0o600)
        os.utime(one / "b", (1, 1))
        two = write_tree(tmp_path / "two", {"a": "1", "b": "2"})
        entries = {
            "a": Entry("a", Kind.FILE, digest_bytes(b"1"), 1),
            "b": Entry("b", Kind.FILE, digest_bytes(b"2"), 1),
        }
        assert build(entries).root == store.ingest(one).root == store.ingest(two).root

    def test_a_file_name_that_is_no_text_survives(self, store: ResultStore, tmp_path: Path) -> None:
        directory = write_tree(tmp_path / "out", {})
        Path(os.fsdecode(os.fsencode(directory) + b"/\xff\xfe")).write_text("raw")
        tree = store.ingest(directory)
        assert os.listdir(os.fsencode(store.materialise(tree.root))) == [b"\xff\xfe"]

    def test_an_empty_directory_is_a_tree(self, store: ResultStore, tmp_path: Path) -> None:
        assert store.ingest(write_tree(tmp_path / "out", {})) == EMPTY_TREE
        assert store.ingest(write_tree(tmp_path / "out2", {})) == EMPTY_TREE
        assert read_back(store.check(EMPTY_TREE.root)) == {}

    def test_a_copy_leaves_the_callers_directory_alone(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        mine = write_tree(tmp_path / "mine", {"a": "1", "x:b": "2", "c/": ""})
        tree = store.ingest_copy(mine)
        (mine / "a").write_text("edited")
        assert read_back(store.check(tree.root)) == {"a": "1", "x:b": "2", "c/": ""}
        assert read_back(mine) == {"a": "edited", "x:b": "2", "c/": ""}

    @pytest.mark.parametrize("target", ["../outside", "/etc/passwd", "sub/../../outside"])
    def test_a_link_that_leaves_the_directory_is_refused(
        self, store: ResultStore, tmp_path: Path, target: str
    ) -> None:
        directory = write_tree(tmp_path / "out", {"sub/": "", "link": f"-> {target}"})
        with pytest.raises(UnstorableFile, match="link"):
            store.ingest(directory)

    def test_a_fifo_is_refused(self, store: ResultStore, tmp_path: Path) -> None:
        directory = write_tree(tmp_path / "out", {})
        os.mkfifo(directory / "pipe")
        with pytest.raises(UnstorableFile, match="fifo"):
            store.ingest(directory)

    def test_a_socket_is_refused(
        self, store: ResultStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = write_tree(tmp_path / "out", {})
        monkeypatch.chdir(directory)  # a socket's whole path has to be short
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s")
            with pytest.raises(UnstorableFile, match="socket"):
                store.ingest(directory)

    def test_a_tree_of_stored_blobs_can_be_made_to_stand(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        (tmp_path / "main.py").write_text("print()")
        digest = store.store_file(tmp_path / "main.py", executable=True)
        tree = build({"lib/main.py": Entry("main.py", Kind.EXECUTABLE, digest, 7)})
        assert read_back(store.adopt(tree)) == {"x:lib/main.py": "print()"}
        missing = build({"f": Entry("f", Kind.FILE, digest_bytes(b"never"), 5)})
        with pytest.raises(TreeLost):
            store.adopt(missing)

    # -- blobs ------------------------------------------------------------------------------
    def test_a_stored_file_is_a_copy(self, store: ResultStore, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        mine.write_text("before")
        digest = store.store_file(mine)
        mine.write_text("after")
        assert digest == digest_bytes(b"before")
        assert store.object_path(digest).read_text() == "before"

    def test_a_large_file_is_stored_by_its_digest(self, store: ResultStore, tmp_path: Path) -> None:
        data = bytes(range(256)) * 10_000
        (tmp_path / "big").write_bytes(data)
        digest = store.store_file(tmp_path / "big", executable=True)
        path = store.object_path(digest, executable=True)
        assert (digest_bytes(data), True) == (digest, os.access(path, os.X_OK))
        assert path.read_bytes() == data

    def test_an_unknown_blob_is_a_key_error(self, store: ResultStore) -> None:
        with pytest.raises(KeyError):
            store.object_path(digest_bytes(b"never"))

    def test_the_empty_blob_can_be_stored(self, store: ResultStore, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"")
        assert store.ingest_file(tmp_path / "log") == EMPTY_BLOB
