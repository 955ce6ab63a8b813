"""FORMAT.md is enough to read a store: this reader is written from it and imports nothing of ours
but what writes. Golden digests hold the format still."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from blake3 import blake3

from fusionstore.bundle_write import Wanted, write_bundle
from fusionstore.contract import Draft, Root, Standing
from fusionstore.digest import ActionKey
from fusionstore.records import encode_record
from fusionstore.store import Store
from fusionstore.testing import key_of, write_tree
from fusionstore.tree import EMPTY_TREE, Entry, Kind, build

# -- the stranger's reader --------------------------------------------------------------------


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def hashed(data: bytes) -> str:
    return blake3(data).hexdigest()


def read_blob(store: Path, digest: str) -> bytes:
    plain = store / "objects" / digest[:2] / digest
    data = (plain if plain.exists() else plain.with_name(digest + "x")).read_bytes()
    assert hashed(data) == digest
    return data


def read_sheet(path: Path, title: str) -> tuple[str, Any, dict[str, bytes]]:
    data = path.read_bytes()
    body, last = data[:-72], data[-72:]
    assert last == f"blake3 {hashed(body)}\n".encode()
    first, text, rest = body.split(b"\n", 2)
    assert first.decode() == title
    blobs, at = {}, 0
    while at < len(rest) - 1:
        length = number(rest[at + 32 : at + 36])
        blobs[rest[at : at + 32].hex()] = rest[at + 36 : at + 36 + length]
        at += 36 + length
    return hashed(body), json.loads(text), blobs


def read_directory(data: bytes) -> list[tuple[str, str, str, int]]:
    title = b"fusionstore tree 1\n"
    assert data.startswith(title)
    entries, at = [], len(title)
    while at < len(data):
        kind, length = chr(data[at]), number(data[at + 1 : at + 5])
        name = data[at + 5 : at + 5 + length].decode()
        at += 5 + length
        if kind == "l":
            length = number(data[at : at + 4])
            entries.append((name, kind, data[at + 4 : at + 4 + length].decode(), 0))
            at += 4 + length
        else:
            entries.append((name, kind, data[at : at + 32].hex(), number(data[at + 32 : at + 40])))
            at += 40
    return entries


def read_files(
    store: Path, tree: str, encodings: dict[str, bytes], prefix: str = ""
) -> dict[str, str]:
    files: dict[str, str] = {}
    for name, kind, what, size in read_directory(encodings[tree]):
        if kind == "d":
            below = read_files(store, what, encodings, f"{prefix}{name}/")
            files |= below or {f"{prefix}{name}/": ""}
        elif kind == "l":
            files[prefix + name] = f"-> {what}"
        else:
            data = read_blob(store, what)
            assert len(data) == size
            files[("x:" if kind == "x" else "") + prefix + name] = data.decode()
    return files


# -- what it reads ----------------------------------------------------------------------------


def test_a_stranger_can_read_a_result(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    wide: dict[str, str | bytes] = {f"wide/file-{n:04}": str(n) for n in range(400)}
    files = wide | {"a": "1", "x:run": "2", "sub/ü\n": "3", "none/": "", "link": "-> sub"}
    tree = store.ingest(write_tree(tmp_path / "out", files))
    (tmp_path / "log").write_text("the log")
    log = store.ingest_file(tmp_path / "log")
    draft = Draft(key_of("k"), {"data": tree}, log=log, observed=["x"], body={"made": 3.5})
    store.commit([draft])
    store.close()

    key = key_of("k")
    assert json.loads((store.path / "store.json").read_text())["format"] == 1
    path = store.path / "actions" / key[:2] / key
    _, payload, encodings = read_sheet(path, "fusionstore record 1")
    encodings |= {digest: read_blob(store.path, digest) for digest in payload["spilled"]}
    assert payload["spilled"] != []
    assert (payload["key"], payload["standing"], payload["observed"]) == (key, "realisation", ["x"])
    assert read_files(store.path, payload["slots"]["data"], encodings) == files
    assert read_blob(store.path, payload["log"]) == b"the log"


def test_a_stranger_can_read_a_root(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    tree = store.ingest(write_tree(tmp_path / "mine", {"a": "1"}))
    store.write_root(Root("kept-1", trees=(tree.root,), encodings=dict(tree.directories)))
    store.close()
    _, payload, encodings = read_sheet(store.path / "roots" / "kept-1", "fusionstore root 1")
    assert payload == {"name": "kept-1", "records": [], "trees": [tree.root], "body": {}}
    assert read_files(store.path, tree.root, encodings) == {"a": "1"}


def read_bundle(data: bytes) -> list[tuple[str, str, bytes]]:
    """The members of a bundle: (kind, name, bytes); the manifest has no name."""
    body, last = data[:-72], data[-72:]
    assert last == f"blake3 {hashed(body)}\n".encode()
    title, body = body.split(b"\n", 1)
    assert title == b"fusionstore bundle 1"
    members = []
    while body:
        line, body = body.split(b"\n", 1)
        kind, *name, length = line.decode().split(" ")
        members.append((kind, "".join(name), body[: int(length)]))
        assert body[int(length) : int(length) + 1] == b"\n"
        body = body[int(length) + 1 :]
    return members


def test_a_stranger_can_read_a_bundle(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    wide: dict[str, str | bytes] = {f"wide/{n:0>200}": "" for n in range(70)}
    tree = store.ingest(write_tree(tmp_path / "out", wide | {"a": "1", "x:run": "2"}))
    source = store.ingest(write_tree(tmp_path / "source", {"raw": "3"}))
    store.write_root(Root("source-1", trees=(source.root,), encodings=dict(source.directories)))
    store.commit([Draft(key_of("k"), {"data": tree}, body={"made": 1})])
    (record,) = store.records(key_of("k"))
    parts: list[bytes] = []
    write_bundle(store, Wanted([record.id], [source.root]), parts.append)
    store.close()

    (kind, _, manifest), *members = read_bundle(b"".join(parts))
    assert kind == "manifest"
    told = json.loads(manifest)
    assert (told["records"], told["trees"]) == ([record.id], [source.root])
    assert (told["data"], told["blobs"], told["bytes"]) == (True, 4, 3)
    assert members == sorted(
        members, key=lambda one: (["record", "tree", "blob"].index(one[0]), one[1])
    )
    path = store.path / "actions" / record.key[:2] / record.key
    assert [data for kind, _, data in members if kind == "record"] == [path.read_bytes()]
    assert all(hashed(data) == name for kind, name, data in members if kind != "record")
    _, payload, encodings = read_sheet(path, "fusionstore record 1")
    given = {name: data for kind, name, data in members if kind == "tree"}
    assert set(given) == {*payload["spilled"], source.root}
    blobs = {name for kind, name, _ in members if kind == "blob"}
    assert blobs == {hashed(text.encode()) for text in ("", "1", "2", "3")}
    assert (told["bytes"], len(encodings)) == (3, 1)


def test_the_format_stands_still() -> None:
    tree = build(
        {
            "a": Entry("a", Kind.FILE, key_of("blob"), 4),  # type: ignore[arg-type]  # any digest does
            "d/x": Entry("x", Kind.EXECUTABLE, key_of("other"), 5),  # type: ignore[arg-type]
            "l": Entry("l", Kind.SYMLINK, target="a"),
            "empty": Entry("empty", Kind.DIRECTORY),
        }
    )
    draft = Draft(
        ActionKey("0" * 64), {"data": tree}, observed={"b": 1, "a": "ü"}, body={"made": 1}
    )
    record = encode_record(draft, Standing.REALISATION)
    assert hashed(EMPTY_TREE.directories[EMPTY_TREE.root]) == EMPTY_TREE.root
    assert (EMPTY_TREE.root[:16], tree.root[:16], hashed(record)[:16]) == GOLDEN


GOLDEN = ("c0a423b1fa0b19da", "112734c26efb53b5", "ce197e4f0b57cbff")
