"""Directories as bytes: one directory has one encoding, and nothing else decodes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionstore.digest import Digest, digest_bytes
from fusionstore.errors import Corrupt
from fusionstore.tree import Entry, Kind, decode, encode, is_name

NAMES = (
    st.binary(min_size=1, max_size=5)
    .filter(is_name)
    .map(lambda raw: raw.decode("utf-8", "surrogateescape"))
)
BLOBS = st.builds(
    lambda name, kind, size: Entry(name, kind, digest_bytes(name.encode("utf-8", "replace")), size),
    NAMES,
    st.sampled_from([Kind.FILE, Kind.EXECUTABLE, Kind.DIRECTORY]),
    st.integers(0, 2**64 - 1),
)
LINKS = st.builds(lambda name, to: Entry(name, Kind.SYMLINK, target=to), NAMES, NAMES)
DIRECTORIES = st.lists(BLOBS | LINKS, max_size=5, unique_by=lambda entry: entry.name)


@given(DIRECTORIES)
def test_what_was_encoded_is_decoded_in_order(entries: list[Entry]) -> None:
    found = decode(encode(entries))
    assert sorted(entries, key=lambda entry: entry.name.encode("utf-8", "surrogateescape")) == list(
        found
    )


@given(DIRECTORIES, st.data())
def test_altered_bytes_are_corrupt_or_another_directory(
    entries: list[Entry], data: st.DataObject
) -> None:
    whole = encode(entries)
    at = data.draw(st.integers(0, len(whole)), label="at")
    cut = data.draw(st.integers(0, 3), label="cut")
    altered = whole[:at] + data.draw(st.binary(max_size=3), label="put") + whole[at + cut :]
    with suppress(Corrupt):
        assert encode(decode(altered)) == altered


def raw_entry(name: bytes) -> bytes:
    return b"f" + len(name).to_bytes(4, "big") + name + bytes(40)


@pytest.mark.parametrize(
    "names", [[b"b", b"a"], [b"a", b"a"], [b""], [b"."], [b".."], [b"a/b"], [b"a\0b"]]
)
def test_names_out_of_order_or_impossible_are_corrupt(names: list[bytes]) -> None:
    with pytest.raises(Corrupt):
        decode(encode([]) + b"".join(map(raw_entry, names)))


def test_an_encoding_that_is_cut_short_is_corrupt() -> None:
    link = encode([Entry("a", Kind.SYMLINK, target="far")])
    for length in range(len(encode([])) + 1, len(link)):
        with pytest.raises(Corrupt):
            decode(link[:length])


@pytest.mark.parametrize("other", [Kind.FILE, Kind.SYMLINK, Kind.DIRECTORY])
def test_a_name_is_there_once_whatever_it_stands_for(other: Kind) -> None:
    blob = Entry("a", Kind.FILE, Digest("0" * 64), 1)
    with pytest.raises(ValueError, match="repeated"):
        encode([blob, Entry("a", other, Digest("0" * 64), target="b")])
