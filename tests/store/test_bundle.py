"""Bundles: what is written is read back whole, and whatever else somebody made of one is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionstore.bundle import TITLE, BadBundle, Manifest, Member, encode_manifest, header
from fusionstore.bundle_limits import Survey
from fusionstore.bundle_read import read_bundle
from fusionstore.bundle_write import CannotBundle
from fusionstore.contract import Draft, FullRecord, JsonObject, Record, Standing
from fusionstore.digest import Digest, RecordId, digest_bytes
from fusionstore.errors import DiskRefused
from fusionstore.records import RECORD_TITLE, decode_sheet, encode_record, encode_sheet
from fusionstore.store import Store
from fusionstore.testing import (
    anything,
    bundle_of,
    import_bundle,
    key_of,
    publish,
    read_back,
    result_of,
    write_tree,
)
from fusionstore.tree import Entry, Kind, Tree, build, encode

Files = dict[str, "str | bytes"]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Store]]:
    """Makes stores; all are closed in the end."""
    made: list[Store] = []

    def make() -> Store:
        made.append(Store.open(tmp_path_factory.mktemp("store") / "store"))
        return made[-1]

    yield make
    for store in made:
        store.close()


def publish_rich(store: Store, scratch: Path) -> Record:
    """A result with everything a record can have: two outputs, code, a log, long directories, links."""
    wide: Files = {f"wide/{n:0>200}": str(n) for n in range(70)}
    data = store.ingest(
        write_tree(scratch / "data", wide | {"x:run": "2", "sub/a": "1", "l": "-> sub"})
    )
    reports = store.ingest(write_tree(scratch / "reports", {"plot": "p", "none/": ""}))
    code = store.ingest(write_tree(scratch / "code", {"main.py": "print()", "run": "2"}))
    (scratch / "log").write_text("the log")
    log = store.ingest_file(scratch / "log")
    body: JsonObject = {"made": 5, "seconds": 2}
    slots = {"data": data, "reports": reports}
    return publish(store, Draft(key_of("rich"), slots, {"code": code}, log, ["x"], body)).record


@pytest.fixture(scope="module")
def rich(
    stores: Callable[[], Store], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], bytes]:
    """Gives a bundle (hypothesis would print the bytes themselves)."""
    store = stores()
    made = bundle_of(store, publish_rich(store, tmp_path_factory.mktemp("rich")).id)
    return lambda: made


def files_of(store: Store) -> dict[str, bytes]:
    """Every file a store consists of, by its path: what the index holds is derived from these."""
    return {
        str(path.relative_to(store.path)): path.read_bytes()
        for place in ("objects", "actions", "roots")
        for path in (store.path / place).rglob("*")
        if path.is_file()
    }


# -- there and back -----------------------------------------------------------------------------
NAMES = st.sampled_from(
    ["a", "b", "x:c", "sub/d", "sub/deep/e", "x:sub/f", "none/", "ü\n", "sub/l"]
)
TREES = st.dictionaries(NAMES, st.sampled_from(["", "1", "22", "3" * 70_000]), max_size=6).map(
    lambda files: {
        name: "" if name.endswith("/") else ("-> ../a" if name.endswith("l") else text)
        for name, text in files.items()
    }
)


@settings(max_examples=25, deadline=None)
@given(data=TREES, code=TREES, log=st.booleans(), has_data=st.booleans())
def test_whatever_is_exported_is_imported_the_same(
    stores: Callable[[], Store],
    tmp_path_factory: pytest.TempPathFactory,
    data: Files,
    code: Files,
    log: bool,
    has_data: bool,
) -> None:
    here, scratch = stores(), tmp_path_factory.mktemp("scratch")
    draft = Draft(
        key_of("k"),
        {"data": here.ingest(write_tree(scratch / "data", data))},
        {"code": here.ingest(write_tree(scratch / "code", code))},
        here.store_file(write_tree(scratch / "log", {"f": "log"}) / "f") if log else None,
        body={"made": 1},
    )
    record = publish(here, draft).record
    bundle = bundle_of(here, record.id, has_data=has_data)
    there = stores()
    (imported,) = import_bundle(there, bundle)
    assert imported == record._replace(standing=Standing.IMPORTED)
    full, known = there.read_record(record.id), here.read_record(record.id)
    assert full == known._replace(record=imported)
    assert read_back(there.check(full.keeps["code"])) == read_back(here.check(known.keeps["code"]))
    assert log is (full.record.log is not None)
    if full.record.log is not None:
        assert there.object_path(full.record.log).read_text() == "log"
    if has_data:
        assert read_back(there.check(record.slots["data"])) == data
    assert there.lookup(record.key, anything) is None
    assert bundle_of(there, record.id, has_data=has_data) == bundle


def test_two_exports_of_a_result_are_equal_bytes_whatever_else_the_store_holds(
    stores: Callable[[], Store], tmp_path: Path
) -> None:
    bundles = []
    for word in ("one", "two"):
        store = stores()
        publish(store, result_of(store, tmp_path, key_of(word), {"f": word}))
        (tmp_path / word).mkdir()
        bundles.append(bundle_of(store, publish_rich(store, tmp_path / word).id))
    assert bundles[0] == bundles[1]


def test_the_beginning_of_a_bundle_can_be_read_by_people(rich: Callable[[], bytes]) -> None:
    title, manifest, rest = rich().split(b"\n", 2)
    assert (title + b"\n", manifest.split()[0]) == (TITLE, b"manifest")
    assert b"\ntree " in rest  # a spilled directory is among what all tests here go through
    told = json.loads(rest[: int(manifest.split()[1])])
    # equal files are carried once: the 70 wide ones, the plot, main.py, the log
    assert (told["data"], told["blobs"], told["about"]) == (True, 73, "a test")


def test_a_result_whose_bytes_are_gone_is_not_exported_and_says_what_to_do(
    stores: Callable[[], Store], tmp_path: Path
) -> None:
    store = stores()
    record = publish(store, result_of(store, tmp_path, key_of("k"), {"f": "bytes"})).record
    digest = digest_bytes(b"bytes")
    (store.path / "objects" / digest[:2] / digest).unlink()
    with pytest.raises(CannotBundle, match="--no-data"):
        bundle_of(store, record.id)
    assert len(bundle_of(store, record.id, has_data=False)) > 0


# -- altered on the way -------------------------------------------------------------------------
def refused(store: Store, bundle: bytes, reason: str = "is refused") -> None:
    before = files_of(store)
    with pytest.raises(BadBundle, match=reason):
        import_bundle(store, bundle)
    assert files_of(store) == before
    assert store.roots() == []


def altered(bundle: bytes, at: int, by: int) -> bytes:
    return bundle[:at] + bytes([bundle[at] ^ by]) + bundle[at + 1 :]


@settings(max_examples=60, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), by=st.integers(1, 255))
def test_one_altered_byte_anywhere_is_refused_with_nothing_stored(
    stores: Callable[[], Store], rich: Callable[[], bytes], where: float, by: int
) -> None:
    refused(_only(stores), altered(rich(), int(where * len(rich())), by))


def test_every_altered_byte_of_the_first_and_the_last_lines_is_refused(
    stores: Callable[[], Store], rich: Callable[[], bytes]
) -> None:
    size = len(rich())
    for at in (*range(120), *range(size - 90, size)):
        refused(_only(stores), altered(rich(), at, 1))


@settings(max_examples=40, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True))
def test_a_torn_bundle_is_refused_with_nothing_stored(
    stores: Callable[[], Store], rich: Callable[[], bytes], where: float
) -> None:
    refused(_only(stores), rich()[: int(where * len(rich()))])


def test_bytes_after_the_end_are_refused(
    stores: Callable[[], Store], rich: Callable[[], bytes]
) -> None:
    refused(_only(stores), rich() + b"\n", "follows after its end")
    refused(_only(stores), rich() + rich(), "follows after its end")


_ONE: list[Store] = []


def _only(stores: Callable[[], Store]) -> Store:
    """One empty store for all that is refused: it has to stay empty."""
    if not _ONE:
        _ONE.append(stores())
    return _ONE[0]


# -- made by somebody who means harm --------------------------------------------------------------
def sealed(*parts: bytes) -> bytes:
    """A bundle of these parts whose last line is right."""
    body = b"".join(parts)
    return body + b"blake3 " + blake3(body).hexdigest().encode() + b"\n"


def member(kind: Member, digest: str, data: bytes) -> bytes:
    return header(kind, digest, len(data)) + data + b"\n"


def record_file(tree: Tree, **changes: Any) -> bytes:
    draft = Draft(key_of("k"), {"data": tree})
    sheet = decode_sheet(RECORD_TITLE, encode_record(draft, Standing.REALISATION), "test")
    return encode_sheet(RECORD_TITLE, {**sheet.payload, **changes}, sheet.blobs)


def bundle(
    record: bytes, files: dict[str, bytes], spilled: dict[str, bytes] | None = None, **changes: Any
) -> bytes:
    """A bundle of one record, right in all that is not `changes` to its manifest."""
    id = RecordId(record[-65:-1].decode())
    size = sum(map(len, files.values()))
    manifest = Manifest((id,), (), True, len(files), size, None)._replace(**changes)
    return sealed(
        TITLE,
        encode_manifest(manifest),
        member(Member.RECORD, id, record),
        *(member(Member.TREE, name, data) for name, data in sorted((spilled or {}).items())),
        *(member(Member.BLOB, name, data) for name, data in sorted(files.items())),
    )


DATA = b"bytes"
BLOB = digest_bytes(DATA)
GOOD = build({"f": Entry("f", Kind.FILE, BLOB, len(DATA))})


def raw_tree(*entries: tuple[bytes, bytes, bytes]) -> Tree:
    """A tree of one directory whose entries nobody checked."""
    data = b"fusionstore tree 1\n"
    for kind, name, rest in entries:
        data += kind + len(name).to_bytes(4, "big") + name + rest
    return Tree(digest_bytes(data), {digest_bytes(data): data})


FILE = bytes.fromhex(BLOB) + len(DATA).to_bytes(8, "big")


def linked(target: str, **others: Entry) -> Tree:
    return build({"d/l": Entry("l", Kind.SYMLINK, target=target), **others})


def nested(depth: int) -> Tree:
    return build({"/".join(["d"] * depth) + "/f": Entry("f", Kind.FILE, BLOB, len(DATA))})


def doubled(times: int) -> Tree:
    """A tree of a few thousand bytes with 2**times names."""
    below, directories = GOOD.root, dict(GOOD.directories)
    size = len(DATA)
    for _ in range(times):
        size *= 2
        data = encode([Entry(name, Kind.DIRECTORY, below, size // 2) for name in "ab"])
        below = digest_bytes(data)
        directories[below] = data
    return Tree(below, directories)


HOSTILE_TREES: dict[str, tuple[Tree, str]] = {
    "..": (raw_tree((b"f", b"..", FILE)), "bad name"),
    "a path": (raw_tree((b"f", b"../x", FILE)), "bad name"),
    "absolute": (raw_tree((b"f", b"/etc/x", FILE)), "bad name"),
    "no name": (raw_tree((b"f", b"", FILE)), "bad name"),
    "twice": (raw_tree((b"f", b"a", FILE), (b"f", b"a", FILE)), "out of order"),
    "order": (raw_tree((b"f", b"b", FILE), (b"f", b"a", FILE)), "out of order"),
    "kind": (raw_tree((b"p", b"a", FILE)), "cannot be read"),
    "claims a long name": (raw_tree((b"f", b"a", FILE[:20])), "cannot be read"),
    "too long a name": (build({"n" * 256: Entry("", Kind.FILE, BLOB, 5)}), "longer than"),
    "link up": (linked("../../x"), "leads out"),
    "link to root": (linked("/etc/passwd"), "leads out"),
    "link through a link": (
        linked(
            "s/../../x",
            **{
                "d/s": Entry("s", Kind.SYMLINK, target="../e"),
                "e/f": Entry("f", Kind.FILE, BLOB, 5),
            },
        ),
        "leads out",
    ),
    "link through nothing": (linked("no/../../../x"), "leads out"),
    "link to nothing": (linked(""), "no name"),
    "too deep": (nested(302), "nested"),
    "too many names": (doubled(60), "names"),
    "wrong size below": (
        Tree(
            digest_bytes(encode([Entry("d", Kind.DIRECTORY, GOOD.root, 99)])),
            {
                **GOOD.directories,
                digest_bytes(encode([Entry("d", Kind.DIRECTORY, GOOD.root, 99)])): encode(
                    [Entry("d", Kind.DIRECTORY, GOOD.root, 99)]
                ),
            },
        ),
        "size",
    ),
}


@pytest.mark.parametrize("harm", HOSTILE_TREES)
def test_a_tree_that_must_not_be_is_refused(stores: Callable[[], Store], harm: str) -> None:
    tree, reason = HOSTILE_TREES[harm]
    refused(_only(stores), bundle(record_file(tree), {BLOB: DATA}), reason)


@pytest.mark.parametrize(
    "target", ["../f", "s", "s/../f", "no", "l", "../d/../d/l", "./s//", "s/g"]
)
def test_links_that_stay_inside_are_taken(
    stores: Callable[[], Store], tmp_path: Path, target: str
) -> None:
    others = {
        "f": Entry("", Kind.FILE, BLOB, 5),
        "d/s": Entry("", Kind.SYMLINK, target="../e"),
        "e/g": Entry("", Kind.FILE, BLOB, 5),
    }
    tree = linked(target, **others)
    store = stores()
    (record,) = import_bundle(store, bundle(record_file(tree), {BLOB: DATA}))
    assert read_back(store.check(record.slots["data"]))["d/l"] == f"-> {target}"


OTHER = digest_bytes(b"other")
HOSTILE_RECORDS: dict[str, dict[str, Any]] = {
    "key": {"key": "../" + "0" * 61},
    "key case": {"key": "A" * 64},
    "slot that leads out": {"slots": {"../data": GOOD.root}},
    "slot with escapes": {"slots": {"da\x1bta": GOOD.root}},
    "keep that leads out": {"keeps": {"libs/../../x": GOOD.root}},
    "keep from the root": {"keeps": {"/x": GOOD.root}},
    "no digest": {"slots": {"data": "0" * 63}},
    "a list": {"slots": [GOOD.root]},
    "missing tree": {"slots": {"data": OTHER}},
    "missing log": {"log": OTHER},
    "spilled twice": {"spilled": [OTHER, OTHER]},
    "spilled without": {"spilled": [OTHER]},
    "standing": {"standing": "better"},
    "imported": {"standing": "imported"},
    "body": {"body": []},
    "huge number": {"body": {"seconds": 10**400}},
    "another field": {"more": 1},
}


@pytest.mark.parametrize("harm", HOSTILE_RECORDS)
def test_a_record_that_must_not_be_is_refused(stores: Callable[[], Store], harm: str) -> None:
    refused(_only(stores), bundle(record_file(GOOD, **HOSTILE_RECORDS[harm]), {BLOB: DATA}))


def test_a_bundle_made_like_these_is_taken_when_nothing_is_wrong(
    stores: Callable[[], Store],
) -> None:
    assert len(import_bundle(stores(), bundle(record_file(GOOD), {BLOB: DATA}))) == 1


def test_what_a_record_does_not_name_is_refused(stores: Callable[[], Store]) -> None:
    store, record = _only(stores), record_file(GOOD)
    refused(
        store, bundle(record, {BLOB: DATA, OTHER: b"other"}), "counts other files|more than|order"
    )
    refused(store, bundle(record, {}), "missing")
    refused(store, bundle(record, {BLOB: b"other"}), "not what its digest|counts|missing")
    refused(store, bundle(record, {BLOB: b"Bytes"}), "not what its digest says")
    others = build({"z": Entry("z", Kind.SYMLINK, target="z")})
    refused(store, bundle(record, {BLOB: DATA}, dict(others.directories)), "nothing names")
    refused(store, bundle(record, {BLOB: DATA}, dict(GOOD.directories)), "twice")
    refused(store, bundle(record, {BLOB: DATA}, {OTHER: b"rubbish"}), "not what its digest says")


def test_a_manifest_that_says_other_than_what_is_there_is_refused(
    stores: Callable[[], Store],
) -> None:
    store, record = _only(stores), record_file(GOOD)
    for changes in (
        {"blobs": 2},
        {"size": 6},
        {"records": ()},
        {"records": (RecordId(OTHER),)},
        {"trees": (Digest(OTHER),)},
        {"has_data": False},
    ):
        refused(store, bundle(record, {BLOB: DATA}, **changes))


def test_a_record_under_the_name_of_another_is_refused(stores: Callable[[], Store]) -> None:
    record = record_file(GOOD)
    whole = bundle(record, {BLOB: DATA}, records=(RecordId(OTHER),))
    body = whole.replace(
        header(Member.RECORD, record[-65:-1].decode(), len(record)),
        header(Member.RECORD, OTHER, len(record)),
    )
    refused(_only(stores), sealed(body[: body.rindex(b"blake3 ")]), "another than its line says")


def test_members_that_are_there_twice_or_out_of_order_are_refused(
    stores: Callable[[], Store],
) -> None:
    record = record_file(GOOD)
    id = RecordId(record[-65:-1].decode())
    one, blob = member(Member.RECORD, id, record), member(Member.BLOB, BLOB, DATA)
    head = TITLE + encode_manifest(Manifest((id,), (), True, 1, len(DATA), None))
    for parts in (
        (one, one, blob),
        (one, blob, blob),
        (blob, one),
        (blob,),
        (one,),
        (one, blob, one),
    ):
        refused(_only(stores), sealed(head, *parts))


@pytest.mark.parametrize(
    "length",
    [b"99999999999999999999", b"9" * 18, b"-1", b"05", b"5 ", b"+5", b"0x5", b"5_0", b"4", b"6"],
)
def test_a_length_is_not_believed(stores: Callable[[], Store], length: bytes) -> None:
    """A claim of exabytes costs nothing: bytes are taken as they come."""
    record = record_file(GOOD)
    whole = bundle(record, {BLOB: DATA})
    for line in (
        header(Member.BLOB, BLOB, 5),
        header(Member.RECORD, record[-65:-1].decode(), len(record)),
    ):
        harmed = whole.replace(line, line.rpartition(b" ")[0] + b" " + length + b"\n")
        refused(_only(stores), sealed(harmed[: harmed.rindex(b"blake3 ")]))


def test_json_that_would_exhaust_the_reader_is_refused(stores: Callable[[], Store]) -> None:
    store = _only(stores)
    deep = b"[" * 100_000
    refused(store, sealed(TITLE, b"manifest %d\n%s\n" % (len(deep), deep)), "manifest")
    refused(store, sealed(TITLE, b"manifest %d\n" % (1 << 40)), "too large")
    text = RECORD_TITLE + deep + b"\n\n"
    record = text + b"blake3 " + blake3(text).hexdigest().encode() + b"\n"
    refused(store, bundle(record, {}), "not written as records are")
    refused(store, b"", "start")
    refused(store, b"\n" * 1000, "start")


def test_a_framed_directory_that_claims_more_bytes_than_follow_is_refused(
    stores: Callable[[], Store],
) -> None:
    record = record_file(GOOD)
    tree = GOOD.directories[GOOD.root]
    frame = bytes.fromhex(GOOD.root) + len(tree).to_bytes(4, "big")
    body = record[:-72].replace(frame, frame[:32] + b"\x7f\xff\xff\xff")
    forged = body + b"blake3 " + blake3(body).hexdigest().encode() + b"\n"
    refused(_only(stores), bundle(forged, {BLOB: DATA}), "not written as records are")


def test_a_record_with_two_ways_to_write_it_is_refused(stores: Callable[[], Store]) -> None:
    body = record_file(GOOD)[:-72].replace(b'"body":{}', b'"body":{"a":1,"a":2}')
    forged = body + b"blake3 " + blake3(body).hexdigest().encode() + b"\n"
    refused(_only(stores), bundle(forged, {BLOB: DATA}), "not written as records are")


def test_what_the_caller_finds_wrong_with_a_record_refuses_the_bundle(
    stores: Callable[[], Store], tmp_path: Path
) -> None:
    seen: list[FullRecord] = []

    def check(full: FullRecord) -> str:
        seen.append(full)
        return "is of no use"

    source = io.BytesIO(bundle(record_file(GOOD), {BLOB: DATA}))
    with pytest.raises(BadBundle, match="is of no use"):
        read_bundle(source, tmp_path, check, lambda name: False)
    assert [full.record.key for full in seen] == [key_of("k")]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_told_as_the_stores_trouble(tmp_path: Path) -> None:
    source = io.BytesIO(bundle(record_file(GOOD), {BLOB: DATA}))
    with pytest.raises(DiskRefused):
        read_bundle(source, tmp_path / "gone", lambda full: None, lambda name: False)


def test_links_that_take_for_ever_to_follow_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusionstore.bundle_limits._MOST_STEPS", 10_000)
    entries = {f"l{n:03}": Entry("", Kind.SYMLINK, target="./" * 100 + "l000") for n in range(100)}
    tree = build(entries)
    with pytest.raises(BadBundle, match="too long"):
        Survey(tree.directories).look_at(tree.root)
